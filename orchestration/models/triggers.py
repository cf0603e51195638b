"""When a publication runs: as soon as something changed, but not for every single minute's candles."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import dagster as dg

from data_agent.core.time import utc_now
from data_agent.storage.postgres.database import connect
from data_agent.storage.postgres.slices import count_dirty
from orchestration.models.publication import publish_job
from orchestration.models.reports import reports
from orchestration.names import PUBLISH_JOB
from orchestration.runtime import database_url

# Live minutes make a slice dirty per series and minute; a publication is a process, some seconds of two cores.
_PAUSE: Final = timedelta(seconds=45)
_BACKLOG: Final = 100
"""More dirty slices than live minutes make: a backfill is under way, and its data need not wait."""


@dg.sensor(
    job=publish_job,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Publishes what changed: each minute while only live candles arrive, without a pause after a backfill.",
)
def dirty_slices(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Launch one publication, if something is dirty and none is at work."""
    with connect(database_url(), autocommit=True) as connection:
        count = count_dirty(connection)
    if not count:
        return dg.SkipReason("nothing changed")
    last = _last_run(context.instance)
    if last is not None and not last.dagster_run.is_finished:
        return dg.SkipReason(f"{count} slices are dirty, run {last.dagster_run.run_id[:8]} is at work")
    age = _PAUSE if last is None else utc_now() - last.create_timestamp
    if age < _PAUSE and count < _BACKLOG and last is not None and last.dagster_run.is_success:
        return dg.SkipReason(f"{count} slices are dirty, the last publication began {age.seconds} s ago")
    if last is not None and last.dagster_run.is_failure and age < _PAUSE:
        return dg.SkipReason(f"{count} slices are dirty, the last publication failed {age.seconds} s ago")
    return dg.RunRequest()


def _last_run(instance: dg.DagsterInstance) -> dg.RunRecord | None:
    records: Sequence[dg.RunRecord] = instance.get_run_records(dg.RunsFilter(job_name=PUBLISH_JOB), limit=1)
    return records[0] if records else None


reports_daily = dg.ScheduleDefinition(
    name="reports_daily",
    job=reports,
    cron_schedule="31 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="dbt's documentation and data tests, daily.",
)

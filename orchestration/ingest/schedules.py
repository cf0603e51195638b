"""When the jobs of the ingest run. Every schedule runs from the start; the Dagster UI can stop each."""

from __future__ import annotations

from typing import Final

import dagster as dg

from orchestration.ingest.housekeeping import prune_runs
from orchestration.ingest.jobs import ReconcileConfig, live_ingest, read_again, reconcile
from orchestration.names import UNFINISHED

_RUNNING: Final = dg.DefaultScheduleStatus.RUNNING
_UNFINISHED: Final = [dg.DagsterRunStatus(status) for status in UNFINISHED]


@dg.schedule(
    name="live_ingest_each_minute",
    job=live_ingest,
    cron_schedule="* * * * *",
    execution_timezone="UTC",
    default_status=_RUNNING,
    description="The newest candles, each minute.",
)
def live_ingest_each_minute(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run at a time: the one under way asks for what is due by then, or the next does."""
    unfinished = context.instance.get_runs(dg.RunsFilter(job_name=live_ingest.name, statuses=_UNFINISHED), limit=1)
    return dg.SkipReason(f"run {unfinished[0].run_id} is still at work") if unfinished else dg.RunRequest()


def _reconcile(name: str, cron_schedule: str, days: int) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=name,
        job=reconcile,
        cron_schedule=cron_schedule,
        execution_timezone="UTC",
        default_status=_RUNNING,
        run_config=dg.RunConfig(ops={read_again.name: ReconcileConfig(days=days)}),
        description=f"The last {days} days, read again; what a venue corrected late becomes a revision.",
    )


SCHEDULES: Final = [
    live_ingest_each_minute,
    dg.ScheduleDefinition(
        name="instruments_hourly",
        job_name="instruments",
        cron_schedule="7 * * * *",
        execution_timezone="UTC",
        default_status=_RUNNING,
        description="What the venues list, hourly.",
    ),
    _reconcile("reconcile_hourly", "23 * * * *", 1),
    _reconcile("reconcile_daily", "41 3 * * *", 7),
    dg.ScheduleDefinition(
        name="prune_runs_daily",
        job=prune_runs,
        cron_schedule="13 4 * * *",
        execution_timezone="UTC",
        default_status=_RUNNING,
        description="Old runs and their event logs, deleted daily.",
    ),
]

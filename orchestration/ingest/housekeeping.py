"""Keeping Dagster's own store small and honest: old runs are deleted, runs without a process are closed."""

import json
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import dagster as dg
import psutil
from dagster._core.storage.tags import GRPC_INFO_TAG

from data_agent.core.time import utc_now
from orchestration.names import PRIORITY_REQUEST, run_tags

# A minute's run leaves 36 KB in the event log: 50 MB a day. Runs that materialized partitions are what the partitions'
# status is made of; they stay until they are deleted by hand.
_KEPT: Final = {
    "live_ingest": timedelta(hours=12),
    "publish": timedelta(days=1),
    "repair": timedelta(days=7),
    "reconcile": timedelta(days=30),
    "instruments": timedelta(days=7),
    "backfill_request": timedelta(days=90),
    "reports": timedelta(days=30),
    "prune_runs": timedelta(days=30),
}
_BATCH: Final = 200
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104


class PruneConfig(dg.Config):
    """How many runs to delete at most, so that the run itself stays short."""

    limit: int = 20_000


@dg.op
def delete_old_runs(context: dg.OpExecutionContext, config: PruneConfig) -> None:
    """Delete finished runs that are older than their job's runs are kept."""
    deleted: dict[str, int] = {}
    for job, kept in _KEPT.items():
        deleted[job] = prune(context.instance, job, utc_now() - kept, config.limit - sum(deleted.values()))
    context.log.info(f"deleted runs: {deleted}")
    context.add_output_metadata({job: count for job, count in deleted.items() if count})


def prune(instance: dg.DagsterInstance, job: str, before: datetime, limit: int) -> int:
    """Delete the finished runs of a job that were created before a moment, at most `limit`; returns how many."""
    count = 0
    finished = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    wanted = dg.RunsFilter(job_name=job, statuses=finished, created_before=before)
    while count < limit and (runs := instance.get_runs(wanted, limit=min(_BATCH, limit - count), ascending=True)):
        for run in runs:
            instance.delete_run(run.run_id)
        count += len(runs)
    return count


@dg.job(
    executor_def=dg.in_process_executor,
    tags=run_tags(priority=PRIORITY_REQUEST, max_runtime_seconds=3_600),
)
def prune_runs() -> None:
    """Deletes old runs and their event logs."""
    delete_old_runs()


@dg.sensor(
    job=prune_runs,
    name="dead_runs",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Closes runs whose process is gone. Dagster notices a dead process through the code server that started it;"
        " when both died, the run would stay STARTED for ever, and those who wait for it with it."
    ),
)
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Close what has no process; launches nothing itself."""
    closed = close_dead_runs(context.instance)
    for run_id in closed:
        context.log.warning(f"closed run {run_id}: its process is gone")
    return dg.SkipReason(f"closed {len(closed)} runs: {', '.join(closed)}" if closed else "every run has its process")


def close_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail the started runs of this machine whose process does not exist any more; returns their ids."""
    closed = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        run = record.dagster_run
        pid = _process_of(instance, run)
        if pid is None or _is_alive(pid, record.start_time):
            continue
        fresh = instance.get_run_by_id(run.run_id)
        if fresh is not None and fresh.status == dg.DagsterRunStatus.STARTED:
            instance.report_run_failed(fresh, f"The process of this run ({pid}) is gone.")
            closed.append(run.run_id)
    return closed


def _process_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int | None:
    """The process id a run's worker told when it began; None if it works on another machine, or told none yet."""
    server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    if server.get("host", "localhost") not in {*_LOOPBACK, socket.gethostname()}:
        return None
    events: Sequence[dg.EventLogEntry] = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    for event in reversed(events):
        data = event.dagster_event.engine_event_data if event.dagster_event else None
        pid = data.metadata.get("pid") if data else None
        if pid is not None:
            return int(str(pid.value))
    return None


def _is_alive(pid: int, started_at: float | None) -> bool:
    try:
        process = psutil.Process(pid)
        # A number is used again: a process younger than the run is not the run's.
        is_same = started_at is None or process.create_time() <= started_at + 1
        return is_same and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

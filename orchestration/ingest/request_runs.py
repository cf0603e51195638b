"""`ops.backfill_requests`: one run per request; a run that died is followed by another, until it is finished."""

from collections.abc import Iterator, Sequence
from typing import Final

import dagster as dg

from data_agent.connections.limits import Priority
from data_agent.core.errors import DataAgentError
from data_agent.storage.postgres import requests
from data_agent.storage.postgres.database import connect
from data_agent.storage.postgres.requests import BackfillRequest
from orchestration.backfills import Cancelled, work_off
from orchestration.collected import Round
from orchestration.collector import Collector
from orchestration.ingest.reporting import observe, show_new_instruments
from orchestration.names import BACKFILL_REQUEST, BULK, PRIORITY_REQUEST, run_tags
from orchestration.runtime import database_url, with_collector

_MOST_RUNS: Final = 5
"""Runs of one request that may die before it is given up."""


class RequestConfig(dg.Config):
    """Which request to work off."""

    request_id: int


@dg.op
def work_off_request(context: dg.OpExecutionContext, config: RequestConfig) -> None:
    """Collect what a user asked for, page by page; says how far it is and stops when cancelled."""
    with connect(database_url(), autocommit=True) as connection:
        request = requests.claim(connection, config.request_id, run_id=context.run_id)
    if request is None:
        context.log.info(f"request {config.request_id} is finished or cancelled already")
        return
    try:
        collected = _collect(context, request)
    except Cancelled:
        context.log.info(f"request {request.request_id} was cancelled; what was stored stays")
        return
    except DataAgentError as error:
        _finish(request, str(error))
        raise dg.Failure(str(error), allow_retries=False) from error
    observe(context, collected)
    _finish(request, "; ".join(collected.failures) or None)
    if collected.failures:
        raise dg.Failure("\n".join(collected.failures), allow_retries=False)


def _collect(context: dg.OpExecutionContext, request: BackfillRequest) -> Round:
    async def work(collector: Collector) -> Round:
        outcomes = await work_off(collector, request, run_id=context.run_id)
        show_new_instruments(context, collector)
        return Round(outcomes)

    return with_collector(work, priority=Priority.BACKFILL)


def _finish(request: BackfillRequest, error: str | None) -> None:
    with connect(database_url(), autocommit=True) as connection:
        requests.finish(connection, request.request_id, error=error)


@dg.job(
    executor_def=dg.in_process_executor,
    tags={BULK: "request", **run_tags(priority=PRIORITY_REQUEST, max_runtime_seconds=86_400)},
)
def backfill_request() -> None:
    """Ranges that users asked for (data-agent backfill, the API)."""
    work_off_request()


@dg.sensor(
    job=backfill_request,
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run for each queued request, and another one where a run died.",
)
def backfill_requests(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Decide which of the open requests need a run."""
    with connect(database_url(), autocommit=True) as connection:
        waiting = requests.read_open(connection)
        runs = {request.request_id: _runs_of(context.instance, request) for request in waiting}
        idle = [request for request in waiting if all(run.is_finished for run in runs[request.request_id])]
        if not idle:
            yield dg.SkipReason(f"{len(waiting)} requests are being worked off" if waiting else "no request waits")
        for request in idle:
            count_runs = len(runs[request.request_id])
            if count_runs >= _MOST_RUNS:
                requests.finish(connection, request.request_id, error=f"its runs ended {count_runs} times, unfinished")
                continue
            yield _run_request(request, count_runs)


def _runs_of(instance: dg.DagsterInstance, request: BackfillRequest) -> Sequence[dg.DagsterRun]:
    return instance.get_runs(dg.RunsFilter(tags={BACKFILL_REQUEST: str(request.request_id)}), limit=_MOST_RUNS)


def _run_request(request: BackfillRequest, count_runs: int) -> dg.RunRequest:
    return dg.RunRequest(
        # The same key for the same attempt: a tick that is evaluated twice launches one run.
        run_key=f"backfill-request-{request.request_id}-{count_runs}",
        run_config=dg.RunConfig(ops={work_off_request.name: RequestConfig(request_id=request.request_id)}),
        tags={BACKFILL_REQUEST: str(request.request_id), "venue": request.venue},
    )

"""`data-agent backfill`: a row in `ops.backfill_requests`, and watching the Dagster run that works it off."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final, Protocol

import psycopg

from data_agent.cli.backfill_plan import Backfill, Plan, Wanted, check, make_plan
from data_agent.cli.deployment import Deployment, find_deployment
from data_agent.cli.output import Output, console, counted, duration_text
from data_agent.cli.supervisor import Supervisor
from data_agent.core.errors import EnvironmentFault, StorageError
from data_agent.core.time import utc_now
from data_agent.storage.postgres import requests
from data_agent.storage.postgres.database import connect
from data_agent.storage.postgres.requests import BackfillRequest

_POLL_SECONDS: Final = 1.0
_LINE_SECONDS: Final = 5.0
# A run starts within seconds, and each page says how far it is; a venue's ban may last longer, and is waited out.
_LONGEST_SILENCE_SECONDS: Final = 15 * 60

__all__ = ["Wanted", "run_backfill", "run_cancel"]


def run_backfill(
    output: Output, wanted: Wanted, *, is_simulated: bool | None, is_dry_run: bool, is_following: bool
) -> int:
    """Plan, queue and watch; returns the exit code, 0 unless the request failed or was cancelled."""
    backfill = check(wanted, utc_now())
    deployment = find_deployment(is_simulated)
    if deployment.state.has_own_postgres and not Supervisor(deployment.directory).is_running():
        raise EnvironmentFault(f"nothing runs in {deployment.directory}: data-agent up")
    plan = _plan(deployment, backfill)
    _show_plan(output, backfill, plan)
    if is_dry_run or not plan.count_missing:
        output.result({"plan": _plan_as_json(backfill, plan), "request": None})
        return 0
    with connect(deployment.database_url) as connection:
        request = requests.create(
            connection,
            venue=backfill.facts.venue,
            symbols=backfill.symbols,
            timeframes=backfill.timeframes,
            span=backfill.span,
            count_expected=plan.count_wanted,
            is_forced=backfill.is_forced,
            requested_by=f"command line, {getpass.getuser()}",
        )
        output.say(f"request {request.request_id} is queued")
        if is_following:
            request = _follow(output, connection, request)
    output.result({"plan": _plan_as_json(backfill, plan), "request": asdict(request)})
    return _verdict(output, request)


def run_cancel(output: Output, request_id: int, *, is_simulated: bool | None) -> None:
    """Stop a request; what it stored stays."""
    with connect(find_deployment(is_simulated).database_url) as connection:
        request = requests.cancel(connection, request_id)
    output.say(f"request {request_id} is {request.status}, {request.count_done:,} candles were fetched")
    output.result({"request": asdict(request)})


def _plan(deployment: Deployment, backfill: Backfill) -> Plan:
    ceiling = deployment.settings.venue_limit_ceiling
    try:
        return asyncio.run(make_plan(deployment.database_url, backfill, ceiling=ceiling, now=utc_now()))
    except psycopg.OperationalError as error:
        raise StorageError(f"PostgreSQL does not answer: {error}") from None


def _show_plan(output: Output, backfill: Backfill, plan: Plan) -> None:
    output.table(
        ("exchange", "symbol", "timeframe", "candles in range", "to fetch", "requests"),
        [
            (backfill.facts.venue, each.symbol, each.timeframe.value, each.count_wanted, each.count_missing,
             each.count_requests)
            for each in plan.series
        ],
    )  # fmt: skip
    if plan.count_missing:
        rows, asked = counted(plan.count_missing, "row"), counted(plan.count_requests, "request")
        pace = f"{backfill.facts.venue} leaves a backfill {plan.requests_per_second:.0f} requests a second"
        output.say(f"{rows} in {asked}, about {duration_text(plan.seconds)} ({pace})")
    else:
        output.say("the ledger has all of it; --force asks again")


def _plan_as_json(backfill: Backfill, plan: Plan) -> dict[str, Any]:
    return {
        "exchange": backfill.facts.venue,
        "start": backfill.span.start.isoformat(),
        "end": backfill.span.end.isoformat(),
        "is_forced": backfill.is_forced,
        "rows": plan.count_missing,
        "requests": plan.count_requests,
        "seconds": round(plan.seconds, 1),
        "series": [each._asdict() for each in plan.series],
    }


def _verdict(output: Output, request: BackfillRequest) -> int:
    if request.is_open:
        output.say(f"to stop it: data-agent backfill --cancel {request.request_id}")
        return 0
    took = (request.finished_at - request.created_at).total_seconds() if request.finished_at else 0
    text = f"request {request.request_id} is {request.status} after {duration_text(took)}: {_counts(request)}"
    output.say(f"{text}; {request.error}" if request.error else text)
    return 0 if request.status == "done" else 1


def _follow(output: Output, connection: psycopg.Connection[Any], request: BackfillRequest) -> BackfillRequest:
    try:
        with _display(output, request) as display:
            return _watch(connection, request, display)
    except KeyboardInterrupt:
        output.say(
            f"request {request.request_id} goes on; to stop it: data-agent backfill --cancel {request.request_id}"
        )
        raise


def _watch(connection: psycopg.Connection[Any], request: BackfillRequest, display: Display) -> BackfillRequest:
    last_news = (time.monotonic(), request.updated_at)
    while request.is_open:
        time.sleep(_POLL_SECONDS)
        request = requests.read(connection, request.request_id)
        display.show(request)
        if request.updated_at != last_news[1]:
            last_news = (time.monotonic(), request.updated_at)
        if time.monotonic() - last_news[0] > _LONGEST_SILENCE_SECONDS:
            raise EnvironmentFault(
                f"nothing has been heard of request {request.request_id} ({request.status}) for "
                f"{duration_text(_LONGEST_SILENCE_SECONDS)}: see data-agent status and the Dagster UI; it stays open, "
                f"to stop it: data-agent backfill --cancel {request.request_id}"
            )
    return request


class Display(Protocol):
    """Shows how far a request is."""

    def show(self, request: BackfillRequest) -> None:
        """Called about once a second."""


class _Lines:
    def __init__(self, output: Output) -> None:
        self._output = output
        self._said_at = time.monotonic()
        self._pace = Pace()

    def show(self, request: BackfillRequest) -> None:
        now = time.monotonic()
        left = self._pace.seconds_left(request, now)
        if now - self._said_at >= _LINE_SECONDS:
            self._said_at = now
            self._output.say(progress_line(request, left))


class _Bar:
    def __init__(self, progress: Any, request: BackfillRequest) -> None:
        self._progress = progress
        self._task = progress.add_task(request.status, total=max(1, request.count_expected))

    def show(self, request: BackfillRequest) -> None:
        description = f"{request.status}, {counted(request.count_requests, 'request')}"
        self._progress.update(self._task, completed=request.count_done, description=description)


@contextmanager
def _display(output: Output, request: BackfillRequest) -> Iterator[Display]:
    if output.is_json or not output.is_terminal:
        yield _Lines(output)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console()) as progress:
        yield _Bar(progress, request)


class Pace:
    """How fast a request goes, from the first figures seen: what was known before it began counts for nothing."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def seconds_left(self, request: BackfillRequest, now: float) -> float | None:
        """An estimate, in seconds; None while there is nothing to tell it from."""
        if request.status != "running" or not request.count_done:
            return None
        if self._first is None:
            self._first = now, request.count_done
        begun, known_before = self._first
        if request.count_done == known_before:
            return None
        pace = (request.count_done - known_before) / (now - begun)
        return max(0, request.count_expected - request.count_done) / pace


def progress_line(request: BackfillRequest, seconds_left: float | None) -> str:
    """`request 3 running: 12,000 of 52,000 candles (23%), 14 requests, about 40 s left`."""
    eta = "" if seconds_left is None else f", about {duration_text(seconds_left)} left"
    return f"request {request.request_id} {request.status}: {_counts(request)}{eta}"


def _counts(request: BackfillRequest) -> str:
    done, expected = request.count_done, request.count_expected
    share = done / expected if expected else 1
    return f"{done:,} of {expected:,} candles ({share:.0%}), {counted(request.count_requests, 'request')}"

"""Why a candle changed: its versions, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from api.candles import repository
from api.candles.repository import View
from api.candles.schemas import (
    BrokenRule,
    CandleVersion,
    RejectedRow,
    RevisionsAnswer,
    RevisionsQuery,
    Verdict,
)
from api.coverage import repository as ledger
from api.problems import BadParameter, UnknownCandle
from api.series import service as series
from api.series.repository import SeriesRow, Snapshot, read_snapshot
from api.store import Connection, Store
from api.times import render_time
from data_agent.core.time import Span

_VALUES: Final = ("open", "high", "low", "close", "volume", "quote_volume", "trade_count")
_Outcome = Literal["passed", "warned", "failed"]
_Status = Literal["final", "provisional", "withheld", "absent"]


async def answer(store: Store, query: RevisionsQuery, *, is_simulated: bool) -> RevisionsAnswer:
    """Every version of one candle.

    Raises:
        Problem: the series or the candle is unknown, or the time is not on the grid.
    """
    _check_grid(query)
    async with store.snapshot() as connection:
        snapshot = await read_snapshot(connection)
        as_of = snapshot.newest_change or snapshot.clock
        found = await series.resolve(
            connection,
            exchange=query.exchange,
            symbol=query.symbol,
            timeframe=query.timeframe,
            origin="venue",
            as_of=as_of,
        )
        versions = list(_explained(await repository.versions(connection, found.series_id, query.open_time)))
        rejects = await repository.rejects(connection, found.series_id, query.open_time)
        if not versions and not rejects:
            raise UnknownCandle(
                f"No candle of {query.symbol} {query.timeframe} at {render_time(query.open_time)} was ever seen on "
                f"{query.exchange}; /v1/coverage says why.",
                field="open_time",
            )
        status = await _status(connection, found, query, snapshot) if versions else "absent"
    return RevisionsAnswer(
        exchange=found.exchange,
        symbol=found.symbol,
        timeframe=found.timeframe.value,
        open_time=query.open_time,
        close_time=query.open_time + query.timeframe.duration,
        status=status,
        data=versions,
        rejects=[RejectedRow(**row) for row in rejects],
        as_of=as_of,
        simulated=is_simulated,
    )


def _check_grid(query: RevisionsQuery) -> None:
    if not query.timeframe.is_on_grid(query.open_time):
        below = query.timeframe.floor(query.open_time)
        raise BadParameter(
            f"open_time: no {query.timeframe} candle opens then.",
            field="open_time",
            near_matches=[render_time(below), render_time(below + query.timeframe.duration)],
        )


async def _status(connection: Connection, found: SeriesRow, query: RevisionsQuery, snapshot: Snapshot) -> _Status:
    view = View(found, ledger.EVERY_INGEST, ledger.EVERY_VERDICT, "now" if snapshot.has_marts else "never")
    span = Span(query.open_time, query.open_time + query.timeframe.duration)
    if await ledger.withheld_of(connection, found.series_id, span):
        return "withheld"
    page = await repository.page(connection, view, span, withheld=(), limit=1, min_quality=None)
    return "final" if '"status":"final"' in page.candles else "provisional"


def _explained(rows: Iterable[Mapping[str, Any]]) -> Iterator[CandleVersion]:
    before: Mapping[str, Any] | None = None
    for row in rows:
        changed = [name for name in _VALUES if before is not None and row[name] != before[name]]
        yield CandleVersion(
            **{name: value for name, value in row.items() if name in CandleVersion.model_fields},
            changed=changed,
            reason=_reason(row, before, changed),
            verdict=_verdict(row),
        )
        before = before if row["is_superseded"] else row


def _reason(row: Mapping[str, Any], before: Mapping[str, Any] | None, changed: list[str]) -> str:
    if before is None:
        return "first seen"
    if row["is_superseded"]:
        return (
            f"an observation of {render_time(row['observed_at'])} that reached the store after newer knowledge: kept, "
            "but never the latest"
        )
    return f"the exchange gave another value for {', '.join(changed)} than at {render_time(before['observed_at'])}"


def _verdict(row: Mapping[str, Any]) -> Verdict | None:
    if row["slice_version"] is None:
        return None
    rules = [BrokenRule(**rule) for rule in row["rules"] or ()]
    severities = {rule.severity for rule in rules}
    outcome: _Outcome = "failed" if "block" in severities else "warned" if severities else "passed"
    return Verdict(
        outcome=outcome,
        slice_version=row["slice_version"],
        decided_at=row["decided_at"],
        published_at=row["published_at"],
        run_id=row["verdict_run_id"],
        rules=rules,
    )

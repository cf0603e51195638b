"""Answers for coverage: the ledger is the truth, and rows that it does not vouch for yet are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from api import cursors
from api.coverage import repository
from api.coverage.composition import compose, expected_span, without
from api.coverage.schemas import CoverageListAnswer, CoverageQuery, GapAnswer, SeriesCoverage
from api.problems import BadParameter
from api.series.repository import Snapshot, read_snapshot
from api.series.service import check_names
from api.store import Connection, Store
from data_agent.core.time import EPOCH, Span, Timeframe
from data_agent.coverage.ledger import Entry, Status, clip, watermark
from data_agent.coverage.planner import join

_SAME_ON_ALL_PAGES: Final = ("exchange", "product", "symbol", "timeframe", "origin", "start", "end")


class _After(Struct, frozen=True, array_like=True):
    """The last series of the page before."""

    exchange: str
    product: str
    symbol: str
    series_id: int


async def answer(store: Store, query: CoverageQuery, *, is_simulated: bool) -> CoverageListAnswer:
    """A page of series with their coverage.

    Raises:
        Problem: see `api.problems`.
    """
    fixed = {name: getattr(query, name) for name in _SAME_ON_ALL_PAGES}
    after = cursors.decode(fixed, query.cursor, _After) if query.cursor else None
    async with store.snapshot() as connection:
        snapshot = await read_snapshot(connection)
        asked = _asked(query, snapshot.clock)
        await check_names(connection, query.exchange, query.symbol)
        found = await repository.series(connection, **_filters(query, after))
        page = found[: query.limit]
        data = await _series(connection, page, asked, query, snapshot)
    last = page[-1] if len(found) > query.limit else None
    position = last and _After(last["exchange"], last["product"], last["symbol"], last["series_id"])
    return CoverageListAnswer(
        data=data,
        as_of=snapshot.newest_change or snapshot.clock,
        next_cursor=cursors.encode(fixed, position) if position else None,
        simulated=is_simulated,
    )


def _asked(query: CoverageQuery, clock: datetime) -> Span:
    asked = Span(query.start or EPOCH, query.end or clock)
    if asked.is_empty:
        raise BadParameter("end: must be after start.", field="start" if query.end is None else "end")
    return asked


def _filters(query: CoverageQuery, after: _After | None) -> dict[str, object]:
    return {
        "exchange": query.exchange,
        "product": query.product,
        "symbol": query.symbol,
        "timeframe": query.timeframe and query.timeframe.value,
        "origin": query.origin,
        "after_exchange": after and after.exchange,
        "after_product": after and after.product,
        "after_symbol": after and after.symbol,
        "after_series_id": after and after.series_id,
        "limit": query.limit + 1,
    }


class _Survey(Struct, frozen=True):
    """What is known of a page of series before their rows are looked at.

    Attributes:
        ledger, expected: by series; a built series has the ledger of its one-minute candles.
    """

    page: Sequence[Mapping[str, Any]]
    origin: str
    has_marts: bool
    ledger: Mapping[int, Sequence[Entry]]
    expected: Mapping[int, Span]


async def _series(
    connection: Connection, page: Sequence[Mapping[str, Any]], asked: Span, query: CoverageQuery, snapshot: Snapshot
) -> list[SeriesCoverage]:
    sources = await repository.entries_of(connection, {row["source_series_id"] for row in page})
    ledger = {row["series_id"]: sources[row["source_series_id"]] for row in page}
    expected = {row["series_id"]: _expected(row, ledger[row["series_id"]], asked, query, snapshot) for row in page}
    survey = _Survey(page, query.origin, snapshot.has_marts, ledger, expected)
    withheld = await repository.withheld(connection, ledger.keys(), asked)
    served = await _served(connection, survey)
    told = await repository.quality(connection, ledger.keys(), asked)
    return [_answer(row, survey, served, withheld, told, max_gaps=query.max_gaps) for row in page]


def _expected(
    row: Mapping[str, Any], entries: Sequence[Entry], asked: Span, query: CoverageQuery, snapshot: Snapshot
) -> Span:
    timeframe = Timeframe(row["timeframe"])
    if query.start is None:
        # A range that nobody named begins where the series does; nothing is expected of one that never began.
        begin = timeframe.floor(entries[0].span.start) if entries else asked.end
        asked = Span(min(begin, asked.end), asked.end)
    return expected_span(asked, timeframe, clock=snapshot.clock, listed_at=row["listed_at"])


async def _served(connection: Connection, survey: _Survey) -> dict[int, list[Span]]:
    if survey.origin == "built":
        if not survey.has_marts:
            return {series_id: [] for series_id in survey.expected}
        whole = {series_id: [span] for series_id, span in survey.expected.items()}
        return await repository.stretches(connection, survey.origin, whole)
    complete = {series_id: _complete(survey.ledger[series_id], span) for series_id, span in survey.expected.items()}
    # `complete` vouches for its rows. Elsewhere there may be rows as well: fresh ones, to be read once more.
    doubtful = {series_id: without(survey.expected[series_id], spans) for series_id, spans in complete.items()}
    found = await repository.stretches(connection, survey.origin, doubtful)
    return {series_id: join([*spans, *found[series_id]]) for series_id, spans in complete.items()}


def _complete(entries: Sequence[Entry], expected: Span) -> list[Span]:
    return [entry.span for entry in clip(entries, expected) if entry.status is Status.COMPLETE]


def _answer(
    row: Mapping[str, Any],
    survey: _Survey,
    served: Mapping[int, Sequence[Span]],
    withheld: Mapping[int, Mapping[datetime, str]],
    told: Mapping[int, Mapping[str, Any]],
    *,
    max_gaps: int,
) -> SeriesCoverage:
    series_id, timeframe = row["series_id"], Timeframe(row["timeframe"])
    expected, entries, kept_back = survey.expected[series_id], survey.ledger[series_id], withheld[series_id]
    coverage = compose(
        expected,
        timeframe,
        present=_less(served[series_id], kept_back, timeframe),
        entries=entries,
        withheld=kept_back,
        is_built=survey.origin == "built",
    )
    is_empty = expected.is_empty
    return SeriesCoverage(
        **{name: row[name] for name in ("exchange", "product", "symbol", "timeframe", "origin", "is_active")},
        start=None if is_empty else expected.start,
        end=None if is_empty else expected.end,
        expected=coverage.expected,
        present=coverage.present,
        ratio=None if is_empty else coverage.ratio,
        count_gaps=len(coverage.gaps),
        gaps=[GapAnswer.model_validate(gap, from_attributes=True) for gap in coverage.gaps[:max_gaps]],
        watermark=None if is_empty else min(watermark(entries, expected.start), expected.end),
        newest_open_time=told[series_id]["newest_open_time"],
        quality=told[series_id]["quality"],
        dirty_slices=told[series_id]["dirty_slices"],
    )


def _less(served: Sequence[Span], withheld: Mapping[datetime, str], timeframe: Timeframe) -> list[Span]:
    kept = [Span(moment, moment + timeframe.duration) for moment in sorted(withheld)]
    return [left for span in served for left in without(span, kept)]

"""Answers for candles: every candle marked, the whole range's coverage beside it, all from one snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from msgspec import json

from api.candles import question, repository
from api.candles.question import Question
from api.candles.repository import Page, View
from api.candles.schemas import CandlesQuery
from api.coverage import rendering
from api.coverage import repository as ledger
from api.coverage.composition import Coverage, compose, expected_span
from api.coverage.memory import Memory, Range, Survey
from api.problems import QualityTooLow
from api.series import service as series
from api.series.repository import Snapshot, read_snapshot
from api.store import Connection, Store
from api.times import render_time
from data_agent.core.time import Span


async def answer(store: Store, query: CandlesQuery, *, memory: Memory, is_simulated: bool) -> bytes:
    """One page as encoded JSON, in the shape of `CandlesAnswer`.

    Raises:
        Problem: see `api.problems`.
    """
    async with store.snapshot() as connection:
        snapshot = await read_snapshot(connection)
        asked = question.resolve(query, snapshot)
        view = await _view(connection, query, asked, snapshot)
        # A state younger than the newest change may still receive a commit that was under way: not to be relied on.
        is_settled = snapshot.newest_change is not None and asked.as_of <= snapshot.newest_change
        page, coverage, has_more = await _read(connection, query, asked, view, memory if is_settled else Memory())
    _check_quality(query, page, coverage)
    last = page.last_open_time
    rest = {
        "coverage": rendering.coverage(coverage),
        "as_of": render_time(asked.as_of),
        "next_cursor": asked.cursor(query, last) if has_more and last else None,
        "simulated": is_simulated,
    }
    return b'{"data":[' + page.candles.encode() + b"]," + json.encode(rest)[1:]


async def _view(connection: Connection, query: CandlesQuery, asked: Question, snapshot: Snapshot) -> View:
    found = await series.resolve(
        connection,
        exchange=query.exchange,
        symbol=query.symbol,
        timeframe=query.timeframe,
        origin=query.origin,
        as_of=asked.as_of,
    )
    if not asked.is_repeat:
        return View(found, ledger.EVERY_INGEST, ledger.EVERY_VERDICT, "now" if snapshot.has_marts else "never")
    horizon = await repository.horizon(connection, found.series_id, asked.as_of)
    return View(found, horizon, asked.as_of, "then")


async def _read(
    connection: Connection, query: CandlesQuery, asked: Question, view: View, memory: Memory
) -> tuple[Page, Coverage, bool]:
    """The page, the whole range's coverage, and whether more follows."""
    withheld = await ledger.withheld_of(
        connection, view.series.series_id, asked.asked, as_of=view.as_of, horizon=view.horizon
    )
    page = await repository.page(
        connection, view, asked.page, withheld=withheld, limit=query.limit, min_quality=query.min_quality
    )
    timeframe = view.series.timeframe
    expected = expected_span(asked.asked, timeframe, clock=asked.clock, listed_at=view.series.listed_at)
    is_all = page.count_rows < query.limit or asked.asked.end <= expected.end
    if is_all and asked.page == asked.asked and page.fills(expected, timeframe):
        # Nothing is missing and nothing follows, so there is nothing to look up and explain.
        return page, Coverage(page.count_rows, page.count_rows, ()), False
    survey = await _survey(connection, asked, view, memory, expected=expected, withheld=withheld)
    last = page.last_open_time
    has_more = last is not None and survey.end_of_last is not None and last + timeframe.duration < survey.end_of_last
    return page, survey.coverage, has_more


async def _survey(
    connection: Connection,
    asked: Question,
    view: View,
    memory: Memory,
    *,
    expected: Span,
    withheld: Mapping[datetime, str],
) -> Survey:
    whole = Range(view.series.series_id, asked.asked, asked.as_of, asked.clock)
    if known := memory.recall(whole):
        return known
    present = await repository.present(connection, view, asked.asked, withheld=withheld)
    coverage = compose(
        expected,
        view.series.timeframe,
        present=present,
        entries=await ledger.entries(connection, view.series.source_series_id, expected, horizon=view.horizon),
        withheld=withheld,
        is_built=view.is_built,
    )
    survey = Survey(coverage, present[-1].end if present else None)
    memory.remember(whole, survey)
    return survey


def _check_quality(query: CandlesQuery, page: Page, coverage: Coverage) -> None:
    if query.min_quality is None:
        return
    if page.count_below:
        first = render_time(page.first_below) if page.first_below else ""
        raise QualityTooLow(
            f"{page.count_below} of {page.count_rows} candles are below min_quality {query.min_quality}, the first at "
            f"{first}; the lowest has {page.lowest_quality}.",
            field="min_quality",
            members={"count_below": page.count_below, "first_below": first, "lowest_quality": page.lowest_quality},
        )
    if Decimal(str(coverage.ratio)) < query.min_quality:
        gap = coverage.gaps[0]
        raise QualityTooLow(
            f"The range's coverage is {coverage.ratio} ({coverage.present} of {coverage.expected} candles), below "
            f"min_quality {query.min_quality}; the first gap is {render_time(gap.start)} to {render_time(gap.end)}: "
            f"{gap.status}, {gap.cause}.",
            field="min_quality",
            members={"coverage": rendering.coverage(coverage)},
        )

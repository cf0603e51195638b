"""Gap repair: what the ledger lacks of what the collection wants, cut into runs of bounded size.

A run of the candles asset fills whole days, newest first, and shows in Dagster as materialized partitions. Holes that
lie scattered over the history are filled by the `repair` job instead: a thousand partitions are not materialized
because of two minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection

from data_agent.core.collection import Target
from data_agent.core.time import DAY, Span, Timeframe, day_span
from data_agent.coverage.planner import bridge, missing, pages
from data_agent.storage.postgres import ledger
from data_agent.storage.postgres.series import Series, load_candle_series
from data_agent.venues.facts import CandleFacts
from data_agent.venues.registry import product_facts
from orchestration.collector import Collector, Work
from orchestration.wanted import GRACE, closed_part, history_span

REQUESTS_PER_RUN: Final = 200
"""A minute's work or less at every venue's pace: small enough to be killed, and to let another run in between."""


class Gap(NamedTuple):
    """What one series lacks. `series` is None for one that is wanted and was never made."""

    timeframe: Timeframe
    page_size: int
    spans: list[Span]
    series: Series | None


class DayRange(NamedTuple):
    """Days to fill by one run of the candles asset, both inclusive."""

    first: date
    last: date


class Scattered(NamedTuple):
    """Holes on days that do not follow each other."""

    count_days: int


async def find_gaps(connection: AsyncConnection[Any], targets: Iterable[Target], now: datetime) -> list[Gap]:
    """What was missing and due `GRACE` ago already and still is: nobody else took it."""
    gaps: list[Gap] = []
    for target in targets:
        known = await load_candle_series(
            connection,
            venue=target.venue,
            product=target.product,
            symbols=target.symbols,
            timeframes=target.timeframes,
        )
        entries = await ledger.read_many(connection, [series.series_id for series in known])
        facts = product_facts(target.venue, target.product).candles
        wanted = history_span(target.history, now - GRACE)
        for series in known:
            spans = missing(entries[series.series_id], closed_part(wanted, series, facts, now - GRACE), now - GRACE)
            gaps.append(Gap(series.timeframe, facts.page_size, spans, series))
        gaps += _never_made(target, known, facts, wanted)
    return [gap for gap in gaps if gap.spans]


def _never_made(target: Target, known: Sequence[Series], facts: CandleFacts, wanted: Span) -> list[Gap]:
    made = {(series.symbol, series.timeframe) for series in known}
    return [
        Gap(timeframe, facts.page_size, [wanted.aligned(timeframe, facts.grid_offset(timeframe))], None)
        for symbol in target.symbols
        for timeframe in target.timeframes
        if (symbol, timeframe) not in made
    ]


def plan_run(gaps: Sequence[Gap], limit_requests: int = REQUESTS_PER_RUN) -> DayRange | Scattered | None:
    """The next run: the newest days with gaps, as many as the limit allows and at least one; None without gaps."""
    cost: dict[date, float] = {}
    for gap in gaps:
        for span in gap.spans:
            for day in span.days():
                count = span.intersect(day_span(day)).duration / gap.timeframe.duration
                cost[day] = cost.get(day, 0.0) + count / gap.page_size
    # Days share pages, but each series costs at least one.
    spent, chosen = float(len(gaps)), list[date]()
    for day in sorted(cost, reverse=True):
        spent += cost[day]
        if chosen and spent > limit_requests:
            break
        chosen.append(day)
    if not chosen:
        return None
    is_contiguous = chosen[0] - chosen[-1] == DAY * (len(chosen) - 1)
    return DayRange(chosen[-1], chosen[0]) if is_contiguous else Scattered(len(chosen))


def choose_pages(gaps: Iterable[Gap], limit_requests: int = REQUESTS_PER_RUN) -> list[Work]:
    """The newest requests that fill gaps, at most as many as the limit allows."""
    work = [
        Work(gap.series, page)
        for gap in gaps
        if gap.series is not None
        for span in bridge(gap.spans, gap.timeframe, gap.page_size)
        for page in pages(span, gap.timeframe, gap.page_size)
    ]
    work.sort(key=lambda each: each.wanted.end, reverse=True)
    return work[:limit_requests]


async def choose_repair(collector: Collector, venue: str) -> list[Work]:
    """The work of one repair run of a venue, whose series exist afterwards."""
    await collector.series(venue)
    async with collector.pool.connection() as connection:
        gaps = await find_gaps(connection, collector.targets(venue), collector.now())
    return choose_pages(gaps)

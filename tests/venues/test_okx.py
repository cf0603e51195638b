"""The two endpoints of OKX's candles, and what lies between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from data_agent.connections.limits import Priority
from data_agent.core.settings import Settings
from data_agent.core.time import Span, Timeframe
from data_agent.venues.okx.rest import Okx
from data_agent.venues.registry import open_venue
from simulator.testing import RunningSimulator
from tests.venues.conformance import MINUTE, NOW

pytestmark = pytest.mark.integration
NEWEST = Timeframe.M1.floor(NOW)


@pytest.fixture
async def okx(simulator: RunningSimulator, redis_url: str) -> AsyncIterator[Okx]:
    settings = Settings.model_validate({"venue_okx_rest_url": simulator.venue_url("okx")})
    async with open_venue("okx", settings=settings, redis_url=redis_url, priority=Priority.ACCOUNT) as venue:
        assert isinstance(venue, Okx)
        yield venue


def endpoints(simulator: RunningSimulator) -> dict[str, int]:
    counted = simulator.requests()["requests"]
    return {each["endpoint"]: each["count"] for each in counted if each["endpoint"].endswith("candles")}


async def minutes(okx: Okx, first: int, last: int) -> tuple[list[int], Span]:
    """What the venue gives between two numbers of minutes ago; and what is settled."""
    span = Span(NEWEST - MINUTE * first, NEWEST - MINUTE * last)
    pages = [page async for page in okx.candle_pages("BTC-USDT", Timeframe.M1, span)]
    given = [(NEWEST - candle.open_time) // MINUTE for page in pages for candle in page.candles]
    return given, Span(pages[0].span.start, pages[-1].span.end)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (100, 0, {"candles": 1}),
        (1_390, 1_290, {"candles": 1}),
        (1_460, 1_380, {"history-candles": 1}),
        (3_000, 2_900, {"history-candles": 1}),
    ],
)
async def test_each_stretch_is_asked_for_where_it_lies_whole(
    first: int, last: int, expected: dict[str, int], okx: Okx, simulator: RunningSimulator
) -> None:
    given, settled = await minutes(okx, first, last)
    assert given == list(range(first, last, -1))
    assert settled == Span(NEWEST - MINUTE * first, NEWEST - MINUTE * last)
    assert endpoints(simulator) == expected


@pytest.mark.parametrize(("first", "last"), [(1_500, 1_400), (1_440, 1_439), (1_700, 1_600)])
async def test_beyond_the_memory_of_the_recent_endpoint_the_other_is_asked(
    first: int, last: int, okx: Okx, simulator: RunningSimulator
) -> None:
    """Even if our idea of that memory is wrong: an empty or short answer of it proves nothing."""
    okx.facts = replace(okx.facts, candles=replace(okx.facts.candles, recent_bars=100_000))
    given, settled = await minutes(okx, first, last)
    assert given == list(range(first, last, -1))
    assert settled == Span(NEWEST - MINUTE * first, NEWEST - MINUTE * last)
    assert endpoints(simulator)["candles"] == 1


async def test_a_hole_both_endpoints_agree_on_is_settled(okx: Okx, simulator: RunningSimulator) -> None:
    start, end = NEWEST - MINUTE * 60, NEWEST - MINUTE * 30
    simulator.faults({"kind": "missing_candles", "venue": "okx", "start": start.isoformat(), "end": end.isoformat()})
    given, settled = await minutes(okx, 60, 30)
    assert given == []
    assert settled == Span(start, end)
    assert endpoints(simulator) == {"candles": 1, "history-candles": 1}


async def test_a_day_begins_at_midnight_utc(okx: Okx) -> None:
    span = Span(NOW - timedelta(days=2), NOW)
    pages = [page async for page in okx.candle_pages("BTC-USDT", Timeframe.D1, span)]
    assert all(candle.open_time.hour == 0 for page in pages for candle in page.candles)
    assert not any(page.rejects for page in pages)


async def test_listing_times_are_told(okx: Okx) -> None:
    assert all(each.listed_at is not None for each in await okx.instruments())

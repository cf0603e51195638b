"""The collector against the simulator: what it stores is the venue's truth, whatever happened on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from data_agent.core.errors import ConfigurationError
from data_agent.core.time import Span, to_milliseconds
from data_agent.coverage.planner import join
from orchestration.collector import Collector, Work
from simulator.testing import RunningSimulator
from tests.orchestration.support import DAY, Clock, at, one_series, stored, tables, truth

pytestmark = pytest.mark.integration
NewCollector = Callable[..., Collector]


@pytest.mark.parametrize(("venue", "count_requests"), [("binance", 2), ("okx", 5)])
async def test_a_day_is_the_venues_truth_and_asked_for_by_pages(
    new_collector: NewCollector, simulator: RunningSimulator, database_url: str, venue: str, count_requests: int
) -> None:
    async with new_collector() as collector:
        series = await one_series(collector, venue=venue)
        collected = await collector.collect(series, DAY, run_id="test")
    assert stored(database_url, series) == truth(simulator, series)
    assert len(truth(simulator, series)) == 1440
    assert (collected.count_requests, collected.count_inserted, collected.holes) == (count_requests, 1440, ())
    assert (collected.first, collected.last) == (DAY.start, DAY.end - timedelta(minutes=1))


async def test_collecting_again_asks_nothing_and_reading_again_changes_nothing(
    new_collector: NewCollector, database_url: str
) -> None:
    async with new_collector() as collector:
        series = await one_series(collector)
        await collector.collect(series, DAY, run_id="first")
        before = tables(database_url)
        again = await collector.collect(series, DAY, run_id="second")
        forced = await collector.collect(series, DAY, run_id="third", is_forced=True)
    assert again.count_requests == 0
    assert (forced.count_received, forced.count_inserted, forced.count_revised) == (1440, 0, 0)
    assert tables(database_url) == before


async def test_a_hole_behind_newer_candles_is_found_and_filled(
    new_collector: NewCollector, simulator: RunningSimulator, database_url: str
) -> None:
    """Whoever goes on from the greatest time stored never asks for the first hour."""
    async with new_collector() as collector:
        series = await one_series(collector)
        await collector.collect(series, Span(at(1), at(20)), run_id="middle")
        await collector.collect(series, Span(at(21), DAY.end), run_id="end")
        collected = await collector.collect(series, DAY, run_id="whole")
    assert collected.count_inserted == 120
    assert stored(database_url, series) == truth(simulator, series)


async def test_minutes_that_are_missing_for_a_time_are_healed(
    new_collector: NewCollector, simulator: RunningSimulator, database_url: str, clock: Clock
) -> None:
    hidden = {"kind": "missing_candles", "venue": "binance", "start": at(3).isoformat(), "end": at(3, 7).isoformat()}
    simulator.faults(hidden)
    async with new_collector() as collector:
        series = await one_series(collector)
        first = await collector.collect(series, DAY, run_id="first")
        assert first.holes == (Span(at(3), at(3, 7)),)
        simulator.clear_faults()
        too_early = await collector.collect(series, DAY, run_id="early")
        assert too_early.count_requests == 0, "what the venue just denied is not asked for at once"
        clock.advance(seconds=31)
        healed = await collector.collect(series, DAY, run_id="late")
    assert (healed.count_requests, healed.count_inserted, healed.holes) == (1, 7, ())
    assert stored(database_url, series) == truth(simulator, series)


async def test_a_late_revision_is_found_by_reading_again(
    new_collector: NewCollector, simulator: RunningSimulator, database_url: str
) -> None:
    async with new_collector() as collector:
        series = await one_series(collector)
        await collector.collect(series, DAY, run_id="first")
        simulator.faults(
            {"kind": "late_revision", "venue": "binance", "timeframe": "1m", "open_times": [at(5).isoformat()],
             "at": "2026-01-05T12:00:00Z"}
        )  # fmt: skip
        again = await collector.collect(series, DAY, run_id="again", is_forced=True)
    assert again.count_revised == 1
    assert stored(database_url, series) == truth(simulator, series)


async def test_an_end_in_the_middle_loses_nothing_and_repeats_nothing(
    new_collector: NewCollector, simulator: RunningSimulator, database_url: str
) -> None:
    async with new_collector() as collector:
        series = await one_series(collector, venue="okx")

        async def stop_after_two_pages(*_: object) -> bool:
            stop_after_two_pages.count += 1  # type: ignore[attr-defined]
            return stop_after_two_pages.count < 2  # type: ignore[attr-defined]

        stop_after_two_pages.count = 0  # type: ignore[attr-defined]
        stopped = await collector.collect(series, DAY, run_id="first", on_page=stop_after_two_pages)
        # Two pages, and a third if it was on its way to the store already; never a part of one.
        assert stopped.count_inserted in {600, 900}
        assert stopped.holes == (Span(at(stopped.count_inserted // 60), DAY.end),)
    async with new_collector() as collector:
        rest = await collector.collect(series, DAY, run_id="second")
    assert rest.count_received == rest.count_inserted == 1_440 - stopped.count_inserted
    assert stored(database_url, series) == truth(simulator, series)


async def test_a_cancelled_task_leaves_what_the_next_one_completes(
    new_collector: NewCollector, simulator: RunningSimulator, database_url: str
) -> None:
    simulator.faults({"kind": "latency", "venue": "okx", "seconds": 0.3})
    async with new_collector() as collector:
        series = await one_series(collector, venue="okx")
        task = asyncio.create_task(collector.collect(series, DAY, run_id="killed"))
        await asyncio.sleep(0.7)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    simulator.clear_faults()
    async with new_collector() as collector:
        await collector.collect(series, DAY, run_id="next")
    assert stored(database_url, series) == truth(simulator, series)


async def test_a_page_that_cannot_be_read_costs_no_other(
    new_collector: NewCollector, simulator: RunningSimulator, database_url: str
) -> None:
    async with new_collector() as collector:
        series = await one_series(collector, venue="okx")
        # Three pages are asked for at once and each four times: twelve spoilt answers fail one to three of five pages.
        simulator.faults({"kind": "malformed_json", "venue": "okx", "endpoint": "ohlcv", "count": 12})
        collected = await collector.collect(series, DAY, run_id="test")
        assert {failure.reason for failure in collected.failures} == {"broken_data"}
        lost = join(failure.span for failure in collected.failures)
        assert collected.holes == tuple(lost)
        assert 0 < collected.count_inserted == 1440 - collected.count_holes
        healed = await collector.collect(series, DAY, run_id="again")
    assert (healed.failures, healed.holes) == ((), ())
    assert stored(database_url, series) == truth(simulator, series)


async def test_a_row_that_cannot_be_read_costs_no_other(
    new_collector: NewCollector, simulator: RunningSimulator, database_url: str
) -> None:
    simulator.faults(
        {"kind": "malformed_row", "venue": "binance", "timeframe": "1m", "open_times": [at(3).isoformat()]}
    )
    async with new_collector() as collector:
        series = await one_series(collector)
        collected = await collector.collect(series, DAY, run_id="test")
    assert (collected.count_rejected, collected.holes) == (1, (Span(at(3), at(3, 1)),))
    assert stored(database_url, series) == [row for row in truth(simulator, series) if row[0] != to_milliseconds(at(3))]


async def test_a_venue_that_is_down_costs_the_other_nothing(
    new_collector: NewCollector, simulator: RunningSimulator, database_url: str
) -> None:
    simulator.faults({"kind": "reset", "venue": "okx"})

    async def whole_day(collector: Collector, venue: str) -> list[Work]:
        return [Work(series, DAY) for series in await collector.series(venue)]

    async with new_collector() as collector:
        collected = await collector.collect_round(collector.venues, whole_day, run_id="test")
        assert list(collected.unasked) == ["okx"], "its instruments could not even be listed"
        assert collected.failures
        for outcome in collected.outcomes:
            assert outcome.failures == ()
            assert stored(database_url, outcome.series) == truth(simulator, outcome.series)
        assert {str(outcome.series) for outcome in collected.outcomes} == {
            "binance BTC/USDT 1m",
            "binance BTC/USDT 1h",
        }


async def test_a_venue_that_goes_away_is_not_asked_page_by_page(
    new_collector: NewCollector, simulator: RunningSimulator
) -> None:
    long = Span(DAY.start - timedelta(days=3), DAY.end)
    async with new_collector() as collector:
        work = [Work(series, long) for series in await collector.series("okx")]
        simulator.faults({"kind": "reset", "venue": "okx", "endpoint": "ohlcv"})
        outcomes = await collector.collect_all(work, run_id="test")
        asked = sum(outcome.count_requests for outcome in outcomes)
        assert {failure.reason for outcome in outcomes for failure in outcome.failures} == {"network_fault"}
        assert asked <= 6, "twenty pages were due; after three in a row failed nobody asked on"
        simulator.clear_faults()
        collector.forgive()
        healed = await collector.collect_all(work, run_id="again")
        assert all(outcome.failures == () and outcome.holes == () for outcome in healed)


async def test_a_symbol_the_venue_does_not_list_is_refused_with_near_matches(new_collector: NewCollector) -> None:
    wrong = {"venues": {"binance": {"spot": {"instruments": ["BTC/USDX"]}}}}
    async with new_collector(collection=wrong) as collector:
        with pytest.raises(ConfigurationError, match=r"BTC/USDX.*BTC/USDT"):
            await collector.series("binance")


async def test_what_has_not_closed_is_not_asked_for(new_collector: NewCollector, simulator: RunningSimulator) -> None:
    async with new_collector() as collector:
        series = await one_series(collector, "1h")
        collected = await collector.collect(series, Span(at(20), at(60)), run_id="test")
    assert collected.last == DAY.end + timedelta(hours=11), "the venue's clock shows 12:00:30"
    assert collected.count_inserted == 16

"""The conformance suite: what every venue must do, against the simulator's own ledger, row by row, digit by digit.

A new venue passes it by a subclass that names it:

    class TestKraken(VenueConformance):
        venue = "kraken"
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from data_agent.connections.limits import Priority
from data_agent.connections.retry import RetryPolicy
from data_agent.core.errors import Banned, NetworkFault, Refused
from data_agent.core.records import Candle, CandlePage
from data_agent.core.settings import Settings
from data_agent.core.time import DAY, Span, Timeframe, to_milliseconds, utc_now
from data_agent.venues.registry import check_symbols, open_venue
from data_agent.venues.venue import Venue
from simulator.testing import RunningSimulator

# Twenty seconds into a minute, ten minutes before the end of an hour: no boundary comes near by itself.
NOW = datetime(2026, 1, 5, 10, 50, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SYMBOL = "BTC/USDT"
QUIET = "DASH/USDT"
Opener = Callable[..., AbstractAsyncContextManager[Venue]]


class VenueConformance:
    """Subclass it as `Test…` and name the venue."""

    venue: ClassVar[str]
    bans: ClassVar[bool] = False
    """Whether the venue shuts clients out by a 418 (the simulator then does so as well)."""
    tells_quote_volume: ClassVar[bool] = True
    tells_trade_count: ClassVar[bool] = False
    sees_unreadable_times: ClassVar[bool] = True
    """Whether a row without a readable time reaches us; CCXT drops such rows before anybody sees them."""

    pytestmark = pytest.mark.integration

    @pytest.fixture
    def opener(self, simulator: RunningSimulator, redis_url: str) -> Opener:
        settings = Settings.model_validate({f"venue_{self.venue}_rest_url": simulator.venue_url(self.venue)})

        def open_it(**options: Any) -> AbstractAsyncContextManager[Venue]:
            options = {"settings": settings, "redis_url": redis_url, "priority": Priority.ACCOUNT, **options}
            return open_venue(self.venue, **options)

        return open_it

    @pytest.fixture
    async def opened(self, opener: Opener) -> AsyncIterator[Venue]:
        async with opener() as venue:
            venue.client._retry = RetryPolicy(first_wait=timedelta(seconds=0.02))
            yield venue

    # -- instruments ---------------------------------------------------------------------------------------------

    async def test_instruments_are_those_the_venue_lists(self, opened: Venue, simulator: RunningSimulator) -> None:
        instruments = await opened.instruments()
        listed = simulator.health()["venues"][self.venue]
        assert sorted(each.symbol for each in instruments) == sorted(listed)
        assert len({each.market_id for each in instruments}) == len(instruments)
        for each in instruments:
            assert (each.venue, each.product) == (self.venue, "spot")
            assert each.symbol == f"{each.base}/{each.quote}"
            assert each.is_active
            assert each.price_increment is not None
            assert each.price_increment > 0
            assert each.amount_increment is not None
            assert each.amount_increment > 0

    # -- candles -------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("timeframe", list(Timeframe))
    async def test_every_timeframe_equals_the_ledger(
        self, timeframe: Timeframe, opened: Venue, simulator: RunningSimulator
    ) -> None:
        if timeframe not in opened.facts.candles.intervals:
            pytest.skip(f"{self.venue} has no {timeframe} candles of its own")
        span = Span(NOW - 3 * DAY, NOW + DAY)
        pages = await self.collect(opened, span, timeframe)
        self.check_spans(pages, timeframe, span)
        self.check_rows(pages, simulator, timeframe)

    async def test_a_quiet_instrument_equals_the_ledger(self, opened: Venue, simulator: RunningSimulator) -> None:
        pages = await self.collect(opened, Span(NOW - timedelta(hours=20), NOW), symbol=QUIET)
        self.check_rows(pages, simulator, Timeframe.M1, QUIET)

    async def test_pages_follow_one_another_without_a_gap(self, opened: Venue, simulator: RunningSimulator) -> None:
        page_size = opened.facts.candles.page_size
        start = Timeframe.M1.floor(NOW) - MINUTE * int(2.5 * page_size)
        pages = await self.collect(opened, Span(start, NOW))
        assert len(pages) >= 3
        assert all(len(page.candles) <= page_size for page in pages)
        self.check_spans(pages, Timeframe.M1, Span(start, NOW))
        self.check_rows(pages, simulator, Timeframe.M1)
        assert simulator.requests()["over_limit"][self.venue] == 0

    async def test_exactly_one_full_page_is_one_request(self, opened: Venue, simulator: RunningSimulator) -> None:
        start = NOW.replace(hour=0, minute=0, second=0) - DAY
        page_size = opened.facts.candles.page_size
        await opened.client.clock.refresh()
        await opened.client.markets()
        simulator.forget_requests()
        (page,) = await self.collect(opened, Span(start, start + MINUTE * page_size))
        assert len(page.candles) == page_size
        assert simulator.requests()["total"] == 1

    @pytest.mark.parametrize("count", [1, 2, 3])
    async def test_a_span_at_the_edge_of_the_present(
        self, count: int, opened: Venue, simulator: RunningSimulator
    ) -> None:
        end = Timeframe.M1.floor(NOW)
        pages = await self.collect(opened, Span(end - MINUTE * count, end))
        self.check_spans(pages, Timeframe.M1, Span(end - MINUTE * count, end))
        self.check_rows(pages, simulator, Timeframe.M1)

    async def test_nothing_is_asked_of_the_future(self, opened: Venue, simulator: RunningSimulator) -> None:
        await opened.client.clock.refresh()
        simulator.forget_requests()
        assert await self.collect(opened, Span(NOW + DAY, NOW + 2 * DAY), market_id="X") == []
        assert await self.collect(opened, Span(NOW, NOW), market_id="X") == []
        assert await self.collect(opened, Span(NOW, NOW - DAY), market_id="X") == []
        assert simulator.requests()["total"] == 0

    async def test_before_the_beginning_there_is_nothing_and_that_is_settled(
        self, opened: Venue, simulator: RunningSimulator
    ) -> None:
        span = Span(NOW - 30 * DAY, NOW - 29 * DAY)
        pages = await self.collect(opened, span, Timeframe.H1)
        self.check_spans(pages, Timeframe.H1, span)
        assert not any(page.candles or page.rejects for page in pages)

    async def test_observed_when_the_answer_came(self, opened: Venue) -> None:
        before = utc_now()
        (page,) = await self.collect(opened, Span(NOW - 10 * MINUTE, NOW))
        assert before <= page.observed_at <= utc_now()
        assert {candle.observed_at for candle in page.candles} == {page.observed_at}

    async def test_an_unknown_market_is_refused(self, opened: Venue) -> None:
        with pytest.raises(Refused):
            await self.collect(opened, Span(NOW - 10 * MINUTE, NOW), market_id="NO-SUCH-MARKET")

    async def test_two_series_at_once_do_not_mix(self, opened: Venue, simulator: RunningSimulator) -> None:
        span = Span(NOW - timedelta(hours=3), NOW)
        first, second = await asyncio.gather(self.collect(opened, span), self.collect(opened, span, symbol=QUIET))
        self.check_rows(first, simulator, Timeframe.M1)
        self.check_rows(second, simulator, Timeframe.M1, QUIET)

    async def test_leaving_early_leaves_nothing_behind(self, opened: Venue) -> None:
        market_id = await self.market_id(opened, SYMBOL)
        before = asyncio.all_tasks()
        async with aclosing(opened.candle_pages(market_id, Timeframe.M1, Span(NOW - 3 * DAY, NOW))) as pages:
            async for _ in pages:
                break
        assert asyncio.all_tasks() <= before

    # -- closed, on the grid, settled ----------------------------------------------------------------------------

    async def test_the_running_candle_is_shown_and_never_closed(
        self, opened: Venue, simulator: RunningSimulator
    ) -> None:
        (page,) = await self.collect(opened, Span(NOW - 5 * MINUTE, NOW + MINUTE))
        assert page.span.end == Timeframe.M1.floor(NOW)
        assert page.running is not None
        assert page.running.open_time == Timeframe.M1.floor(NOW)
        assert page.running not in page.candles

    async def test_it_is_closed_once_its_time_is_over(self, opened: Venue, simulator: RunningSimulator) -> None:
        await self.collect(opened, Span(NOW - 5 * MINUTE, NOW))
        simulator.set_clock(advance_seconds=60)
        opened.client.clock._sample = None
        (page,) = await self.collect(opened, Span(NOW - 5 * MINUTE, NOW + 5 * MINUTE))
        assert page.candles[-1].open_time == Timeframe.M1.floor(NOW)
        self.check_rows([page], simulator, Timeframe.M1)

    async def test_a_young_candle_is_not_settled_yet(self, opened: Venue, simulator: RunningSimulator) -> None:
        simulator.set_clock((Timeframe.M1.floor(NOW) + timedelta(seconds=2)).isoformat())
        (page,) = await self.collect(opened, Span(NOW - 5 * MINUTE, NOW))
        assert page.candles[-1].open_time == Timeframe.M1.floor(NOW) - MINUTE
        assert page.settled_until == Timeframe.M1.floor(NOW) - MINUTE

    async def test_the_newest_closed_candle_is_given_at_once(self, opened: Venue, simulator: RunningSimulator) -> None:
        end = Timeframe.M1.floor(NOW)
        simulator.set_clock((end + timedelta(seconds=2)).isoformat())
        (page,) = await self.collect(opened, Span(end - 5 * MINUTE, end))
        assert page.span.end == end
        assert page.candles[-1].open_time == end - MINUTE

    @pytest.mark.parametrize("mode", ["held", "cached"])
    async def test_computed_before_the_boundary_and_delivered_after(
        self, mode: str, opened: Venue, simulator: RunningSimulator
    ) -> None:
        boundary = Timeframe.M1.floor(NOW) + MINUTE
        moment = boundary + timedelta(seconds=-1 if mode == "held" else 1)
        simulator.faults({"kind": "stale", "mode": mode, "venue": self.venue, "seconds": 0.3, "window_seconds": 5})
        simulator.set_clock(moment.isoformat())
        (page,) = await self.collect(opened, Span(NOW - 5 * MINUTE, NOW + 5 * MINUTE))
        if mode == "held":
            assert page.observed_at - utc_now() < timedelta(seconds=1)
            assert simulator.clock()["now_ms"] >= to_milliseconds(boundary), "the answer came after the boundary"
        assert simulator.fault_report()[-1]["injected"] >= 1
        assert page.candles[-1].open_time < boundary - MINUTE, "an unfinished candle was taken for closed"
        self.check_rows([page], simulator, Timeframe.M1)

    @pytest.mark.parametrize("seconds", [-40, -30, 3, 45])
    async def test_a_venue_whose_clock_goes_wrong(
        self, seconds: int, opened: Venue, simulator: RunningSimulator
    ) -> None:
        await self.collect(opened, Span(NOW - 5 * MINUTE, NOW))
        opened.client.clock._sample = opened.client.clock._sample._replace(  # type: ignore[union-attr]
            received=opened.client.clock._sample.received - 6  # type: ignore[union-attr]
        )
        simulator.faults({"kind": "clock_skew", "venue": self.venue, "seconds": seconds})
        (page,) = await self.collect(opened, Span(NOW - 5 * MINUTE, NOW + 5 * MINUTE))
        by_venue = NOW + timedelta(seconds=seconds)
        assert page.candles[-1].open_time == Timeframe.M1.floor(by_venue) - MINUTE

    # -- rows that are wrong -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("where", ["first", "middle", "last", "tail", "head", "all"])
    async def test_missing_candles_are_missing_in_a_settled_span(
        self, where: str, opened: Venue, simulator: RunningSimulator
    ) -> None:
        span = Span(NOW - timedelta(hours=5), NOW - timedelta(hours=4)).aligned(Timeframe.M1)
        start, end = span
        gone = {
            "first": Span(start, start + MINUTE),
            "middle": Span(start + 10 * MINUTE, start + 15 * MINUTE),
            "last": Span(end - MINUTE, end),
            "tail": Span(end - 20 * MINUTE, end),
            "head": Span(start, start + 20 * MINUTE),
            "all": span,
        }[where]
        self.spoil(simulator, gone, kind="missing_candles")
        pages = await self.collect(opened, span)
        self.check_spans(pages, Timeframe.M1, span)
        present = [candle.open_time for page in pages for candle in page.candles]
        assert present == [moment for moment in span.open_times(Timeframe.M1) if moment not in gone]

    async def test_duplicates_collapse(self, opened: Venue, simulator: RunningSimulator) -> None:
        span = Span(NOW - 30 * MINUTE, NOW - 10 * MINUTE)
        self.spoil(simulator, span, kind="duplicate_rows")
        pages = await self.collect(opened, span)
        self.check_rows(pages, simulator, Timeframe.M1)
        assert not any(page.rejects for page in pages)

    @pytest.mark.parametrize("defect", ["null", "nan", "text", "empty", "short_row"])
    @pytest.mark.parametrize("field", ["open_time", "close", "volume"])
    async def test_garbage_costs_its_row_and_no_neighbour(
        self, defect: str, field: str, opened: Venue, simulator: RunningSimulator
    ) -> None:
        span = Span(NOW - timedelta(hours=2), NOW - timedelta(hours=1)).aligned(Timeframe.M1)
        bad = span.start + 30 * MINUTE
        self.spoil(simulator, Span(bad, bad + MINUTE), kind="malformed_row", defect=defect, field=field)
        pages = await self.collect(opened, span)
        self.check_spans(pages, Timeframe.M1, span)
        present = [candle.open_time for page in pages for candle in page.candles]
        assert present == [moment for moment in span.open_times(Timeframe.M1) if moment != bad]
        if field == "open_time" and not self.sees_unreadable_times:
            return
        (reject,) = [reject for page in pages for reject in page.rejects]
        assert reject.reason in {"missing_field", "not_a_number"}
        assert reject.payload.startswith("[")

    @pytest.mark.parametrize("defect", ["negative_volume", "high_below_low", "zero_price"])
    async def test_what_is_impossible_but_readable_goes_through_to_the_gate(
        self, defect: str, opened: Venue, simulator: RunningSimulator
    ) -> None:
        bad = Timeframe.M1.floor(NOW) - 30 * MINUTE
        self.spoil(simulator, Span(bad, bad + MINUTE), kind="malformed_row", defect=defect)
        (page,) = await self.collect(opened, Span(bad - MINUTE, bad + 2 * MINUTE))
        assert len(page.candles) == 3
        candle = page.candles[1]
        assert candle.volume < 0 or candle.high < candle.low or candle.close == 0

    async def test_off_grid_rows_are_rejects(self, opened: Venue, simulator: RunningSimulator) -> None:
        bad = Timeframe.M1.floor(NOW) - 30 * MINUTE
        self.spoil(simulator, Span(bad, bad + MINUTE), kind="off_grid", shift_ms=1234)
        (page,) = await self.collect(opened, Span(bad - MINUTE, bad + 2 * MINUTE))
        assert [candle.open_time for candle in page.candles] == [bad - MINUTE, bad + MINUTE]
        (reject,) = page.rejects
        assert (reject.reason, reject.open_time) == ("off_grid", bad)

    async def test_a_late_revision_is_seen_when_asked_again(self, opened: Venue, simulator: RunningSimulator) -> None:
        span = Span(NOW - 30 * MINUTE, NOW - 10 * MINUTE).aligned(Timeframe.M1)
        (before,) = await self.collect(opened, span)
        revised = Span(span.start, span.start + MINUTE)
        self.spoil(simulator, revised, kind="late_revision", at=NOW.isoformat())
        (after,) = await self.collect(opened, span)
        assert self.digits(before.candles[0]) != self.digits(after.candles[0])
        assert [self.digits(each) for each in before.candles[1:]] == [self.digits(each) for each in after.candles[1:]]
        self.check_rows([after], simulator, Timeframe.M1)

    # -- answers that fail ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "http_5xx"},
            {"kind": "http_5xx", "body": "html"},
            {"kind": "http_429"},
            {"kind": "reset"},
            {"kind": "truncated", "mode": "content_length"},
            {"kind": "truncated", "mode": "chunked"},
            {"kind": "malformed_json"},
            {"kind": "html"},
            {"kind": "empty_body"},
        ],
        ids=lambda fault: "-".join(str(value) for value in fault.values()),
    )
    async def test_a_spoiled_answer_is_asked_for_again(
        self, fault: dict[str, Any], opened: Venue, simulator: RunningSimulator
    ) -> None:
        span = Span(NOW - timedelta(hours=2), NOW)
        await opened.instruments()
        simulator.faults({"venue": self.venue, "endpoint": "ohlcv", "count": 2, **fault})
        pages = await self.collect(opened, span)
        self.check_spans(pages, Timeframe.M1, span)
        self.check_rows(pages, simulator, Timeframe.M1)
        assert simulator.fault_report()[-1]["injected"] == 2

    async def test_a_slow_answer_is_waited_for(self, opened: Venue, simulator: RunningSimulator) -> None:
        simulator.faults({"kind": "latency", "venue": self.venue, "seconds": 0.4})
        pages = await self.collect(opened, Span(NOW - timedelta(hours=2), NOW))
        self.check_rows(pages, simulator, Timeframe.M1)

    async def test_an_answer_that_never_comes_is_given_up(self, opened: Venue, simulator: RunningSimulator) -> None:
        market_id = await self.market_id(opened, SYMBOL)
        opened.client._ccxt.timeout = 200
        opened.client._retry = RetryPolicy(attempts=2, first_wait=timedelta(seconds=0.02))
        simulator.faults({"kind": "timeout", "venue": self.venue, "endpoint": "ohlcv"})
        with pytest.raises(NetworkFault):
            await self.collect(opened, Span(NOW - timedelta(hours=2), NOW), market_id=market_id)

    async def test_pages_before_a_failure_are_given(self, opened: Venue, simulator: RunningSimulator) -> None:
        opened.client._retry = RetryPolicy(attempts=1)
        market_id = await self.market_id(opened, SYMBOL)
        given: list[CandlePage] = []
        with pytest.raises(NetworkFault):
            async for page in opened.candle_pages(market_id, Timeframe.M1, Span(NOW - 3 * DAY, NOW)):
                given.append(page)
                simulator.faults({"kind": "http_5xx", "venue": self.venue, "endpoint": "ohlcv"})
        assert given
        self.check_rows(given, simulator, Timeframe.M1)

    async def test_a_ban_is_obeyed_by_every_client(
        self, opened: Venue, opener: Opener, simulator: RunningSimulator
    ) -> None:
        if not self.bans:
            pytest.skip(f"{self.venue} does not ban by 418")
        span = Span(NOW - timedelta(hours=2), NOW)
        market_id = await self.market_id(opened, SYMBOL)
        simulator.faults({"kind": "http_418", "venue": self.venue, "retry_after_seconds": 2, "count": 1})
        async with opener() as other:
            for venue in (opened, other, opened, other):
                with pytest.raises(Banned):
                    await self.collect(venue, span, market_id=market_id)
            assert simulator.requests()["inside_ban"][self.venue] == 0
            await asyncio.sleep(2.3)
            for venue in (opened, other):
                self.check_rows(await self.collect(venue, span, market_id=market_id), simulator, Timeframe.M1)
        assert simulator.requests()["inside_ban"][self.venue] == 0

    # -- helpers -------------------------------------------------------------------------------------------------

    async def market_id(self, venue: Venue, symbol: str) -> str:
        return check_symbols([symbol], await venue.instruments())[symbol].market_id

    async def collect(
        self,
        venue: Venue,
        span: Span,
        timeframe: Timeframe = Timeframe.M1,
        *,
        symbol: str = SYMBOL,
        market_id: str | None = None,
    ) -> list[CandlePage]:
        market_id = market_id or await self.market_id(venue, symbol)
        return [page async for page in venue.candle_pages(market_id, timeframe, span)]

    def spoil(self, simulator: RunningSimulator, span: Span, **fault: Any) -> None:
        start, end = to_milliseconds(span.start), to_milliseconds(span.end)
        target = {"venue": self.venue, "symbol": SYMBOL, "timeframe": "1m", "start": start, "end": end}
        simulator.faults({**target, **fault})

    def check_spans(self, pages: list[CandlePage], timeframe: Timeframe, span: Span) -> None:
        """The pages' spans cover every interval of the span that is over, once, ascending."""
        covered = [page.span for page in pages if not page.span.is_empty]
        wanted = span.aligned(timeframe)
        assert covered[0].start == wanted.start
        assert covered[-1].end == min(wanted.end, timeframe.floor(NOW))
        assert all(before.end == after.start for before, after in itertools.pairwise(covered))
        for page in pages:
            times = [candle.open_time for candle in page.candles]
            assert times == sorted(set(times))
            assert all(moment in page.span for moment in times)

    def check_rows(
        self, pages: list[CandlePage], simulator: RunningSimulator, timeframe: Timeframe, symbol: str = SYMBOL
    ) -> None:
        """Every candle of the ledger within the pages' spans, and no other, digit by digit."""
        span = Span(min(page.span.start for page in pages), max(page.span.end for page in pages))
        start, end = to_milliseconds(span.start), to_milliseconds(span.end)
        truth = simulator.ledger(self.venue, symbol, timeframe.value, start=start, end=end)
        assert [self.digits(candle) for page in pages for candle in page.candles] == [
            self.true_digits(row) for row in truth
        ]
        assert truth
        assert all(row["closed"] for row in truth)

    def digits(self, candle: Candle) -> dict[str, Any]:
        told: dict[str, Any] = {
            "open_time": to_milliseconds(candle.open_time),
            **{name: format(getattr(candle, name), "f") for name in ("open", "high", "low", "close", "volume")},
        }
        if self.tells_quote_volume:
            assert candle.quote_volume is not None
            told["quote_volume"] = format(candle.quote_volume, "f")
        if self.tells_trade_count:
            told["trade_count"] = candle.trade_count
        return told

    def true_digits(self, row: dict[str, Any]) -> dict[str, Any]:
        names = ["open_time", "open", "high", "low", "close", "volume"]
        names += ["quote_volume"] * self.tells_quote_volume + ["trade_count"] * self.tells_trade_count
        return {name: row[name] for name in names}

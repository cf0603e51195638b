from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from data_agent.cli.backfill import Pace, progress_line
from data_agent.cli.backfill_plan import Backfill, Wanted, check, make_plan, requests_per_second
from data_agent.core.errors import ConfigurationError
from data_agent.core.time import Span, Timeframe
from data_agent.storage.postgres.requests import BackfillRequest
from data_agent.venues.registry import product_facts

NOW = datetime(2022, 10, 12, 9, 30, 5, tzinfo=UTC)


def wanted(**changes: Any) -> Wanted:
    values = {
        "exchange": "binance",
        "symbols": ["BTC/USDT"],
        "timeframes": ["1h"],
        "start": "2017-08-17",
        "end": "2022-10-11",
    }
    return Wanted(**{**values, **changes})


def test_a_range_of_days_is_half_open_and_utc() -> None:
    assert check(wanted(), NOW).span == Span(datetime(2017, 8, 17, tzinfo=UTC), datetime(2022, 10, 11, tzinfo=UTC))


def test_other_time_zones_are_turned_into_utc() -> None:
    backfill = check(wanted(start="2022-10-01T02:00+02:00"), NOW)
    assert backfill.span.start == datetime(2022, 10, 1, tzinfo=UTC)


def test_without_an_end_it_reaches_up_to_now_and_never_beyond() -> None:
    assert check(wanted(end=None), NOW).span.end == NOW
    assert check(wanted(end="2031-01-01"), NOW).span.end == NOW


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"exchange": None}, "--exchange is missing"),
        ({"exchange": "binanc"}, "unknown venue 'binanc'; did you mean binance"),
        ({"symbols": []}, "--symbol is missing"),
        ({"timeframes": ["2h"]}, "--timeframe '2h' is unknown to binance: choose of 1m, 5m"),
        ({"start": None}, "--start is missing"),
        ({"start": "yesterday"}, "--start 'yesterday' is no time"),
        ({"end": "2022-02-30"}, "--end '2022-02-30' is no time"),
        ({"start": "2022-10-11"}, "is not before --end"),
        ({"start": "2022-10-13", "end": "2022-10-14"}, "is not before --end 2022-10-12T09:30:05"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(wanted(**changes), NOW)
    assert named in str(caught.value)


def test_the_pace_is_what_the_venue_leaves_a_backfill() -> None:
    # 6,000 weight a minute, 2 a page; a backfill may fill three quarters of the 80 % we use
    assert requests_per_second(product_facts("binance", "spot"), 0.8) == pytest.approx(6_000 * 0.8 * 0.75 / 2 / 60)
    # 20 requests in two seconds for old candles, which is the slower endpoint
    assert requests_per_second(product_facts("okx", "spot"), 0.8) == pytest.approx(20 * 0.8 * 0.75 / 2)


def request(**changes: Any) -> BackfillRequest:
    values: dict[str, Any] = {
        "request_id": 3, "venue": "binance", "symbols": ["BTC/USDT"], "timeframes": ["1h"], "start_time": NOW,
        "end_time": NOW, "is_forced": False, "requested_by": "test", "status": "running", "count_expected": 52_000,
        "count_done": 12_000, "count_requests": 14, "run_id": None, "error": None, "created_at": NOW,
        "started_at": NOW, "updated_at": NOW, "finished_at": None,
    }  # fmt: skip
    return BackfillRequest(**{**values, **changes})


def test_time_left_follows_from_what_was_done_while_we_looked() -> None:
    pace = Pace()
    assert pace.seconds_left(request(status="queued", count_done=0), 0) is None
    assert pace.seconds_left(request(count_done=10_000), 5) is None
    assert pace.seconds_left(request(count_done=12_000), 7) == pytest.approx(40)
    assert progress_line(request(), 40) == (
        "request 3 running: 12,000 of 52,000 candles (23%), 14 requests, about 40 s left"
    )


class TestPlan:
    pytestmark = pytest.mark.integration

    @pytest.fixture
    def store(self, database_url: str) -> Iterator[str]:
        """BTC/USDT, listed on 2022-10-01, with an hourly series of which the ledger knows two days."""
        with psycopg.connect(database_url) as connection:
            connection.execute(
                """
                INSERT INTO ref.instruments (venue, product, market_id, first_seen_at)
                VALUES ('binance', 'spot', 'BTCUSDT', now());
                INSERT INTO ref.instrument_versions
                    (instrument_id, valid_from, symbol, base, quote, is_active, listed_at)
                SELECT instrument_id, now(), 'BTC/USDT', 'BTC', 'USDT', TRUE, '2022-10-01Z' FROM ref.instruments;
                INSERT INTO ref.series (instrument_id, dataset, timeframe, price_type, origin)
                SELECT instrument_id, 'candles', '1h', 'trade', 'venue' FROM ref.instruments;
                INSERT INTO ops.coverage (series_id, span, status, ingest_id)
                SELECT series_id, '[2022-10-02Z,2022-10-04Z)', 'complete', 1 FROM ref.series;
                """
            )
        yield database_url

    async def plan(self, store: str, **changes: Any) -> tuple[int, int, int]:
        backfill: Backfill = check(wanted(start="2022-09-01", **changes), NOW)
        plan = await make_plan(store, backfill, ceiling=0.8, now=NOW)
        assert plan.seconds > 0
        return plan.count_wanted, plan.count_missing, plan.count_requests

    async def test_nothing_is_wanted_before_the_listing_and_nothing_asked_that_is_known(self, store: str) -> None:
        assert await self.plan(store) == (10 * 24, 8 * 24, 1)

    async def test_force_asks_again_for_everything(self, store: str) -> None:
        assert await self.plan(store, is_forced=True) == (10 * 24, 10 * 24, 1)

    async def test_requests_follow_pages_and_a_series_not_collected_yet_is_wanted_whole(self, store: str) -> None:
        assert await self.plan(store, timeframes=["1m"]) == (14_400, 14_400, 15)

    async def test_an_unknown_symbol_is_refused_with_near_matches(self, store: str) -> None:
        with pytest.raises(ConfigurationError, match=r"'BTC/USD' is not listed by binance: did you mean BTC/USDT\?"):
            await self.plan(store, symbols=["BTC/USD"])

    async def test_an_exchange_whose_instruments_are_unknown_is_told_apart(self, store: str) -> None:
        with pytest.raises(ConfigurationError, match="--exchange okx: its instruments are not known yet"):
            await self.plan(store, exchange="okx")


def test_a_day_of_minutes_on_a_grid() -> None:
    span = check(wanted(start="2022-10-11T10:00Z", end=None), NOW).span
    assert span.aligned(Timeframe.M1).duration > timedelta(hours=23)

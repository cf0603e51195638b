"""What is wanted of a series: on its grid, after its listing, closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from data_agent.core.time import Span, Timeframe
from data_agent.storage.postgres.series import Series
from data_agent.venues.facts import CandleFacts
from orchestration.wanted import closed_part, history_span, live_span

NOW = datetime(2026, 1, 5, 12, 34, 56, tzinfo=UTC)
FACTS = CandleFacts(
    intervals={timeframe: timeframe.value for timeframe in Timeframe},
    page_size=1000,
    settle_after=timedelta(seconds=10),
    has_closed_flag=False,
    empty_interval="carried",
    grid_offsets={Timeframe.D1: timedelta(hours=16)},
)


def series(timeframe: Timeframe, listed_at: datetime | None = None) -> Series:
    return Series(1, "binance", "spot", "BTCUSDT", "BTC/USDT", timeframe, "venue", listed_at)


def moment(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timeframe", "end"),
    [(Timeframe.M1, moment(5, 12, 34)), (Timeframe.H4, moment(5, 12)), (Timeframe.D1, moment(4, 16))],
)
def test_the_running_candle_is_not_wanted(timeframe: Timeframe, end: datetime) -> None:
    assert closed_part(Span(moment(1), NOW), series(timeframe), FACTS, NOW).end == end


def test_the_candle_of_the_listing_is_the_first() -> None:
    wanted = closed_part(Span(moment(1), NOW), series(Timeframe.H1, moment(3, 7, 30)), FACTS, NOW)
    assert wanted.start == moment(3, 7)


def test_a_day_that_starts_elsewhere_keeps_its_grid() -> None:
    assert closed_part(Span(moment(1), NOW), series(Timeframe.D1), FACTS, NOW) == Span(moment(1, 16), moment(4, 16))


def test_what_lies_ahead_is_empty_and_not_negative() -> None:
    wanted = closed_part(Span(moment(9), moment(10)), series(Timeframe.M1), FACTS, NOW)
    assert wanted.is_empty
    assert wanted.count(Timeframe.M1) == 0


def test_history_begins_with_a_whole_day_and_never_before_time() -> None:
    assert history_span(timedelta(days=3), NOW) == Span(moment(2), NOW)
    assert history_span(timedelta(days=100_000), NOW).start == datetime(1970, 1, 1, tzinfo=UTC)


def test_the_live_job_looks_back_some_candles_at_least() -> None:
    assert live_span(Timeframe.M1, NOW).duration == timedelta(hours=2)
    assert live_span(Timeframe.D1, NOW).duration == timedelta(days=3)

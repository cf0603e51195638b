from decimal import Decimal

from simulator.market.files import RecordedCandle
from simulator.market.replay import ReplaySource
from simulator.timeframes import timeframe
from simulator.times import HOUR_MS, MINUTE_MS, parse_instant
from simulator.venues.binance.rest import BinanceSpot

START = parse_instant("2021-02-19")
MINUTES, HOURS = timeframe("1m"), timeframe("1h")


def source(gaps: frozenset[int] = frozenset()) -> ReplaySource:
    rows = [
        RecordedCandle(START + number * MINUTE_MS, "1.10", f"{2 + number}.00", "1.0", "1.50", "0.30")
        for number in range(90)
        if number not in gaps
    ]
    return ReplaySource({MINUTES: rows}, BinanceSpot.write_number)


def test_digits_are_the_recordings() -> None:
    candle = next(source().ascending(MINUTES, START, START + 1))
    numbers = [candle.open, candle.high, candle.low, candle.close, candle.volume]
    assert numbers == ["1.10", "2.00", "1.0", "1.50", "0.30"]
    assert candle.quote_volume == "0.45000000"
    assert candle.close_time == START + MINUTE_MS - 1


def test_missing_minutes_stay_missing() -> None:
    opened = [candle.open_time for candle in source(frozenset({1, 2})).ascending(MINUTES, START, START + 5 * MINUTE_MS)]
    assert opened == [START, START + 3 * MINUTE_MS, START + 4 * MINUTE_MS]


def test_larger_candles_are_made_of_the_recording() -> None:
    hours = list(source().ascending(HOURS, START, START + 2 * HOUR_MS))
    assert [(hour.high, hour.volume) for hour in hours] == [("61.00", "18.00"), ("91.00", "9.00")]
    assert list(source().descending(HOURS, START, START + 2 * HOUR_MS)) == hours[::-1]
    assert list(ReplaySource({HOURS: []}, BinanceSpot.write_number).ascending(MINUTES, START, START + HOUR_MS)) == []


def test_the_running_candle_has_only_opened() -> None:
    minute = source().running(MINUTES, START + 30_000)
    assert minute is not None
    assert (minute.high, minute.close, Decimal(minute.volume), minute.is_closed) == ("1.10", "1.10", 0, False)
    hour = source().running(HOURS, START + 10 * MINUTE_MS + 1)
    assert hour is not None
    assert (hour.high, hour.volume, hour.is_closed) == ("11.00", "3.00", False)
    assert source().running(MINUTES, START + 10 * HOUR_MS) is None

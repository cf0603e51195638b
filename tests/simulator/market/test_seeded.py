"""The seeded market: the same for ever, readable anywhere, its candles made of its trades."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.market.aggregate import aggregate
from simulator.market.model import Bar, Trade
from simulator.market.seeded import SeededSource
from simulator.market.tape import Tape
from simulator.timeframes import timeframe
from simulator.times import DAY_MS, HOUR_MS, MINUTE_MS, parse_instant
from simulator.venues.binance.facts import INSTRUMENTS as BINANCE
from simulator.venues.binance.rest import BinanceSpot
from simulator.venues.okx.facts import INSTRUMENTS as OKX
from simulator.venues.okx.rest import OkxSpot

START = parse_instant("2024-01-01")
DAY = parse_instant("2026-01-05")
QUIET = next(instrument for instrument in BINANCE if instrument.base == "DASH")
MINUTES = timeframe("1m")


def source(seed: int = 7, instrument=BINANCE[0], start_ms: int = START) -> SeededSource:
    return SeededSource(Tape(seed, "binance", instrument), start_ms, BinanceSpot.presenter(instrument))


def candles(source: SeededSource, start: int = DAY, end: int = DAY + HOUR_MS, frame: str = "1m"):
    return list(source.ascending(timeframe(frame), start, end))


def bars_of(trades: Iterator[Trade]) -> dict[int, list[Trade]]:
    minutes: dict[int, list[Trade]] = {}
    for trade in trades:
        minutes.setdefault(trade.time_ms - trade.time_ms % MINUTE_MS, []).append(trade)
    return minutes


def test_the_same_seed_gives_the_same_market() -> None:
    assert candles(source()) == candles(source())
    assert candles(source()) != candles(source(seed=8))


def test_what_was_read_before_does_not_matter() -> None:
    fresh, used = source(), source()
    candles(used, DAY - 400 * DAY_MS, DAY - 399 * DAY_MS, "1h")
    list(used.descending(MINUTES, DAY - DAY_MS, DAY + DAY_MS))
    assert candles(fresh) == candles(used)


@pytest.mark.parametrize("instrument", [BINANCE[0], QUIET], ids=lambda instrument: instrument.base)
def test_candles_are_made_of_their_trades(instrument) -> None:
    market = source(instrument=instrument)
    trades = bars_of(market.trades(None, DAY, DAY + 6 * HOUR_MS))
    tick, lot = Decimal(1).scaleb(-instrument.price_scale), Decimal(1).scaleb(-instrument.lot_scale)
    close = None
    for candle in candles(market, DAY, DAY + 6 * HOUR_MS):
        made_of = trades.get(candle.open_time, [])
        assert candle.trade_count == len(made_of)
        assert Decimal(candle.volume) == sum(trade.quantity for trade in made_of) * lot
        if made_of:
            prices = [trade.price * tick for trade in made_of]
            shown = [Decimal(price) for price in (candle.open, candle.high, candle.low, candle.close)]
            assert shown == [prices[0], max(prices), min(prices), prices[-1]]
            quote = sum(trade.price * trade.quantity for trade in made_of) * tick * lot
            taker = sum(trade.quantity for trade in made_of if not trade.is_buyer_maker) * lot
            assert (Decimal(candle.quote_volume), Decimal(candle.taker_volume)) == (quote, taker)
        elif close is not None:
            assert {candle.open, candle.high, candle.low, candle.close} == {close}
        close = candle.close


def test_quiet_pairs_have_quiet_minutes() -> None:
    day = candles(source(instrument=QUIET), DAY, DAY + DAY_MS)
    quiet = sum(candle.trade_count == 0 for candle in day)
    assert len(day) == 1440
    assert 300 < quiet < 1000


def test_trade_ids_are_contiguous_across_days() -> None:
    ids = [trade.trade_id for trade in source().trades(None, DAY - HOUR_MS, DAY + HOUR_MS)]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_trades_can_be_read_from_an_id() -> None:
    market = source()
    known = list(market.trades(None, DAY, DAY + 2 * HOUR_MS))
    wanted = known[500:600]
    found = market.trades(wanted[0].trade_id, 0, DAY + 2 * HOUR_MS)
    assert [next(found) for _ in wanted] == wanted


@pytest.mark.parametrize("frame", ["5m", "15m", "1h", "4h", "1d"])
def test_larger_candles_are_made_of_minutes(frame: str) -> None:
    market = source()

    def as_bar(candle) -> Bar[Decimal]:
        numbers = [candle.open, candle.high, candle.low, candle.close, candle.volume, candle.quote_volume]
        return Bar(candle.open_time, *map(Decimal, numbers), candle.trade_count, Decimal(0), Decimal(0))

    minutes = [as_bar(candle) for candle in candles(market, DAY - DAY_MS, DAY + DAY_MS)]
    large = [as_bar(candle) for candle in candles(market, DAY - DAY_MS, DAY + DAY_MS, frame)]
    assert large == list(aggregate(timeframe(frame), minutes))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 3000), st.integers(1, 3000))
def test_backwards_is_forwards_reversed(first: int, count: int) -> None:
    market, start = MARKET, DAY + first * MINUTE_MS
    end = start + count * MINUTE_MS
    forwards = list(market.ascending(MINUTES, start, end))
    assert [candle.open_time for candle in forwards] == list(range(start, end, MINUTE_MS))
    assert list(market.descending(MINUTES, start, end)) == forwards[::-1]


MARKET = source()


@pytest.mark.parametrize("frame", ["1m", "1h", "1d"])
def test_the_running_candle_grows_into_the_whole_one(frame: str) -> None:
    market, large = source(), timeframe(frame)
    open_ms = large.floor(DAY + HOUR_MS)
    whole = candles(market, open_ms, open_ms + 1, frame)[0]
    middle = market.running(large, open_ms + large.size_ms // 2)
    last = market.running(large, open_ms + large.size_ms - 1)
    assert middle is not None
    assert last is not None
    assert not middle.is_closed
    assert middle.open == whole.open
    assert Decimal(middle.volume) < Decimal(whole.volume)
    assert (last.close, last.high, last.volume) == (whole.close, whole.high, whole.volume)


def test_nothing_exists_before_the_market() -> None:
    market = source(start_ms=DAY + 10 * HOUR_MS)
    assert candles(market, DAY, DAY + 10 * HOUR_MS) == []
    day = candles(market, DAY - 3 * DAY_MS, DAY + 1, "1d")
    assert [candle.open_time for candle in day] == [DAY]
    assert list(market.descending(MINUTES, 0, DAY + 10 * HOUR_MS)) == []
    assert market.running(MINUTES, DAY) is None


def test_venues_disagree_a_little() -> None:
    theirs = SeededSource(Tape(7, "okx", OKX[0]), START, OkxSpot.presenter(OKX[0]))
    pairs = zip(candles(source()), candles(theirs), strict=True)
    apart = [abs(Decimal(ours.close) / Decimal(other.close) - 1) for ours, other in pairs]
    assert 0 < max(apart) < Decimal("0.005")
    assert all(ours.volume != other.volume for ours, other in zip(candles(source()), candles(theirs), strict=True))

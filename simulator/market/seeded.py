"""The seeded market: candles made of the tape's trades, computed by blocks and remembered."""

from collections import OrderedDict
from collections.abc import Callable, Iterator

import numpy as np
from typing_extensions import override

from simulator.market.aggregate import aggregate, merge
from simulator.market.model import Bar, Candle, CandleSource, Trade
from simulator.market.noise import Integers
from simulator.market.tape import Tape, Trades
from simulator.timeframes import Timeframe, timeframe
from simulator.times import DAY_MS, MINUTE_MS

ONE_MINUTE = timeframe("1m")
# Candles kept by one instrument: about 0.85 KB each, so some 4 MB a pair.
REMEMBERED_CANDLES = 3 * 1440
# Days of minutes kept as numbers (0.7 MB each): those that the running candle of a day, in any zone, is made of.
REMEMBERED_DAYS = 3


def minute_bars(trades: Trades, first_minute: int, end_minute: int) -> list[Bar[int]]:
    """A bar for every minute of [first, end); quiet ones carry the previous close with volume 0.

    The trades must reach far enough back to hold one before the first minute.
    """
    traded, starts = np.unique(trades.minutes, return_index=True)
    quotes = trades.prices * trades.quantities
    takers = 1 - trades.buyer_is_maker
    ends = np.append(starts[1:], len(trades.ids)) - 1
    sums = (np.add.reduceat(column, starts) for column in (
        trades.quantities, quotes, np.ones_like(quotes), takers * trades.quantities, takers * quotes))  # fmt: skip
    minutes = np.arange(first_minute, end_minute, dtype=np.int64)
    # Where each minute, or the last one that traded before it, stands among the traded ones.
    place = np.searchsorted(traded, minutes, side="right") - 1
    quiet = traded[place] != minutes
    close = trades.prices[ends][place]
    columns: list[Integers] = [
        minutes * MINUTE_MS,
        np.where(quiet, close, trades.prices[starts][place]),
        np.where(quiet, close, np.maximum.reduceat(trades.prices, starts)[place]),
        np.where(quiet, close, np.minimum.reduceat(trades.prices, starts)[place]),
        close,
        *(np.where(quiet, 0, column[place]) for column in sums),
    ]
    return list(map(Bar[int]._make, zip(*(column.tolist() for column in columns), strict=True)))


class SeededSource(CandleSource):
    """Candles and trades of one instrument from its tape; nothing exists before ``market_start_ms``."""

    def __init__(self, tape: Tape, market_start_ms: int, present: Callable[[Bar[int], Timeframe], Candle]) -> None:
        self._tape = tape
        self._start_ms = ONE_MINUTE.ceil(market_start_ms)
        self._present = present
        self._days: OrderedDict[int, list[Bar[int]]] = OrderedDict()
        self._blocks: OrderedDict[tuple[Timeframe, int], list[Candle]] = OrderedDict()
        self._remembered = 0

    @override
    def ascending(self, frame: Timeframe, start_ms: int, end_ms: int) -> Iterator[Candle]:
        position = max(start_ms, frame.floor(self._start_ms))
        while position < end_ms:
            block_start, block_end = frame.block(position)
            for candle in self._block(frame, block_start, block_end):
                if position <= candle.open_time < end_ms:
                    yield candle
            position = block_end

    @override
    def descending(self, frame: Timeframe, start_ms: int, end_ms: int) -> Iterator[Candle]:
        bottom = max(start_ms, frame.floor(self._start_ms))
        position = end_ms
        while position > bottom:
            block_start, block_end = frame.block(position - 1)
            for candle in reversed(self._block(frame, block_start, block_end)):
                if bottom <= candle.open_time < position:
                    yield candle
            position = block_start

    @override
    def running(self, frame: Timeframe, now_ms: int) -> Candle | None:
        open_ms = frame.floor(now_ms)
        if now_ms < self._start_ms:
            return None
        bars = list(self._minutes(open_ms, ONE_MINUTE.floor(now_ms)))
        bars.append(self._running_minute(now_ms))
        candle = self._present(merge(open_ms, bars), frame)
        candle.is_closed = False
        return candle

    @override
    def trades(self, first_id: int | None, start_ms: int, end_ms: int) -> Iterator[Trade]:
        minute = max(start_ms, self._start_ms) // MINUTE_MS
        if first_id is not None:
            minute = max(minute, self._tape.minute_of_id(first_id))
        while minute * MINUTE_MS < end_ms:
            for trade in self._tape.read(minute, minute + 60):
                if start_ms <= trade.time_ms < end_ms and (first_id is None or trade.trade_id >= first_id):
                    yield trade
            minute += 60

    def _block(self, frame: Timeframe, start_ms: int, end_ms: int) -> list[Candle]:
        known = self._blocks.get((frame, start_ms))
        if known is not None:
            self._blocks.move_to_end((frame, start_ms))
            return known
        minutes = self._minutes(start_ms, end_ms)
        bars = minutes if frame.size_ms == MINUTE_MS else aggregate(frame, minutes)
        candles = [self._present(bar, frame) for bar in bars]
        self._remember((frame, start_ms), candles)
        return candles

    def _remember(self, name: tuple[Timeframe, int], candles: list[Candle]) -> None:
        self._blocks[name] = candles
        self._remembered += len(candles)
        while self._remembered > REMEMBERED_CANDLES and len(self._blocks) > 1:
            _, forgotten = self._blocks.popitem(last=False)
            self._remembered -= len(forgotten)

    def _minutes(self, start_ms: int, end_ms: int) -> Iterator[Bar[int]]:
        position = max(start_ms, self._start_ms)
        while position < end_ms:
            day = position - position % DAY_MS
            first, last = (position - day) // MINUTE_MS, min(end_ms - day, DAY_MS) // MINUTE_MS
            yield from self._day(day)[first:last]
            position = day + DAY_MS

    def _day(self, day_ms: int) -> list[Bar[int]]:
        known = self._days.get(day_ms)
        if known is None:
            first = day_ms // MINUTE_MS
            end = first + DAY_MS // MINUTE_MS
            known = minute_bars(self._tape.read(first - self._tape.longest_silence, end), first, end)
            self._days[day_ms] = known
            while len(self._days) > REMEMBERED_DAYS:
                self._days.popitem(last=False)
        return known

    def _running_minute(self, now_ms: int) -> Bar[int]:
        minute = now_ms // MINUTE_MS
        trades = list(self._tape.read(minute - self._tape.longest_silence, minute + 1))
        earlier = [trade.price for trade in trades if trade.time_ms < minute * MINUTE_MS]
        so_far = [trade for trade in trades if minute * MINUTE_MS <= trade.time_ms <= now_ms]
        prices = [trade.price for trade in so_far] or earlier[-1:]
        volume = quote = taker = taker_quote = 0
        for trade in so_far:
            volume += trade.quantity
            quote += trade.quantity * trade.price
            if not trade.is_buyer_maker:
                taker += trade.quantity
                taker_quote += trade.quantity * trade.price
        return Bar(
            minute * MINUTE_MS, prices[0], max(prices), min(prices), prices[-1],
            volume, quote, len(so_far), taker, taker_quote,
        )  # fmt: skip

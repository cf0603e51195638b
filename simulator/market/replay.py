"""Recorded candles in the market's place, digit for digit."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from typing_extensions import override

from simulator.digits import plain
from simulator.market.aggregate import aggregate
from simulator.market.files import RecordedCandle
from simulator.market.model import Bar, Candle, CandleSource, Trade
from simulator.timeframes import Timeframe

ZERO = Decimal(0)


class ReplaySource(CandleSource):
    """Candles of one instrument from recordings; larger timeframes without a file are made of the smallest recorded.

    ``write_number`` writes what the recording does not hold (quote volume as close x volume) in the venue's manner.
    """

    def __init__(
        self, recordings: dict[Timeframe, Sequence[RecordedCandle]], write_number: Callable[[Decimal], str]
    ) -> None:
        self._write = write_number
        self._candles = {frame: self._of_recording(frame, rows) for frame, rows in recordings.items()}
        self._smallest = min(recordings, key=lambda frame: frame.size_ms)

    @override
    def ascending(self, frame: Timeframe, start_ms: int, end_ms: int) -> Iterator[Candle]:
        return iter(self._between(frame, start_ms, end_ms))

    @override
    def descending(self, frame: Timeframe, start_ms: int, end_ms: int) -> Iterator[Candle]:
        return reversed(self._between(frame, start_ms, end_ms))

    @override
    def running(self, frame: Timeframe, now_ms: int) -> Candle | None:
        """A recorded candle in the making has only its open yet; a larger one has its closed parts and that open."""
        open_ms = frame.floor(now_ms)
        if frame in self._candles:
            whole = self._between(frame, open_ms, open_ms + 1)
            return _just_opened(whole[0]) if whole else None
        parts = list(self._between(self._smallest, open_ms, self._smallest.floor(now_ms)))
        last = self.running(self._smallest, now_ms)
        made = self._made_of([*parts, last] if last else parts, frame)
        return replace(made[0], is_closed=False) if made else None

    @override
    def trades(self, first_id: int | None, start_ms: int, end_ms: int) -> Iterator[Trade]:
        return iter(())

    def _between(self, frame: Timeframe, start_ms: int, end_ms: int) -> list[Candle]:
        candles = self._candles.get(frame)
        if candles is None:
            candles = self._candles[frame] = self._made_of(self._candles[self._smallest], frame)
        first = bisect_left(candles, start_ms, key=_open_time)
        return candles[first : bisect_left(candles, end_ms, lo=first, key=_open_time)]

    def _of_recording(self, frame: Timeframe, rows: Sequence[RecordedCandle]) -> list[Candle]:
        return [
            Candle(
                row.open_time, frame.following(row.open_time) - 1, row.open, row.high, row.low, row.close, row.volume,
                self._write(Decimal(row.quote_volume or Decimal(row.close) * Decimal(row.volume))), row.trade_count,
                self._write(ZERO), self._write(ZERO),
            )
            for row in rows
        ]  # fmt: skip

    def _made_of(self, candles: Sequence[Candle], frame: Timeframe) -> list[Candle]:
        if frame.size_ms < self._smallest.size_ms:
            return []
        return [self._of_bar(bar, frame) for bar in aggregate(frame, map(_as_bar, candles))]

    def _of_bar(self, bar: Bar[Decimal], frame: Timeframe) -> Candle:
        return Candle(
            bar.open_time, frame.following(bar.open_time) - 1,
            plain(bar.open), plain(bar.high), plain(bar.low), plain(bar.close), plain(bar.volume),
            self._write(bar.quote_volume), bar.trade_count, self._write(ZERO), self._write(ZERO),
        )  # fmt: skip


def _open_time(candle: Candle) -> int:
    return candle.open_time


def _just_opened(candle: Candle) -> Candle:
    price, zero = candle.open, plain(Decimal(candle.volume) * 0)
    return replace(
        candle, high=price, low=price, close=price, volume=zero, quote_volume=candle.taker_volume, trade_count=0,
        is_closed=False, wire="",
    )  # fmt: skip


def _as_bar(candle: Candle) -> Bar[Decimal]:
    return Bar(
        candle.open_time,
        Decimal(candle.open),
        Decimal(candle.high),
        Decimal(candle.low),
        Decimal(candle.close),
        Decimal(candle.volume),
        Decimal(candle.quote_volume),
        candle.trade_count,
        ZERO,
        ZERO,
    )

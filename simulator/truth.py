"""What a venue's candles really are, before any fault of transport: the market and its amendments."""

from collections.abc import Iterator, Mapping

from simulator.amendments import Amendments
from simulator.market.model import Candle, CandleSource
from simulator.timeframes import Timeframe


class Truth:
    """The candles of one venue as of an instant of its clock, late revisions in force included.

    Candles that are gone for good are still in here; ask ``amendments`` whether the venue can give them.
    """

    def __init__(self, sources: Mapping[str, CandleSource], amendments: Amendments) -> None:
        self.sources = sources
        self.amendments = amendments

    def ascending(self, symbol: str, frame: Timeframe, start_ms: int, end_ms: int, now_ms: int) -> Iterator[Candle]:
        """Candles that open in [start, end), oldest first; the last one may still be running."""
        opened = frame.floor(now_ms)
        for candle in self.sources[symbol].ascending(frame, start_ms, min(end_ms, opened)):
            yield self.amendments.revised(symbol, frame, candle, now_ms)
        yield from self._running(symbol, frame, start_ms, end_ms, now_ms)

    def descending(self, symbol: str, frame: Timeframe, start_ms: int, end_ms: int, now_ms: int) -> Iterator[Candle]:
        """The same, newest first."""
        opened = frame.floor(now_ms)
        yield from self._running(symbol, frame, start_ms, end_ms, now_ms)
        for candle in self.sources[symbol].descending(frame, start_ms, min(end_ms, opened)):
            yield self.amendments.revised(symbol, frame, candle, now_ms)

    def _running(self, symbol: str, frame: Timeframe, start_ms: int, end_ms: int, now_ms: int) -> Iterator[Candle]:
        if start_ms <= frame.floor(now_ms) < end_ms:
            candle = self.sources[symbol].running(frame, now_ms)
            if candle is not None:
                yield candle

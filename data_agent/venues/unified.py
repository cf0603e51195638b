"""Any venue CCXT can reach, through CCXT's unified rows: less than a parser of our own sees, but the same promises.

What the unified row drops stays unknown: quote volume, number of trades, the venue's own flag for a finished candle.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from data_agent.core.errors import BrokenData, Refused
from data_agent.core.records import Candle, Instrument, Reject
from data_agent.core.time import Span, Timeframe, to_milliseconds
from data_agent.venues.paging import CandleAnswer, Row
from data_agent.venues.rows import CandleLayout, read_candle
from data_agent.venues.venue import Venue

_LAYOUT: Final = CandleLayout(
    length=6,
    open_time=0,
    numbers={"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5},
    trade_count=None,
)


def parse_candle(
    raw_row: Any, timeframe: Timeframe, observed_at: datetime, offset: timedelta = timedelta()
) -> Candle | Reject:
    """One unified row of CCXT, numbers as text.

    [1624438800000, "33800.00000000", "33800.00000000", "33666.01000000", "33784.38000000", "0.64906000"]
    """
    return read_candle(raw_row, _LAYOUT, timeframe, offset, observed_at)


class UnifiedVenue(Venue):
    """A venue whose rows CCXT reads for us."""

    newest_first = False

    async def _ask_candles(self, market_id: str, timeframe: Timeframe, window: Span, attempt: int) -> CandleAnswer:
        symbol = await self._symbol(market_id)
        start, limit = to_milliseconds(window.start), window.count(timeframe)
        answer = await self.client.unified("fetch_ohlcv", symbol, timeframe.value, start, limit)
        if not isinstance(answer.payload, list):
            raise BrokenData("candles are no array", venue=self.facts.venue, endpoint="fetch_ohlcv")
        offset = self.facts.candles.grid_offset(timeframe)
        rows = [Row(raw, parse_candle(raw, timeframe, answer.observed_at, offset)) for raw in answer.payload]
        return CandleAnswer(rows, answer.venue_time, answer.observed_at)

    async def _symbol(self, market_id: str) -> str:
        for symbol, market in (await self.client.markets()).items():
            if market["id"] == market_id and market["type"] in self.facts.connection.market_types:
                return symbol
        raise Refused(f"there is no market {market_id!r}", venue=self.facts.venue)

    def _instrument(self, market: Mapping[str, Any]) -> Instrument:
        precision = market["precision"]
        return self._new_instrument(
            market, price_increment=precision.get("price"), amount_increment=precision.get("amount")
        )

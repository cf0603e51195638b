"""Binance over REST: klines ascend, the first `limit` ones from `startTime` on; the last may be unfinished."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from data_agent.core.errors import BrokenData
from data_agent.core.records import Candle, Instrument, Reject
from data_agent.core.time import Span, Timeframe, to_milliseconds
from data_agent.venues.paging import CandleAnswer, Row
from data_agent.venues.rows import CandleLayout, read_candle
from data_agent.venues.venue import Venue

_LAYOUT: Final = CandleLayout(
    length=9,
    open_time=0,
    numbers={"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "quote volume": 7},
    trade_count=8,
)
_NO_OFFSET: Final = timedelta()


def parse_candle(raw_row: Any, timeframe: Timeframe, observed_at: datetime) -> Candle | Reject:
    """One kline, as REST sends it.

    [1624438800000, "33800.00000000", "33800.00000000", "33666.01000000", "33784.38000000", "0.64906000",
     1624438859999, "21900.06475101", 52, "0.45358400", "15296.35728097", "0"]

    Open time (ms), open, high, low, close, base volume, close time, quote volume, number of trades, taker buy base and
    quote volume, unused. The close time is not judged: outages have left klines that end early.
    """
    return read_candle(raw_row, _LAYOUT, timeframe, _NO_OFFSET, observed_at)


class Binance(Venue):
    """Binance spot."""

    newest_first = False

    async def _ask_candles(self, market_id: str, timeframe: Timeframe, window: Span, attempt: int) -> CandleAnswer:
        answer = await self.client.request(
            "publicGetKlines",
            {
                "symbol": market_id,
                "interval": self.facts.candles.intervals[timeframe],
                "startTime": to_milliseconds(window.start),
                "endTime": to_milliseconds(window.end) - 1,
                "limit": window.count(timeframe),
            },
        )
        if not isinstance(answer.payload, list):
            raise BrokenData("klines are no array", venue=self.facts.venue, endpoint="klines")
        rows = [Row(raw, parse_candle(raw, timeframe, answer.observed_at)) for raw in answer.payload]
        return CandleAnswer(rows, answer.venue_time, answer.observed_at)

    def _instrument(self, market: Mapping[str, Any]) -> Instrument:
        filters = {each.get("filterType"): each for each in market["info"].get("filters", [])}
        return self._new_instrument(
            market,
            price_increment=filters.get("PRICE_FILTER", {}).get("tickSize"),
            amount_increment=filters.get("LOT_SIZE", {}).get("stepSize"),
        )

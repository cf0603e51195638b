"""OKX over REST: candles descend from `after` (exclusive) to `before` (exclusive), each with a flag for its end.

`candles` remembers the latest 1,440 bars only and answers with nothing beyond them; `history-candles` has the finished
ones of any age, but may lag behind the newest. So a stretch is asked for where it lies whole, with a margin, and an
empty answer of `candles` proves nothing until `history-candles` agrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from data_agent.core.errors import BrokenData
from data_agent.core.records import Candle, Instrument, Reject
from data_agent.core.time import Span, Timeframe, to_milliseconds
from data_agent.venues.paging import CandleAnswer, Row
from data_agent.venues.rows import CandleLayout, read_candle, reject
from data_agent.venues.venue import Venue

_LAYOUT: Final = CandleLayout(
    length=9,
    open_time=0,
    numbers={"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "quote volume": 7},
    trade_count=None,
)
_CONFIRM: Final = 8
_NO_OFFSET: Final = timedelta()
# Bars before the end of `candles`' memory at which it is no longer asked.
_MARGIN_BARS: Final = 40


def parse_candle(raw_row: Any, timeframe: Timeframe, observed_at: datetime) -> Candle | Reject:
    """One candle of a spot instrument, as REST and WebSocket send it.

    ["1747094040000", "102806.1", "102820.4", "102806.1", "102820.4", "1040.37", "10.4037", "1069603.34883", "1"]

    Open time (ms), open, high, low, close, volume (of spot: in base currency), volume in currency, volume in quote
    currency, whether the bar is finished (`confirm`).
    """
    return read_candle(raw_row, _LAYOUT, timeframe, _NO_OFFSET, observed_at)


def parse_confirm(raw_row: Any) -> bool | None:
    """Whether the venue calls the bar finished; None if the row does not say."""
    return {"1": True, "0": False}.get(raw_row[_CONFIRM])


def parse_row(raw_row: Any, timeframe: Timeframe, observed_at: datetime) -> Row:
    """A candle with its flag; a row without a readable flag is a reject."""
    parsed = parse_candle(raw_row, timeframe, observed_at)
    if isinstance(parsed, Reject):
        return Row(raw_row, parsed)
    is_closed = parse_confirm(raw_row) if isinstance(raw_row[_CONFIRM], str) else None
    if is_closed is None:
        detail = f"confirm is {str(raw_row[_CONFIRM])[:60]!r}"
        return Row(raw_row, reject(raw_row, "missing_field", detail, observed_at, parsed.open_time))
    return Row(raw_row, parsed, is_closed)


class Okx(Venue):
    """OKX spot."""

    newest_first = True

    async def _ask_candles(self, market_id: str, timeframe: Timeframe, window: Span, attempt: int) -> CandleAnswer:
        is_recent = attempt == 0 and self._is_recent(window, timeframe)
        answer = await self.client.request(
            "publicGetMarketCandles" if is_recent else "publicGetMarketHistoryCandles",
            {
                "instId": market_id,
                "bar": self.facts.candles.intervals[timeframe],
                "after": to_milliseconds(window.end),
                "before": to_milliseconds(window.start) - 1,
                "limit": window.count(timeframe),
            },
        )
        data = answer.payload.get("data") if isinstance(answer.payload, dict) else None
        if not isinstance(data, list):
            raise BrokenData("candles are no array", venue=self.facts.venue, endpoint="candles")
        rows = [parse_row(raw, timeframe, answer.observed_at) for raw in data]
        return CandleAnswer(rows, answer.venue_time, answer.observed_at, proves_absence=not is_recent)

    def _is_recent(self, window: Span, timeframe: Timeframe) -> bool:
        bars = (self.facts.candles.recent_bars or 0) - _MARGIN_BARS
        return window.start >= self.client.clock.lower_bound() - timeframe.duration * bars

    def _instrument(self, market: Mapping[str, Any]) -> Instrument:
        info = market["info"]
        return self._new_instrument(
            market,
            price_increment=info.get("tickSz"),
            amount_increment=info.get("lotSz"),
            listed_at=info.get("listTime"),
        )

"""The truth as rows, to compare with what somebody has collected."""

from collections.abc import Iterator
from typing import Any

from simulator.exchange import Exchange
from simulator.market.model import Candle
from simulator.times import iso


def ledger_rows(
    exchange: Exchange, symbol: str, timeframe: str, *, start_ms: int, end_ms: int, as_of_ms: int
) -> Iterator[dict[str, Any]]:
    """What the venue would give for ever after repair, for candles that open in [start, end).

    Late revisions in force at ``as_of_ms`` are in; candles that are gone for good keep their true values and say
    ``"missing": "for_good"``, those that will always be garbled ``"malformed": "for_good"``. Raises KeyError for an
    unknown symbol or timeframe.
    """
    venue = exchange.venue
    symbol = symbol if symbol in venue.listed else venue.symbols[symbol]
    frame = venue.frame(timeframe)
    amendments = exchange.truth.amendments
    for candle in exchange.truth.ascending(symbol, frame, start_ms, end_ms, as_of_ms):
        row = _row(candle)
        if amendments.is_missing(symbol, frame, candle.open_time):
            row["missing"] = "for_good"
        if amendments.is_malformed(symbol, frame, candle.open_time):
            row["malformed"] = "for_good"
        yield row


def _row(candle: Candle) -> dict[str, Any]:
    return {
        "open_time": candle.open_time,
        "open_time_iso": iso(candle.open_time),
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
        "quote_volume": candle.quote_volume,
        "trade_count": candle.trade_count,
        "closed": candle.is_closed,
    }

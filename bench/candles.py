"""Candles to write: plausible digits, made before the clock starts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from data_agent.core.records import Candle, CandlePage
from data_agent.core.time import Span, utc_now

START = datetime(2024, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def make_candles(count: int) -> list[Candle]:
    """`count` one-minute candles from 2024 on, ascending."""
    draw = random.Random(7)
    observed_at = utc_now()
    candles = []
    for number in range(count):
        price = draw.randrange(1_000_000, 6_000_000)
        volume = Decimal(draw.randrange(10**9)).scaleb(-8)
        opened, high, low, close = (Decimal((price + step) * 10**6).scaleb(-8) for step in (0, 900, -900, 300))
        open_time = START + number * MINUTE
        candles.append(Candle(open_time, opened, high, low, close, volume, volume * 3, 250, observed_at))
    return candles


def make_page(candles: list[Candle]) -> CandlePage:
    """One settled page of contiguous candles."""
    span = Span(candles[0].open_time, candles[-1].open_time + MINUTE)
    return CandlePage(span, span.end, tuple(candles), (), None, candles[0].observed_at)

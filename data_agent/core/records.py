"""What a venue tells us, as typed records. Digits are exactly as sent, times are UTC, ids are text."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from data_agent.core.time import Span


class Candle(Struct, frozen=True, gc=False, array_like=True):
    """One OHLCV interval of one series, as one answer of the venue gave it.

    Encoded, it is an array in the order of the fields: the writer's COPY relies on it.

    Attributes:
        open_time: the interval's start.
        open, high, low, close: prices in quote currency.
        volume: traded amount in base currency.
        quote_volume: traded amount in quote currency; None where the venue does not tell.
        trade_count: number of trades; None where the venue does not tell.
        observed_at: when the answer reached us. It is carried by the record, so that writing the same
            answer again changes nothing.
    """

    open_time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal | None
    trade_count: int | None
    observed_at: datetime


class Reject(Struct, frozen=True):
    """A row that could not be understood, whole, with the reason. It never costs its neighbours.

    Attributes:
        payload: the row as JSON text, as it came.
        reason: a short machine-readable word, e.g. `not_a_number`, `off_grid`, `missing_field`.
        detail: the same for a human.
        open_time: the interval the row was about, if that much could be read.
    """

    payload: str
    reason: str
    detail: str
    observed_at: datetime
    open_time: datetime | None = None


class Instrument(Struct, frozen=True):
    """What can be traded on a venue, as the venue lists it now.

    Attributes:
        venue, product: e.g. `binance`, `spot`.
        market_id: the venue's own id (`BTCUSDT`, `BTC-USDT`); it survives renames of the symbol.
        symbol: CCXT's unified symbol (`BTC/USDT`).
        price_increment, amount_increment: smallest steps, None where the venue does not tell.
        is_active: whether the venue trades it now.
        listed_at: when trading began, if the venue tells.
    """

    venue: str
    product: str
    market_id: str
    symbol: str
    base: str
    quote: str
    price_increment: Decimal | None
    amount_increment: Decimal | None
    is_active: bool
    listed_at: datetime | None


class CandlePage(Struct, frozen=True):
    """What one answer of a venue proves about one series.

    Attributes:
        span: the grid-aligned stretch the answer settles. Every interval in it is closed (by the lower bound of the
            venue's clock when the request was sent, and by the venue's own flag), so an interval in it without a
            candle is one the venue did not give.
        settled_until: candles that open at or after this moment are closed, but the venue may still correct them;
            they are to be read again.
        candles: the closed candles, ascending, at most one per open time.
        rejects: rows of the answer that could not be understood.
        running: the unfinished candle, if the answer held it. Never written to `raw`.
        observed_at: when the answer reached us.
    """

    span: Span
    settled_until: datetime
    candles: tuple[Candle, ...]
    rejects: tuple[Reject, ...]
    running: Candle | None
    observed_at: datetime

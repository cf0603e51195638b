"""The shapes of `/v1/instruments`."""

from __future__ import annotations

from pydantic import BaseModel, Field

from api.digits import Digits
from api.parameters import LIMIT_DEFAULT, LIMIT_MAXIMUM, Cursor, Exchange, Name, Parameters, Symbol
from api.times import UtcTime


class InstrumentsQuery(Parameters):
    """Which instruments are asked for."""

    exchange: Exchange | None = None
    product: Name | None = None
    symbol: Symbol | None = None
    active: bool | None = Field(None, description="only those the exchange trades now, or only the others")
    limit: int = Field(LIMIT_DEFAULT, ge=1, le=LIMIT_MAXIMUM, description="instruments per page")
    cursor: Cursor | None = None


class InstrumentAnswer(BaseModel):
    """One instrument as the exchange describes it now."""

    exchange: str
    product: str
    symbol: str
    market_id: str = Field(description="the exchange's own id; it survives renames of the symbol")
    base: str
    quote: str
    price_increment: Digits | None
    amount_increment: Digits | None
    is_active: bool
    listed_at: UtcTime | None = Field(description="when trading began, if the exchange tells")
    first_seen_at: UtcTime
    timeframes: list[str] = Field(description="candles of the exchange that are collected")


class InstrumentsAnswer(BaseModel):
    """A page of instruments."""

    data: list[InstrumentAnswer]
    next_cursor: str | None
    simulated: bool

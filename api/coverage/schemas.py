"""The shapes of `/v1/coverage`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from api.parameters import CandleLength, Cursor, Exchange, Name, Origin, Parameters, Symbol
from api.times import RequestTime, UtcTime


class CoverageQuery(Parameters):
    """Of which series, and over which range."""

    exchange: Exchange | None = None
    product: Name | None = None
    symbol: Symbol | None = None
    timeframe: CandleLength | None = None
    origin: Origin = "venue"
    start: RequestTime | None = Field(None, description="default: where the series' ledger begins")
    end: RequestTime | None = Field(None, description="default: now")
    max_gaps: int = Field(100, ge=0, le=10_000, description="longest list of gaps per series; the first are shown")
    limit: int = Field(100, ge=1, le=500, description="series per page")
    cursor: Cursor | None = None


class GapAnswer(BaseModel):
    """A stretch of expected candles that are not served."""

    start: UtcTime
    end: UtcTime
    status: Literal[
        "unknown", "pending", "unverified", "empty_market", "exchange_outage", "our_outage", "unrecoverable"
    ]
    cause: str


class SeriesCoverage(BaseModel):
    """What is there of one series, and why the rest is not."""

    exchange: str
    product: str
    symbol: str
    timeframe: str
    origin: Literal["venue", "built"]
    is_active: bool = Field(description="whether the exchange trades it now")
    start: UtcTime | None
    end: UtcTime | None
    expected: int
    present: int
    ratio: float | None = Field(description="present / expected, rounded down; null while nothing is expected")
    count_gaps: int
    gaps: list[GapAnswer]
    watermark: UtcTime | None = Field(description="everything from `start` to here is known; never behind a hole")
    newest_open_time: UtcTime | None
    quality: float | None = Field(description="of the published slices in the range; null while there is none")
    dirty_slices: int = Field(description="days whose rows changed since the gate judged them")


class CoverageListAnswer(BaseModel):
    """A page of series."""

    data: list[SeriesCoverage]
    as_of: UtcTime
    next_cursor: str | None
    simulated: bool

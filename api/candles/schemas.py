"""The shapes of the candle routes. The page itself is rendered by PostgreSQL; a test holds it against these models."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field

from api.coverage.schemas import GapAnswer
from api.digits import Digits
from api.parameters import (
    LIMIT_DEFAULT,
    LIMIT_MAXIMUM,
    CandleLength,
    Cursor,
    Exchange,
    Origin,
    Parameters,
    Symbol,
)
from api.times import RequestTime, UtcTime


class CandlesQuery(Parameters):
    """What candles are asked for."""

    exchange: Exchange
    symbol: Symbol
    timeframe: CandleLength
    start: RequestTime | None = Field(None, description="first open time; default: `limit` candles before `end`")
    end: RequestTime | None = Field(None, description="open times before this; default: now")
    limit: int = Field(LIMIT_DEFAULT, ge=1, le=LIMIT_MAXIMUM, description="candles per page")
    cursor: Cursor | None = None
    as_of: RequestTime | None = Field(None, description="answer as it would have been given at this moment")
    min_quality: Decimal | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="refuse (409) rather than serve anything below this"
    )
    origin: Origin = "venue"


class CandleAnswer(BaseModel):
    """One candle."""

    open_time: UtcTime
    close_time: UtcTime
    open: Digits
    high: Digits
    low: Digits
    close: Digits
    volume: Digits
    is_closed: bool
    status: Literal["final", "provisional"] = Field(
        description="`final`: passed the quality gate, and nothing newer is known; `provisional`: not judged yet"
    )
    source: Literal["rest", "ws", "import", "built"] | None
    quality: float = Field(ge=0, le=1, description="1, less 0.1 per warning; 0.5 while nobody judged it")


class CoverageAnswer(BaseModel):
    """How much of the asked range is served: `expected` = `present` + the candles in `gaps`."""

    expected: int
    present: int
    ratio: float = Field(ge=0, le=1, description="present / expected, rounded down: 1 means all")
    gaps: list[GapAnswer]


class CandlesAnswer(BaseModel):
    """A page of candles, and how far the whole asked range can be trusted."""

    data: list[CandleAnswer]
    coverage: CoverageAnswer
    as_of: UtcTime = Field(description="ask again with this, and the same answer comes")
    next_cursor: str | None
    simulated: bool


class RevisionsQuery(Parameters):
    """Which candle's history is asked for."""

    exchange: Exchange
    symbol: Symbol
    timeframe: CandleLength
    open_time: RequestTime = Field(description="when the candle opens")


class BrokenRule(BaseModel):
    """A rule of the quality gate that a version broke."""

    rule: str
    severity: Literal["block", "warn"]
    detail: str


class Verdict(BaseModel):
    """What the gate said of a version, most lately."""

    outcome: Literal["passed", "warned", "failed"]
    slice_version: int
    decided_at: UtcTime
    published_at: UtcTime | None
    run_id: str
    rules: list[BrokenRule]


class CandleVersion(BaseModel):
    """One version of a candle: what was observed, when, by whom, and what became of it."""

    open: Digits
    high: Digits
    low: Digits
    close: Digits
    volume: Digits
    quote_volume: Digits | None
    trade_count: int | None
    observed_at: UtcTime
    committed_at: UtcTime
    source: Literal["rest", "ws", "import", "built"]
    run_id: str
    ingest_id: int
    is_superseded: bool = Field(description="it arrived late, when a newer one was known, and never became the latest")
    is_latest: bool
    changed: list[str] = Field(description="fields that differ from the latest version before it")
    reason: str = Field(description="why this version exists, in words")
    verdict: Verdict | None


class RejectedRow(BaseModel):
    """Something the venue sent about this candle that could not be understood."""

    reason: str
    detail: str
    payload: str
    first_observed_at: UtcTime
    last_observed_at: UtcTime
    count_seen: int


class RevisionsAnswer(BaseModel):
    """Every version of one candle in the order of commits."""

    exchange: str
    symbol: str
    timeframe: str
    open_time: UtcTime
    close_time: UtcTime
    status: Literal["final", "provisional", "withheld", "absent"]
    data: list[CandleVersion]
    rejects: list[RejectedRow]
    as_of: UtcTime
    simulated: bool

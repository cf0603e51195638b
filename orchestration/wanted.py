"""What the ledger should hold: which stretch of a series is wanted when. Pure rules.

history_start ──────────────────────────────────────────────── now
     │           repair: what is still missing after GRACE       │
     └───────────────────────────────────────┬───────────────────┤
                                             └── live: each minute
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from data_agent.core.time import DAY, EPOCH, Span, Timeframe
from data_agent.storage.postgres.series import Series
from data_agent.venues.facts import CandleFacts

LIVE_REACH: Final = timedelta(hours=2)
"""How far back the live job looks; what lies deeper is the repair's."""
LIVE_CANDLES: Final = 3
"""The live job looks back at least this many candles, so that a long one that failed once is tried again."""
GRACE: Final = timedelta(minutes=3)
"""What is missing no longer than this is the live job's; the repair would only ask the same beside it."""


def history_span(history: timedelta, now: datetime) -> Span:
    """Everything the collection file wants of a series: whole UTC days, so that each is a partition."""
    start = max(EPOCH, now - min(history, now - EPOCH))
    return Span(datetime.combine(start.date(), time(), tzinfo=now.tzinfo), now)


def live_span(timeframe: Timeframe, now: datetime) -> Span:
    """The last stretch of a series, which the live job keeps complete."""
    return Span(now - max(LIVE_REACH, LIVE_CANDLES * timeframe.duration), now)


def last_days(count: int, now: datetime) -> Span:
    """The stretch of so many days that ends now."""
    return Span(now - count * DAY, now)


def closed_part(wanted: Span, series: Series, facts: CandleFacts, now: datetime) -> Span:
    """The part of `wanted` that can have candles: on the series' grid, not before its listing, closed by `now`.

    `now` is the machine's clock; the venue's own clock decides later, and only takes away.
    """
    offset = facts.grid_offset(series.timeframe)
    start = wanted.start
    if series.listed_at is not None:
        start = max(start, series.timeframe.floor(series.listed_at, offset))
    end = min(wanted.end, series.timeframe.floor(now, offset))
    return Span(start, max(start, end)).aligned(series.timeframe, offset)

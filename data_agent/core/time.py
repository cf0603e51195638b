"""Time: UTC throughout, half-open spans, and the grid of a timeframe.

A timeframe here is a *name* and a length; where its grid lies on a venue (a day that starts at 16:00 UTC, say)
is a fact of that venue and is passed in as `offset`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
MILLISECOND: Final = timedelta(milliseconds=1)
DAY: Final = timedelta(days=1)


def utc_now() -> datetime:
    """The machine's clock, as an aware UTC time."""
    return datetime.now(UTC)


def from_milliseconds(value: int) -> datetime:
    """Milliseconds since 1970 as an aware UTC time, exact (no float on the way)."""
    return EPOCH + timedelta(milliseconds=value)


def to_milliseconds(moment: datetime) -> int:
    """An aware time as whole milliseconds since 1970, floored."""
    return (moment - EPOCH) // MILLISECOND


class Timeframe(StrEnum):
    """The candle lengths that are collected, named as CCXT names them."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def duration(self) -> timedelta:
        """The length of one candle."""
        return _DURATIONS[self]

    @property
    def milliseconds(self) -> int:
        """The length of one candle in milliseconds."""
        return self.duration // MILLISECOND

    def floor(self, moment: datetime, offset: timedelta = timedelta()) -> datetime:
        """The open time of the candle that contains `moment`, on a grid shifted by `offset` from the epoch."""
        return moment - (moment - EPOCH - offset) % self.duration

    def ceil(self, moment: datetime, offset: timedelta = timedelta()) -> datetime:
        """The first open time at or after `moment`."""
        floored = self.floor(moment, offset)
        return floored if floored == moment else floored + self.duration

    def is_on_grid(self, moment: datetime, offset: timedelta = timedelta()) -> bool:
        """Whether a candle of this timeframe can open at `moment`."""
        return (moment - EPOCH - offset) % self.duration == timedelta()


_DURATIONS: Final = {
    Timeframe.M1: timedelta(minutes=1),
    Timeframe.M5: timedelta(minutes=5),
    Timeframe.M15: timedelta(minutes=15),
    Timeframe.H1: timedelta(hours=1),
    Timeframe.H4: timedelta(hours=4),
    Timeframe.D1: DAY,
}


class Span(NamedTuple):
    """A half-open interval of time, `start <= t < end`."""

    start: datetime
    end: datetime

    @property
    def duration(self) -> timedelta:
        """How long the span is; never negative for a span that is not empty."""
        return self.end - self.start

    @property
    def is_empty(self) -> bool:
        """Whether the span holds no moment at all."""
        return self.end <= self.start

    def __contains__(self, moment: object) -> bool:
        return isinstance(moment, datetime) and self.start <= moment < self.end

    def intersect(self, other: Span) -> Span:
        """What both spans hold; empty (end <= start) where they do not meet."""
        return Span(max(self.start, other.start), min(self.end, other.end))

    def aligned(self, timeframe: Timeframe, offset: timedelta = timedelta()) -> Span:
        """The smallest span on the timeframe's grid that holds every open time of this one."""
        return Span(timeframe.ceil(self.start, offset), timeframe.ceil(self.end, offset))

    def count(self, timeframe: Timeframe) -> int:
        """How many candles a grid-aligned span holds."""
        return max(0, self.duration // timeframe.duration)

    def open_times(self, timeframe: Timeframe) -> Iterator[datetime]:
        """The open times a grid-aligned span holds, ascending."""
        moment = self.start
        while moment < self.end:
            yield moment
            moment += timeframe.duration

    def days(self) -> Iterator[date]:
        """The UTC days the span touches, ascending."""
        if self.is_empty:
            return
        day = self.start.date()
        last = (self.end - MICROSECOND).date()
        while day <= last:
            yield day
            day += DAY


def day_span(day: date) -> Span:
    """The span of one UTC day."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Span(start, start + DAY)

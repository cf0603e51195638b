"""Pure: which candles an answer should hold, which it holds, and what the ledger says of the difference.

Everything here is about *open times* on the grid of one timeframe, as half-open spans, so the work depends on the
number of stretches and not on the number of candles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from data_agent.core.time import Span, Timeframe
from data_agent.coverage.ledger import Entry, Status

UNKNOWN: Final = "unknown"
NOT_FETCHED: Final = "not fetched yet"
NOT_BUILT: Final = "its one-minute candles are there; not built yet"
ROW_ABSENT: Final = "the ledger calls it complete, but no row is there"


class Gap(Struct, frozen=True):
    """A stretch of expected candles that are not served.

    Attributes:
        start, end: half-open, on the grid.
        status: of the ledger, or `unknown` where the ledger says nothing.
        cause: why, in words.
    """

    start: datetime
    end: datetime
    status: str
    cause: str


class Coverage(Struct, frozen=True):
    """How much of an asked range is served. `expected` = `present` + the candles in `gaps`, always."""

    expected: int
    present: int
    gaps: tuple[Gap, ...]

    @property
    def ratio(self) -> float:
        """Present / expected, rounded down to four digits (1 means *all*); 1 where nothing is expected."""
        return self.present * 10_000 // self.expected / 10_000 if self.expected else 1.0


def expected_span(asked: Span, timeframe: Timeframe, *, clock: datetime, listed_at: datetime | None) -> Span:
    """The open times of `asked` whose candles are closed at `clock` and not before the instrument's listing."""
    start = timeframe.ceil(asked.start)
    if listed_at is not None:
        start = max(start, timeframe.floor(listed_at))
    return Span(start, max(start, min(timeframe.ceil(asked.end), timeframe.floor(clock))))


def compose(
    expected: Span,
    timeframe: Timeframe,
    *,
    present: Sequence[Span],
    entries: Sequence[Entry],
    withheld: Mapping[datetime, str],
    is_built: bool = False,
) -> Coverage:
    """Set what is served against what is expected, and explain the difference.

    Args:
        expected: from `expected_span`.
        present: the stretches that are served, ascending and disjoint. A candle served outside `expected` (the
            venue's listing date was wrong, its clock ahead) counts as expected too.
        entries: the ledger; of a built series that of its one-minute candles, whose grid is finer.
        withheld: open times that the gate keeps back, with the rules they broke.
        is_built: whether a candle may be missing although all that it is made of is there.
    """
    missing = without(expected, present)
    known = _project(entries, expected, timeframe, is_built=is_built)
    gaps = _joined(_withhold(_meet(missing, known), withheld, timeframe))
    count_present = sum(span.count(timeframe) for span in present)
    count_missing = sum(span.count(timeframe) for span in missing)
    return Coverage(count_present + count_missing, count_present, tuple(gaps))


def without(whole: Span, parts: Iterable[Span]) -> list[Span]:
    """What is left of `whole` without `parts` (ascending)."""
    left: list[Span] = []
    cursor = whole.start
    for part in parts:
        if part.start > cursor:
            left.append(Span(cursor, min(part.start, whole.end)))
        cursor = max(cursor, part.end)
        if cursor >= whole.end:
            break
    left.append(Span(cursor, whole.end))
    return [span for span in left if not span.is_empty]


def _project(entries: Iterable[Entry], whole: Span, timeframe: Timeframe, *, is_built: bool) -> list[Gap]:
    """What the ledger says of each interval of `whole`: the first thing in it that is not `complete` speaks for it."""
    complete = (Status.PENDING.value, NOT_BUILT) if is_built else (Status.UNVERIFIED.value, ROW_ABSENT)
    said: list[Gap] = []
    cursor = whole.start
    for piece in _told(entries, whole, timeframe):
        start, end = timeframe.floor(piece.start), min(timeframe.ceil(piece.end), whole.end)
        if piece.status == Status.COMPLETE or end <= cursor:
            continue
        if start > cursor:
            said.append(Gap(cursor, start, *complete))
        said.append(Gap(max(start, cursor), end, piece.status, piece.cause))
        cursor = end
    if cursor < whole.end:
        said.append(Gap(cursor, whole.end, *complete))
    return said


def _told(entries: Iterable[Entry], whole: Span, timeframe: Timeframe) -> Iterator[Gap]:
    cursor = whole.start
    for entry in sorted(entries, key=lambda each: each.span):
        span = entry.span.intersect(Span(cursor, whole.end))
        if span.is_empty:
            continue
        if span.start > cursor:
            yield Gap(cursor, span.start, UNKNOWN, NOT_FETCHED)
        yield Gap(span.start, span.end, entry.status.value, entry.cause)
        cursor = span.end
    if cursor < whole.end:
        yield Gap(cursor, whole.end, UNKNOWN, NOT_FETCHED)


def _meet(missing: Sequence[Span], said: Sequence[Gap]) -> Iterator[Gap]:
    position = 0
    for span in missing:
        while position < len(said) and said[position].end <= span.start:
            position += 1
        for index in range(position, len(said)):
            gap = said[index]
            if gap.start >= span.end:
                break
            yield Gap(max(gap.start, span.start), min(gap.end, span.end), gap.status, gap.cause)


def _withhold(gaps: Iterable[Gap], withheld: Mapping[datetime, str], timeframe: Timeframe) -> Iterator[Gap]:
    moments = sorted(withheld)
    position = 0
    for gap in gaps:
        cursor = gap.start
        while position < len(moments) and moments[position] < gap.end:
            moment = moments[position]
            position += 1
            if moment < cursor:
                continue
            yield Gap(cursor, moment, gap.status, gap.cause)
            cursor = moment + timeframe.duration
            # Once the venue has insisted often enough, the ledger calls it unrecoverable, and so do we.
            status = gap.status if gap.status == Status.UNRECOVERABLE else Status.UNVERIFIED.value
            yield Gap(moment, cursor, status, f"failed rule {withheld[moment]}")
        yield Gap(cursor, gap.end, gap.status, gap.cause)


def _joined(gaps: Iterable[Gap]) -> list[Gap]:
    joined: list[Gap] = []
    for gap in gaps:
        if gap.end <= gap.start:
            continue
        before = joined[-1] if joined else None
        if before and (before.end, before.status, before.cause) == (gap.start, gap.status, gap.cause):
            joined[-1] = Gap(before.start, gap.end, gap.status, gap.cause)
        else:
            joined.append(gap)
    return joined

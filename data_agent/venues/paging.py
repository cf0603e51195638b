"""What one answer proves: pure rules, the same for every venue.

* An interval is closed if it ended by the *lower bound* of the venue's clock when the request was sent, and the venue's
  own flag agrees where there is one. Where there is none, the newest row of an answer is taken for closed only when a
  later row follows it or it has settled: an answer from a cache may be older than the request.
* An interval without a row counts as absent only if the answer reaches beyond it: an answer that was cut short must
  not turn into a proven hole. What is left over is asked for again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from data_agent.core.records import Candle, CandlePage, Reject
from data_agent.core.time import Span, Timeframe
from data_agent.venues.facts import CandleFacts
from data_agent.venues.rows import reject


class Row(NamedTuple):
    """One row as it came, as parsed, and what the venue's own flag says of it (None: it has none)."""

    raw: Any
    parsed: Candle | Reject
    is_closed: bool | None = None


class CandleAnswer(NamedTuple):
    """One answer of a venue, its rows parsed.

    Attributes:
        venue_time: a lower bound of the venue's clock when the request was sent.
        observed_at: when the answer had reached us.
        proves_absence: whether no row at all means that there is none. False for an endpoint with a short memory.
    """

    rows: list[Row]
    venue_time: datetime
    observed_at: datetime
    proves_absence: bool = True


class Assembled(NamedTuple):
    """What an answer proves of the asked stretch, what it leaves open, and how many of its rows were none of ours."""

    page: CandlePage
    unsettled: Span
    count_outside: int


def assemble(
    answer: CandleAnswer, stretch: Span, timeframe: Timeframe, facts: CandleFacts, *, newest_first: bool
) -> Assembled:
    """Judge one answer about `stretch`, a grid-aligned span.

    Args:
        newest_first: which end of a stretch the venue fills first, and so which end is missing from a short answer.
    """
    offset, length = facts.grid_offset(timeframe), timeframe.duration
    running_from = timeframe.floor(answer.venue_time, offset)
    settled_until = timeframe.floor(answer.venue_time - facts.settle_after, offset)
    known, rejects = _sort_out(answer, running_from + length)
    seen = sorted({*known, *(each.open_time for each in rejects if each.open_time is not None)})
    inside = [moment for moment in seen if moment >= stretch.start]
    closed_end = _closed_end(known, running_from, settled_until, has_flag=facts.has_closed_flag)
    reached = _reached(inside, stretch, length, newest_first=newest_first, proves_absence=answer.proves_absence)
    span = Span(reached.start, max(reached.start, min(reached.end, closed_end)))
    candles = tuple(row.parsed for row in known.values() if row.parsed.open_time in span)
    page = CandlePage(
        span=span,
        settled_until=settled_until,
        candles=candles,
        rejects=tuple(rejects),
        running=_running(known, closed_end),
        observed_at=answer.observed_at,
    )
    closed_stretch = Span(stretch.start, min(stretch.end, closed_end))
    unsettled = (
        Span(stretch.start, min(reached.start, closed_end))
        if newest_first
        else Span(min(reached.end, closed_end), closed_stretch.end)
    )
    outside = sum(1 for moment in known if moment not in stretch and moment < running_from)
    return Assembled(page, unsettled, outside)


class _Known(NamedTuple):
    raw: Any
    parsed: Candle
    is_closed: bool | None

    def says_the_same(self, other: _Known) -> bool:
        return self.parsed == other.parsed and self.is_closed == other.is_closed


def _sort_out(answer: CandleAnswer, latest: datetime) -> tuple[dict[datetime, _Known], list[Reject]]:
    """Candles by open time, ascending, one of each; rows that are none, that contradict each other or the clock."""
    rejects = [row.parsed for row in answer.rows if isinstance(row.parsed, Reject)]
    found: dict[datetime, _Known] = {}
    repeated: dict[datetime, list[_Known]] = {}
    for raw, parsed, is_closed in answer.rows:
        if isinstance(parsed, Reject):
            continue
        row = _Known(raw, parsed, is_closed)
        if parsed.open_time > latest:
            rejects.append(_refuse(row, "in_future", "it opens later than the venue's clock can show"))
        elif (first := found.setdefault(parsed.open_time, row)) is not row:
            repeated.setdefault(parsed.open_time, [first]).append(row)
    for open_time, rows in repeated.items():
        if not all(rows[0].says_the_same(row) for row in rows[1:]):
            del found[open_time]
            detail = f"{len(rows)} different rows of one open time in one answer"
            rejects += [_refuse(row, "conflicting_duplicate", detail) for row in rows]
    known = dict(sorted(found.items()))
    return known, rejects


def _refuse(row: _Known, reason: str, detail: str) -> Reject:
    return reject(row.raw, reason, detail, row.parsed.observed_at, row.parsed.open_time)


def _closed_end(
    known: dict[datetime, _Known], running_from: datetime, settled_until: datetime, *, has_flag: bool
) -> datetime:
    """The end of the stretch whose intervals are proven to be over."""
    if has_flag:
        return min([running_from, *(moment for moment, row in known.items() if not row.is_closed)])
    newest = max(known, default=settled_until)
    return min(running_from, newest) if newest >= settled_until else running_from


def _reached(
    seen: list[datetime], stretch: Span, length: timedelta, *, newest_first: bool, proves_absence: bool
) -> Span:
    """The part of the stretch that the answer's rows span, to the end that the venue fills first."""
    if not seen:
        return stretch if proves_absence else Span(stretch.end, stretch.end)
    if newest_first:
        return Span(min(stretch.end, max(stretch.start, min(seen))), stretch.end)
    return Span(stretch.start, min(stretch.end, max(seen) + length))


def _running(known: dict[datetime, _Known], closed_end: datetime) -> Candle | None:
    newest = max(known, default=None)
    return known[newest].parsed if newest is not None and newest >= closed_end else None

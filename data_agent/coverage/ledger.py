"""The algebra of the ledger: what is known of each stretch of a series, as ranges that never overlap.

What no entry covers is *unknown*, that is: to fetch. Entries are half-open and coalesced: two neighbours that say the
same are one entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

from data_agent.core.time import Span


class Status(StrEnum):
    """What is known of a stretch."""

    COMPLETE = "complete"  # every interval has its candle, settled
    EMPTY_MARKET = "empty_market"  # nobody traded, and the venue omits such intervals
    EXCHANGE_OUTAGE = "exchange_outage"  # the venue was down
    OUR_OUTAGE = "our_outage"  # the venue had it, we were not there, and it cannot be had any more
    UNRECOVERABLE = "unrecoverable"  # the venue was asked until it was certain that it will not give it
    UNVERIFIED = "unverified"  # there is a candle, but it may still change or is doubtful: read it again
    PENDING = "pending"  # asked for and not given (yet): ask again at `retry_at`


KNOWN: Final = frozenset(
    {Status.COMPLETE, Status.EMPTY_MARKET, Status.EXCHANGE_OUTAGE, Status.OUR_OUTAGE, Status.UNRECOVERABLE}
)
"""Statuses that need no further question. The watermark is the end of the contiguous prefix of these."""


class Entry(Struct, frozen=True):
    """One stretch of one series.

    Attributes:
        cause: why, in words a user understands; empty for `complete`.
        attempts: how often the venue was asked and did not settle it.
        retry_at: when to ask again; None for statuses that need no further question.
        evidence: facts behind the status, e.g. the reasons of rejected rows.
    """

    span: Span
    status: Status
    cause: str = ""
    attempts: int = 0
    retry_at: datetime | None = None
    evidence: Mapping[str, object] = {}

    @property
    def is_known(self) -> bool:
        """Whether nothing more is to be asked of this stretch."""
        return self.status in KNOWN

    def says_the_same_as(self, other: Entry) -> bool:
        """Whether the two differ in their span only."""
        return structs.replace(self, span=other.span) == other


def coalesce(entries: Iterable[Entry]) -> list[Entry]:
    """Sort entries that do not overlap, and join neighbours that say the same."""
    joined: list[Entry] = []
    for entry in sorted(entries, key=lambda each: each.span):
        if entry.span.is_empty:
            continue
        if joined and joined[-1].span.end == entry.span.start and joined[-1].says_the_same_as(entry):
            joined[-1] = structs.replace(entry, span=Span(joined[-1].span.start, entry.span.end))
        else:
            joined.append(entry)
    return joined


def overlay(existing: Iterable[Entry], new: Iterable[Entry]) -> list[Entry]:
    """The ledger after `new` was learnt: where it speaks it replaces what `existing` said, elsewhere that stays.

    Neither argument may overlap with itself. The result is coalesced and covers exactly what either covered.
    """
    news = sorted(new, key=lambda each: each.span)
    kept: list[Entry] = []
    for entry in existing:
        rest = entry.span
        for fresh in news:
            if fresh.span.end <= rest.start or fresh.span.start >= rest.end:
                continue
            kept.append(structs.replace(entry, span=Span(rest.start, fresh.span.start)))
            rest = Span(fresh.span.end, rest.end)
        kept.append(structs.replace(entry, span=rest))
    return coalesce([*kept, *news])


def clip(entries: Iterable[Entry], span: Span) -> list[Entry]:
    """The parts of the entries that lie inside `span`, ascending."""
    return coalesce(structs.replace(entry, span=entry.span.intersect(span)) for entry in entries)


def unknown(entries: Iterable[Entry], wanted: Span) -> list[Span]:
    """The stretches of `wanted` that no entry covers, ascending."""
    found: list[Span] = []
    cursor = wanted.start
    for entry in clip(entries, wanted):
        if entry.span.start > cursor:
            found.append(Span(cursor, entry.span.start))
        cursor = entry.span.end
    if cursor < wanted.end:
        found.append(Span(cursor, wanted.end))
    return found


def watermark(entries: Iterable[Entry], start: datetime) -> datetime:
    """The end of the contiguous known prefix from `start` on; `start` itself if nothing is known there.

    Never the greatest time seen: whatever lies behind a hole does not count.
    """
    reached = start
    for entry in sorted(entries, key=lambda each: each.span):
        if entry.span.end <= reached:
            continue
        if entry.span.start > reached or not entry.is_known:
            break
        reached = entry.span.end
    return reached

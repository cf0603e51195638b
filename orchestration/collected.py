"""What came of collecting: counts, failures, and the holes that are left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from data_agent.core.errors import VenueError
from data_agent.core.logging import redact_text
from data_agent.core.time import Span
from data_agent.coverage.ledger import Entry, Status, clip, unknown
from data_agent.coverage.planner import join
from data_agent.storage.postgres.series import Series
from data_agent.storage.postgres.writer import WriteResult


class Failure(Struct, frozen=True):
    """A stretch that could not be fetched or stored. It stays unknown and is asked for again.

    Attributes:
        reason: a short machine-readable word, e.g. `network_fault`, `banned`.
        is_retryable: whether asking again may help without anybody changing anything.
    """

    span: Span
    reason: str
    detail: str
    is_retryable: bool


class Collected(Struct, frozen=True):
    """What came of one piece of work. Counts are rows, except `count_requests`: answers of the venue, failed ones too.

    Attributes:
        wanted: the part of what was asked for that can have candles.
        first, last: open times of the first and last candle the ledger has within `wanted`.
        holes: stretches of `wanted` that are still to be had: unknown, pending or unverified.
    """

    series: Series
    wanted: Span
    count_requests: int
    count_received: int
    count_inserted: int
    count_revised: int
    count_rejected: int
    failures: tuple[Failure, ...]
    holes: tuple[Span, ...]
    first: datetime | None
    last: datetime | None

    @property
    def count_holes(self) -> int:
        """How many candles the holes are."""
        return sum(hole.count(self.series.timeframe) for hole in self.holes)

    def facts(self) -> dict[str, object]:
        """For a log line."""
        return {
            "series": str(self.series),
            "start": self.wanted.start,
            "end": self.wanted.end,
            **{name: getattr(self, name) for name in COUNTS},
            "count_holes": self.count_holes,
            "failures": [failure.detail for failure in self.failures],
        }


COUNTS = ("count_requests", "count_received", "count_inserted", "count_revised", "count_rejected")


class Tally:
    """Counts while one piece of work is under way."""

    def __init__(self, series: Series, wanted: Span) -> None:
        self.series = series
        self.wanted = wanted
        self.failures: list[Failure] = []
        self._counts = dict.fromkeys(COUNTS, 0)

    def add(self, result: WriteResult) -> None:
        """Count one written page."""
        self._counts["count_requests"] += 1
        for name in COUNTS[1:]:
            self._counts[name] += getattr(result, name)

    def fail(self, span: Span, error: Exception) -> None:
        """Keep one failure with the stretch it cost."""
        self._counts["count_requests"] += isinstance(error, VenueError)
        reason = getattr(error, "reason", type(error).__name__)
        detail = redact_text(str(error) or type(error).__name__)
        self.failures.append(Failure(span, reason, detail, getattr(error, "is_retryable", False)))

    def close(self, entries: Sequence[Entry]) -> Collected:
        """The outcome, given what the ledger says of the wanted stretch now."""
        entries = clip(entries, self.wanted)
        had = [entry.span for entry in entries if entry.status in {Status.COMPLETE, Status.UNVERIFIED}]
        doubtful = [entry.span for entry in entries if not entry.is_known]
        return Collected(
            series=self.series,
            wanted=self.wanted,
            **self._counts,
            failures=tuple(self.failures),
            holes=tuple(join([*unknown(entries, self.wanted), *doubtful])),
            first=had[0].start if had else None,
            last=had[-1].end - self.series.timeframe.duration if had else None,
        )


class Round(Struct, frozen=True):
    """What came of one run over one or several venues.

    Attributes:
        outcomes: one per piece of work.
        unasked: venues of which not even the series could be determined, with the reason.
    """

    outcomes: list[Collected]
    unasked: dict[str, str] = {}

    @property
    def failures(self) -> list[str]:
        """Everything that failed, as sentences, equal ones only once."""
        of_venues = [f"{venue}: {reason}" for venue, reason in self.unasked.items()]
        of_series = [f"{each.series}: {failure.detail}" for each in self.outcomes for failure in each.failures]
        return list(dict.fromkeys([*of_venues, *of_series]))

    @property
    def first(self) -> datetime | None:
        """The first candle the ledger has of what was wanted."""
        return min((each.first for each in self.outcomes if each.first), default=None)

    @property
    def last(self) -> datetime | None:
        """The last candle the ledger has of what was wanted."""
        return max((each.last for each in self.outcomes if each.last), default=None)

    def total(self, name: str) -> int:
        """The sum of one of the outcomes' counts, e.g. `count_inserted`."""
        return sum(getattr(each, name) for each in self.outcomes)

    def by_venue(self) -> dict[str, Round]:
        """The same, venue by venue, in the order of the work."""
        parts: dict[str, list[Collected]] = {}
        for each in self.outcomes:
            parts.setdefault(each.series.venue, []).append(each)
        return {venue: Round(outcomes) for venue, outcomes in parts.items()}

"""What one answer of a venue lets us say about a stretch of candles.

The rules, in the order in which they are tried, for each interval of the page's span:

1. a candle that broke a blocking rule of the gate  -> `unverified`, asked again with growing pauses, and after
   `ENOUGH_ATTEMPTS` answers that agree `unrecoverable`: the venue itself says so;
2. a candle that may still change                    -> `unverified`, read again once it has settled;
3. a candle                                          -> `complete`;
4. a row that could not be understood                -> as 1, with the reject's reason as cause;
5. nothing, on a venue that omits quiet intervals    -> `pending`, after two agreeing answers `empty_market`;
6. nothing, on a venue that carries them             -> `pending`, after `ENOUGH_ATTEMPTS` answers `unrecoverable`.

An interval counts as asked only once per answer, and the answers must lie apart (`retry_pause`): a venue that is
being repaired must not be written off within a second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from data_agent.core.records import CandlePage
from data_agent.core.time import Span, Timeframe
from data_agent.coverage.ledger import Entry, Status, clip, coalesce

EmptyInterval = Literal["carried", "omitted"]

ENOUGH_ATTEMPTS: Final = 5
ENOUGH_FOR_EMPTY: Final = 2
_SETTLING_PAUSE: Final = timedelta(seconds=20)
_FIRST_PAUSE: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(hours=1)


def retry_pause(attempts: int) -> timedelta:
    """How long to wait after the given number of answers that did not settle an interval: 30 s, doubling, to 1 h."""
    doublings = min(max(0, attempts - 1), 16)
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << doublings))


def assess_candles(
    page: CandlePage,
    timeframe: Timeframe,
    *,
    known: Sequence[Entry],
    failed: Mapping[datetime, str],
    empty_interval: EmptyInterval,
) -> list[Entry]:
    """Turn one page into ledger entries that cover exactly `page.span`.

    Args:
        known: what the ledger says of the page's span now.
        failed: open times whose latest version broke a blocking rule of the gate, with the rule's name.
        empty_interval: whether the venue sends a candle for an interval without a trade.
    """
    if not failed and _is_whole_and_settled(page, timeframe):
        return [Entry(page.span, Status.COMPLETE)]  # the usual page, at no cost per candle
    judge = _Judge(page, known, failed, empty_interval)
    present = [candle.open_time for candle in page.candles if candle.open_time in page.span]
    settled = [moment for moment in present if moment < page.settled_until and moment not in failed]
    entries = [Entry(span, Status.COMPLETE) for span in _stretches(settled, timeframe)]
    fresh = [moment for moment in present if moment >= page.settled_until and moment not in failed]
    entries += [
        Entry(span, Status.UNVERIFIED, "the venue may still correct it", retry_at=page.observed_at + _SETTLING_PAUSE)
        for span in _stretches(fresh, timeframe)
    ]
    doubtful = _without(page.span, {*settled, *fresh}, timeframe)
    entries += [judge.doubt(Span(moment, moment + timeframe.duration)) for moment in doubtful]
    return coalesce(entries)


def _is_whole_and_settled(page: CandlePage, timeframe: Timeframe) -> bool:
    # Ascending and one per open time, so as many as fit between the ends of the span are all of them.
    return (
        0 < len(page.candles) == page.span.count(timeframe)
        and page.candles[0].open_time == page.span.start
        and page.candles[-1].open_time + timeframe.duration == page.span.end <= page.settled_until
    )


class _Judge:
    """The rules for intervals without a sound candle."""

    def __init__(
        self,
        page: CandlePage,
        known: Sequence[Entry],
        failed: Mapping[datetime, str],
        empty_interval: EmptyInterval,
    ) -> None:
        self.page = page
        self.known = known
        self.failed = failed
        self.rejected = {reject.open_time: reject.reason for reject in page.rejects if reject.open_time}
        self.empty_interval = empty_interval
        self.present = {candle.open_time for candle in page.candles}

    def doubt(self, span: Span) -> Entry:
        """What to say of one interval that has no sound candle."""
        before = next(iter(clip(self.known, span)), None)
        if before and self._is_settled_already(before):
            return before
        attempts = self._attempts(before)
        status, cause = self._status_and_cause(span.start, attempts)
        known = status not in {Status.PENDING, Status.UNVERIFIED}
        retry_at = None if known else self._retry_at(before, attempts)
        return Entry(span, status, cause, attempts, retry_at)

    def _is_settled_already(self, before: Entry) -> bool:
        # A venue that omits now what it gave before does not undo what we have; neither does asking once more
        # for what was given up.
        return before.is_known

    def _attempts(self, before: Entry | None) -> int:
        if before is None:
            return 1
        is_due = before.retry_at is None or self.page.observed_at >= before.retry_at
        return before.attempts + 1 if is_due else max(1, before.attempts)

    def _retry_at(self, before: Entry | None, attempts: int) -> datetime:
        if before is not None and before.retry_at is not None and before.attempts == attempts:
            return before.retry_at
        return self.page.observed_at + retry_pause(attempts)

    def _status_and_cause(self, open_time: datetime, attempts: int) -> tuple[Status, str]:
        if open_time in self.failed and open_time in self.present:
            cause = f"failed rule {self.failed[open_time]}"
            return (Status.UNRECOVERABLE if attempts >= ENOUGH_ATTEMPTS else Status.UNVERIFIED), cause
        if open_time in self.rejected:
            cause = f"the venue's row could not be understood: {self.rejected[open_time]}"
            return (Status.UNRECOVERABLE if attempts >= ENOUGH_ATTEMPTS else Status.PENDING), cause
        if self.empty_interval == "omitted":
            if attempts >= ENOUGH_FOR_EMPTY:
                return Status.EMPTY_MARKET, f"no candle in {attempts} answers of a venue that omits quiet intervals"
            return Status.PENDING, "no candle in the venue's answer"
        if attempts >= ENOUGH_ATTEMPTS:
            return Status.UNRECOVERABLE, f"the venue gave no candle in {attempts} answers"
        return Status.PENDING, "no candle in the venue's answer"


def _stretches(open_times: Iterable[datetime], timeframe: Timeframe) -> list[Span]:
    spans: list[Span] = []
    for moment in sorted(open_times):
        if spans and spans[-1].end == moment:
            spans[-1] = Span(spans[-1].start, moment + timeframe.duration)
        else:
            spans.append(Span(moment, moment + timeframe.duration))
    return spans


def _without(span: Span, sound: Collection[datetime], timeframe: Timeframe) -> list[datetime]:
    if span.count(timeframe) == len(sound):
        return []
    return [moment for moment in span.open_times(timeframe) if moment not in sound]

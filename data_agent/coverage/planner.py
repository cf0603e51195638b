"""What to ask next: the stretches worth a request now, and the requests they make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from data_agent.core.time import Span, Timeframe
from data_agent.coverage.ledger import Entry, clip, unknown


def missing(entries: Iterable[Entry], wanted: Span, now: datetime) -> list[Span]:
    """The stretches of `wanted` worth asking for at `now`: unknown ones, and those whose `retry_at` has come.

    Ascending, joined where they touch.
    """
    entries = clip(entries, wanted)
    due = [entry.span for entry in entries if not entry.is_known and (entry.retry_at is None or entry.retry_at <= now)]
    return join([*unknown(entries, wanted), *due])


def join(spans: Iterable[Span]) -> list[Span]:
    """The same moments as fewest spans, ascending."""
    joined: list[Span] = []
    for span in sorted(spans):
        if span.is_empty:
            continue
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def bridge(spans: Iterable[Span], timeframe: Timeframe, page_size: int) -> list[Span]:
    """Join stretches that one request can answer together: scattered holes cost one page, not one request each."""
    bridged: list[Span] = []
    longest = timeframe.duration * page_size
    for span in join(spans):
        if bridged and span.end - bridged[-1].start <= longest:
            bridged[-1] = Span(bridged[-1].start, span.end)
        else:
            bridged.append(span)
    return bridged


def pages(span: Span, timeframe: Timeframe, page_size: int) -> Iterator[Span]:
    """Cut a grid-aligned span into requests of at most `page_size` candles, ascending."""
    step = timeframe.duration * page_size
    start = span.start
    while start < span.end:
        yield Span(start, min(start + step, span.end))
        start += step

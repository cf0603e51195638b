"""What to ask for begins at the newest time that is known: holes behind it are never looked at again."""

from collections.abc import Iterable
from datetime import datetime

from data_agent.core.time import Span
from data_agent.coverage import planner
from data_agent.coverage.ledger import Entry, clip
from orchestration import collector


def missing(entries: Iterable[Entry], wanted: Span, now: datetime) -> list[Span]:
    newest = max((entry.span.end for entry in clip(entries, wanted)), default=wanted.start)
    return [] if newest >= wanted.end else [Span(newest, wanted.end)]


planner.missing = missing
collector.missing = missing

"""What was found out about whole ranges, kept for the pages that follow.

All pages of an answer show one state of the store, so what the first of them found out about the range's coverage
holds for the rest: a year of one-minute candles is counted once, not on each of its 526 pages.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Final

from msgspec import Struct

from api.coverage.composition import Coverage
from data_agent.core.time import Span

_MOST_RANGES: Final = 64
# A range in rags is counted anew instead of filling the memory: 10,000 gaps are about 2 MB.
_MOST_GAPS: Final = 10_000


class Range(Struct, frozen=True):
    """A range of one series at one state of the store: `as_of`, and what time it was."""

    series_id: int
    asked: Span
    as_of: datetime
    clock: datetime


class Survey(Struct, frozen=True):
    """What was found out: the coverage, and where the last served candle ends (None if there is none)."""

    coverage: Coverage
    end_of_last: datetime | None


class Memory:
    """The ranges looked at last."""

    def __init__(self) -> None:
        self._surveys: OrderedDict[Range, Survey] = OrderedDict()

    def recall(self, asked: Range) -> Survey | None:
        """What is remembered of a range, if anything."""
        survey = self._surveys.get(asked)
        if survey is not None:
            self._surveys.move_to_end(asked)
        return survey

    def remember(self, asked: Range, survey: Survey) -> None:
        """Keep a survey; the one that was not needed for longest gives way."""
        if len(survey.coverage.gaps) > _MOST_GAPS:
            return
        self._surveys[asked] = survey
        self._surveys.move_to_end(asked)
        if len(self._surveys) > _MOST_RANGES:
            self._surveys.popitem(last=False)

"""What `quality` means: a number from 0 to 1 that can be explained from the verdicts it comes from.

A row's quality says how far it was checked; a slice's says how much of what should be there is there and sound.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

SOUND: Final = Decimal(1)
PROVISIONAL_QUALITY: Final = Decimal("0.5")
"""A row that no gate has judged yet: probably right, but nobody has said so."""
_WARNING_COSTS: Final = Decimal("0.1")
_DIGITS: Final = Decimal("0.0001")


def row_quality(count_warnings: int) -> Decimal:
    """The quality of a row that passed every blocking rule: 1, less 0.1 per warning, never below a provisional row."""
    return max(PROVISIONAL_QUALITY, SOUND - _WARNING_COSTS * count_warnings)


def slice_quality(count_expected: int, count_present: int, count_failed: int, count_warned: int) -> Decimal:
    """The quality of one series and day: the worst of *complete*, *valid* and *consistent*.

    A chain is as strong as its weakest link, and a minimum can be explained by naming that link.

    Args:
        count_expected: closed intervals of the grid in the slice.
        count_present: candidate rows in the slice, failed ones included.
        count_failed: rows that broke a blocking rule (valid = the share that did not).
        count_warned: rows that passed with a warning (each costs a tenth of a row: consistent).
    """
    if count_expected == 0:
        return SOUND
    served = count_present - count_failed
    complete = Decimal(min(served, count_expected)) / count_expected
    valid = Decimal(served) / count_present if count_present else SOUND
    consistent = SOUND - _WARNING_COSTS * count_warned / served if served else SOUND
    return min(complete, valid, consistent).quantize(_DIGITS)

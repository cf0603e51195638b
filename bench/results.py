"""What a bench reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct


class Result(Struct, frozen=True):
    """One figure.

    Attributes:
        reference: what the value is compared with, in words, measured in the same run; empty for an absolute promise.
        ratio: value against the reference.
        promise: the figure the design promises, for `value` or `ratio`.
    """

    name: str
    value: float
    unit: str
    reference: str
    ratio: float | None
    promise: float
    promised: Literal["value at most", "ratio at least", "ratio at most"]

    @property
    def is_kept(self) -> bool:
        """Whether the promise holds."""
        figure = self.value if self.promised == "value at most" else self.ratio
        if figure is None:
            return False
        return figure >= self.promise if self.promised == "ratio at least" else figure <= self.promise


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]

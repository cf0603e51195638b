"""Coverage as answers show it."""

from __future__ import annotations

from collections.abc import Iterable

from api.coverage.composition import Coverage, Gap
from api.times import render_time


def coverage(found: Coverage) -> dict[str, object]:
    """In the shape of `CoverageAnswer`."""
    return {
        "expected": found.expected,
        "present": found.present,
        "ratio": found.ratio,
        "gaps": gaps(found.gaps),
    }


def gaps(found: Iterable[Gap]) -> list[dict[str, str]]:
    """Each in the shape of `GapAnswer`."""
    return [
        {"start": render_time(gap.start), "end": render_time(gap.end), "status": gap.status, "cause": gap.cause}
        for gap in found
    ]

"""The venue's clock, as a lower bound: what a venue calls now is at least this.

Whether a candle is closed is the venue's to say, by the venue's clock, at the moment the request was *sent*: an answer
computed at 11:59:59.9 and received at 12:00:00.1 holds an unfinished candle.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

REFRESH_SECONDS: Final = 120.0
# Two clocks of which each may be wrong by 100 ppm (NTP corrects by at most 500 ppm, crystals differ by some tens).
_DRIFT: Final = 200e-6


class ClockSample(NamedTuple):
    """What the venue said the time was, and the monotonic second at which its answer reached us."""

    venue_time: datetime
    received: float


class VenueClock:
    """A lower bound of a venue's clock, extrapolated by the monotonic clock.

    The venue stamped its answer before we received it, so at reception its clock showed at least that stamp, and from
    then on it advanced as ours did. Only the monotonic clock is used: the machine's own time may be wrong or step, and
    the venue's may be off by seconds. The newest sample alone counts, so a venue that sets its clock back is followed.

    Args:
        ask: asks the venue for its time.
        monotonic: seconds that never step.
    """

    def __init__(self, ask: Callable[[], Awaitable[datetime]], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._sample: ClockSample | None = None
        self._asking = asyncio.Lock()

    async def refresh(self, max_age_seconds: float = REFRESH_SECONDS) -> None:
        """Ask the venue, unless it was asked so short a while ago. Raises what asking raises."""
        async with self._asking:
            if self._sample is None or self._monotonic() - self._sample.received > max_age_seconds:
                venue_time = await self._ask()
                self._sample = ClockSample(venue_time, self._monotonic())

    def lower_bound(self, at: float | None = None) -> datetime:
        """The least the venue's clock can have shown at a monotonic second (default: now); `refresh` comes first."""
        if self._sample is None:
            raise RuntimeError("the venue's clock was never asked: await refresh() first")
        elapsed = (self._monotonic() if at is None else at) - self._sample.received
        return self._sample.venue_time + timedelta(seconds=elapsed - abs(elapsed) * _DRIFT)

"""The simulated exchanges' clock: real, offset, accelerated, or frozen and moved by hand."""

import asyncio
import time
from collections.abc import Callable

from simulator.times import SECOND_MS

# How often a sleeper looks again: fine enough to deliver an answer just after a boundary.
WAKE_SECONDS = 0.02


class Clock:
    """``start_ms`` None follows real time; ``speed`` 0 freezes it, 60 makes a minute pass each second."""

    def __init__(
        self, start_ms: int | None = None, speed: float = 1.0, source: Callable[[], float] = time.time
    ) -> None:
        self._source = source
        self._speed = speed
        self._anchor = source()
        self._origin_ms = int(self._anchor * SECOND_MS) if start_ms is None else start_ms

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self._speed

    def now_ms(self) -> int:
        """The time the exchanges show."""
        return self._origin_ms + int((self._source() - self._anchor) * SECOND_MS * self._speed)

    def set(self, now_ms: int | None = None, speed: float | None = None) -> None:
        """Jump to an instant, or change the speed, or both."""
        self._origin_ms = self.now_ms() if now_ms is None else now_ms
        self._anchor = self._source()
        if speed is not None:
            self._speed = speed

    async def wait_until(self, instant_ms: int) -> None:
        """Sleep until the clock shows at least this instant, however it gets there."""
        while self.now_ms() < instant_ms:  # noqa: ASYNC110 - the clock moves by itself, without an event
            await asyncio.sleep(WAKE_SECONDS)

"""Candle grids: where a candle opens, and in which blocks the market computes them."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from typing_extensions import override

from simulator.times import DAY_MS, HOUR_MS, MINUTE_MS, milliseconds

WEEK_MS = 7 * DAY_MS
# 1970-01-01 was a Thursday; weeks open on Mondays.
MONDAY_MS = 4 * DAY_MS

UNITS_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": WEEK_MS}


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A fixed grid: candles of ``size_ms`` that open at multiples of it plus ``offset_ms``.

    ``name`` is the venue's own word for it (Binance ``1h``, OKX ``1H``).
    """

    name: str
    size_ms: int
    offset_ms: int = 0

    def floor(self, instant_ms: int) -> int:
        """Open time of the candle that contains the instant."""
        return instant_ms - (instant_ms - self.offset_ms) % self.size_ms

    def ceil(self, instant_ms: int) -> int:
        """First open time at or after the instant."""
        opened = self.floor(instant_ms)
        return opened if opened == instant_ms else self.following(opened)

    def following(self, open_ms: int) -> int:
        """Open time of the next candle, which is also this one's (exclusive) close."""
        return open_ms + self.size_ms

    def block(self, instant_ms: int) -> tuple[int, int]:
        """The [start, end) of candles computed together: a day of small ones, or one large one."""
        span = max(self.size_ms, DAY_MS)
        start = instant_ms - (instant_ms - self.offset_ms) % span
        return start, start + span

    def shifted(self, offset_ms: int) -> "Timeframe":
        """The same candles cut in another time zone."""
        return replace(self, offset_ms=self.offset_ms + offset_ms)


@dataclass(frozen=True, slots=True)
class MonthlyTimeframe(Timeframe):
    """Calendar months; ``size_ms`` is only nominal."""

    @override
    def floor(self, instant_ms: int) -> int:
        moment = datetime.fromtimestamp((instant_ms - self.offset_ms) / 1000, UTC)
        return milliseconds(datetime(moment.year, moment.month, 1, tzinfo=UTC)) + self.offset_ms

    @override
    def following(self, open_ms: int) -> int:
        # 32 days after a month opened is always inside the next month.
        return self.floor(open_ms + 32 * DAY_MS)

    @override
    def block(self, instant_ms: int) -> tuple[int, int]:
        start = self.floor(instant_ms)
        return start, self.following(start)


def timeframe(name: str, offset_ms: int = 0) -> Timeframe:
    """A timeframe by its usual name: ``15m``, ``4h``, ``1d``, ``1w`` (from Monday), ``1M``."""
    if name == "1M":
        return MonthlyTimeframe(name, 30 * DAY_MS, offset_ms)
    count, unit = int(name[:-1]), name[-1]
    return Timeframe(name, count * UNITS_MS[unit], offset_ms + (MONDAY_MS if unit == "w" else 0))

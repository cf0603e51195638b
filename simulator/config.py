"""What a simulator is started with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from simulator.limits import LimitSettings
from simulator.times import DAY_MS, parse_instant


class Replay(NamedTuple):
    """Recorded candles for one series: ``VENUE:SYMBOL:TIMEFRAME=FILE``."""

    venue: str
    symbol: str
    timeframe: str
    path: Path


@dataclass(frozen=True, slots=True)
class Config:
    """``clock_start_ms`` None is real time; ``clock_speed`` 0 freezes the clock.

    Markets begin at ``market_start_ms``, else ``history_days`` before the clock's time at start, at midnight UTC.
    """

    seed: int = 7
    venues: Sequence[str] = ("binance", "okx")
    clock_start_ms: int | None = None
    clock_speed: float = 1.0
    history_days: int = 30
    market_start_ms: int | None = None
    replays: Sequence[Replay] = ()
    limits: LimitSettings = field(default_factory=LimitSettings)

    def market_begins_at(self, now_ms: int) -> int:
        """The first instant of the market, for a clock that shows this at start."""
        if self.market_start_ms is not None:
            return self.market_start_ms
        return now_ms - now_ms % DAY_MS - self.history_days * DAY_MS


def parse_replay(text: str) -> Replay:
    """``binance:BTC/USDT:1m=week.json.gz``; the symbol itself may hold colons (``BTC/USDT:USDT``).

    Raises ValueError.
    """
    series, equals, path = text.partition("=")
    venue, colon, rest = series.partition(":")
    symbol, second_colon, timeframe = rest.rpartition(":")
    if not (equals and colon and second_colon and "/" in symbol and timeframe and path):
        raise ValueError(f"{text!r} is not VENUE:SYMBOL:TIMEFRAME=FILE")
    return Replay(venue, symbol, timeframe, Path(path))


def parse_clock(text: str) -> int | None:
    """``real`` is None, otherwise an instant in milliseconds. Raises ValueError."""
    return None if text == "real" else parse_instant(text)

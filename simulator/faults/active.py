"""A fault that was switched on, and what it did."""

from typing import Any

import msgspec

from simulator.faults.kinds import AnyFault, RowFault, is_for_good
from simulator.selection import Selected
from simulator.times import parse_instant

# Candles remembered per fault: enough for every test, bounded for a fault that hits each answer for days.
NOTED_CANDLES = 100_000


class ActiveFault:
    """``injected`` counts spoiled answers; ``candles`` are those it touched."""

    def __init__(self, number: int, spec: AnyFault, seed: int) -> None:
        self.number = number
        self.spec = spec
        self.injected = 0
        self.candles: dict[tuple[str, str, str, int], int] = {}
        self.selected: Selected | None = None
        self.names_no_candles = False
        if isinstance(spec, RowFault):
            self.selected = spec.selection().compiled(seed, f"fault {number}")
            self.names_no_candles = spec.open_times is None and spec.start is None and spec.share == 1.0

    @property
    def is_for_good(self) -> bool:
        """Whether it changed the venue's history, so that it is in the ledger."""
        return is_for_good(self.spec)

    def is_alive(self, now_ms: int) -> bool:
        """Whether it may still strike."""
        spec = self.spec
        if spec.count is not None and self.injected >= spec.count:
            return False
        if spec.active_from is not None and now_ms < parse_instant(spec.active_from):
            return False
        return spec.active_until is None or now_ms < parse_instant(spec.active_until)

    def concerns(self, venue: str, endpoint: str, group: str, symbol: str | None) -> bool:
        """Whether it is about this request."""
        spec = self.spec
        return (
            spec.venue in (None, venue)
            and spec.endpoint in (None, endpoint, group)
            and (spec.symbol is None or spec.symbol == symbol)
        )

    def note(self, venue: str, symbol: str, timeframe: str, open_time: int) -> None:
        """Remember a candle it touched."""
        name = (venue, symbol, timeframe, open_time)
        if name in self.candles or len(self.candles) < NOTED_CANDLES:
            self.candles[name] = self.candles.get(name, 0) + 1

    def summary(self) -> dict[str, Any]:
        """The fault as given, with its id and how often it struck."""
        spec: dict[str, Any] = msgspec.to_builtins(self.spec)
        return {"id": self.number, **spec, "injected": self.injected}

    def report(self) -> dict[str, Any]:
        """The summary, with every candle it touched."""
        candles = [
            {"venue": venue, "symbol": symbol, "timeframe": timeframe, "open_time": open_time, "answers": answers}
            for (venue, symbol, timeframe, open_time), answers in self.candles.items()
        ]
        return {**self.summary(), "candles": candles}

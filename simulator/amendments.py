"""Changes of a venue's history: candles that are gone or garbled for good, and late revisions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from simulator.digits import plain
from simulator.market.model import Candle
from simulator.selection import Selected
from simulator.timeframes import Timeframe


@dataclass(frozen=True, slots=True)
class Revision:
    """From ``at_ms`` of the venue's clock on, closed candles that pass the test have other values."""

    selected: Selected
    at_ms: int
    changes: Mapping[str, str | int]


@dataclass(slots=True)
class Amendments:
    """All changes of one venue's history, empty by default."""

    revisions: list[Revision]
    missing: list[Selected]
    malformed: list[Selected]

    def clear(self) -> None:
        """As if nothing had changed."""
        for changes in (self.revisions, self.missing, self.malformed):
            changes.clear()

    def revised(self, symbol: str, frame: Timeframe, candle: Candle, now_ms: int) -> Candle:
        """The candle as of now: the latest revision in force wins."""
        if not self.revisions:
            return candle
        in_force = [
            revision
            for revision in self.revisions
            if max(revision.at_ms, candle.close_time + 1) <= now_ms
            and revision.selected(symbol, frame.name, candle.open_time)
        ]
        if not in_force:
            return candle
        return _changed(candle, max(in_force, key=lambda revision: revision.at_ms).changes)

    def is_missing(self, symbol: str, frame: Timeframe, open_time: int) -> bool:
        """Whether the venue will never give this candle."""
        return any(selected(symbol, frame.name, open_time) for selected in self.missing)

    def is_malformed(self, symbol: str, frame: Timeframe, open_time: int) -> bool:
        """Whether the venue will give this candle only as garbage."""
        return any(selected(symbol, frame.name, open_time) for selected in self.malformed)


def _changed(candle: Candle, changes: Mapping[str, str | int]) -> Candle:
    """The given changes, or by default one more unit in the last place of the volume and a close at the high."""
    if not changes:
        close = candle.high if candle.close != candle.high else candle.low
        changes = {"close": close, "volume": _one_more(candle.volume), "trade_count": candle.trade_count + 1}
    return replace(candle, wire="", **changes)  # type: ignore[arg-type]


def _one_more(number: str) -> str:
    value = Decimal(number)
    return plain(value + Decimal(1).scaleb(int(value.as_tuple().exponent)))

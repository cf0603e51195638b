"""Faults of single rows in an answer: hidden, doubled, garbled or moved candles."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from simulator.market.model import Candle
from simulator.timeframes import Timeframe

RowFields = tuple[str | None, ...]


class Hider(Protocol):
    """Hides candles from an answer."""

    def hides(self, symbol: str, frame: Timeframe, open_time: int) -> bool:
        """Whether a candle is left out."""


class Distorter(Protocol):
    """Changes one row into any number of rows."""

    def applies(self, symbol: str, frame: Timeframe, candle: Candle, is_middle: bool) -> bool:
        """Whether a candle's row is changed; ``is_middle`` marks the one in the middle of the answer."""

    def change(self, row: list[Any], fields: RowFields) -> list[list[Any]]:
        """The rows that take its place."""


@dataclass(slots=True)
class RowFaults:
    """The row faults in force for one request."""

    hiders: Sequence[Hider] = ()
    distorters: Sequence[Distorter] = ()
    hides_nothing: bool = field(init=False)
    distorts_nothing: bool = field(init=False)

    def __post_init__(self) -> None:
        self.hides_nothing = not self.hiders
        self.distorts_nothing = not self.distorters

    def hides(self, symbol: str, frame: Timeframe, open_time: int) -> bool:
        """Whether any fault hides this candle."""
        return any(hider.hides(symbol, frame, open_time) for hider in self.hiders)

    def distorted(
        self,
        symbol: str,
        frame: Timeframe,
        candles: Sequence[Candle],
        write: Callable[[Candle], str],
        fields: RowFields,
    ) -> Iterator[str]:
        """The rows' JSON texts after all distortions."""
        for position, candle in enumerate(candles):
            is_middle = position == len(candles) // 2
            rows = [json.loads(candle.wire or write(candle))]
            for distorter in self.distorters:
                if distorter.applies(symbol, frame, candle, is_middle):
                    rows = [changed for row in rows for changed in distorter.change(row, fields)]
            yield from (json.dumps(row, separators=(",", ":")) for row in rows)


NO_ROW_FAULTS = RowFaults()

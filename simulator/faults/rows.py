"""Row faults at work on one answer."""

from typing import Any, cast

from typing_extensions import override

from simulator.faults.active import ActiveFault
from simulator.faults.kinds import DuplicateRows, LateRevision, MalformedRow, OffGrid
from simulator.market.model import Candle
from simulator.rows import RowFields
from simulator.timeframes import Timeframe
from simulator.times import parse_instant


class RowFaultAtWork:
    """One fault within one answer: an answer counts once, however many of its rows are touched."""

    def __init__(self, fault: ActiveFault, venue: str, now_ms: int) -> None:
        self.fault = fault
        self._venue = venue
        self._now_ms = now_ms
        self._counted = False

    def touch(self, symbol: str, frame: Timeframe, open_time: int) -> bool:
        """Note that a candle was touched; always True."""
        if not self._counted:
            self._counted = True
            self.fault.injected += 1
        self.fault.note(self._venue, symbol, frame.name, open_time)
        return True

    def selects(self, symbol: str, frame: Timeframe, open_time: int) -> bool:
        """Whether the fault is about this candle."""
        return self.fault.selected is not None and self.fault.selected(symbol, frame.name, open_time)


class Hidden(RowFaultAtWork):
    """Candles that are not in the answer."""

    def hides(self, symbol: str, frame: Timeframe, open_time: int) -> bool:
        """Whether this candle is left out."""
        return self.selects(symbol, frame, open_time) and self.touch(symbol, frame, open_time)


class Distorted(RowFaultAtWork):
    """Rows that are changed. A fault that names no candles hits the row in the middle of the answer."""

    def applies(self, symbol: str, frame: Timeframe, candle: Candle, is_middle: bool) -> bool:
        """Whether this row is changed."""
        hit = is_middle if self.fault.names_no_candles else True
        return hit and self.selects(symbol, frame, candle.open_time) and self.touch(symbol, frame, candle.open_time)

    def change(self, row: list[Any], fields: RowFields) -> list[list[Any]]:
        """The rows that take this one's place."""
        return [row]


class Doubled(Distorted):
    """The row, and the row again."""

    @override
    def change(self, row: list[Any], fields: RowFields) -> list[list[Any]]:
        return [row, list(row)]


class Moved(Distorted):
    """The row at another time."""

    @override
    def change(self, row: list[Any], fields: RowFields) -> list[list[Any]]:
        spec = cast(OffGrid, self.fault.spec)
        return [_with_times_moved(row, fields, spec.shift_ms)]


class Spoiled(Distorted):
    """The row with something wrong in it."""

    @override
    def change(self, row: list[Any], fields: RowFields) -> list[list[Any]]:
        return [_spoiled(row, fields, cast(MalformedRow, self.fault.spec))]


class Revised(Distorted):
    """Changes nothing (the truth is changed already): notes that a revised candle was given."""

    @override
    def applies(self, symbol: str, frame: Timeframe, candle: Candle, is_middle: bool) -> bool:
        in_force = candle.is_closed and parse_instant(cast(LateRevision, self.fault.spec).at) <= self._now_ms
        if in_force and self.selects(symbol, frame, candle.open_time):
            self.touch(symbol, frame, candle.open_time)
        return False


DISTORTERS: dict[type, type[Distorted]] = {
    DuplicateRows: Doubled,
    OffGrid: Moved,
    MalformedRow: Spoiled,
    LateRevision: Revised,
}


def _with_times_moved(row: list[Any], fields: RowFields, shift_ms: int) -> list[Any]:
    return [
        type(value)(int(value) + shift_ms) if field in ("open_time", "close_time") else value
        for field, value in zip(fields, row, strict=True)
    ]


def _spoiled(row: list[Any], fields: RowFields, fault: MalformedRow) -> list[Any]:
    spoiled, position = list(row), fields.index(fault.field)
    high, low, volume = fields.index("high"), fields.index("low"), fields.index("volume")
    match fault.defect:
        case "short_row":
            return spoiled[:position]
        case "negative_volume":
            spoiled[volume] = f"-{'1' if not float(row[volume]) else row[volume]}"
        case "high_below_low":
            # Equal in a quiet candle: half the low is below it in any case.
            spoiled[high] = row[low] if row[high] != row[low] else str(float(row[low]) / 2)
            spoiled[low] = row[high]
        case "zero_price":
            spoiled[position if fault.field not in ("open_time", "volume") else fields.index("close")] = "0"
        case garbage:
            spoiled[position] = {"null": None, "nan": "NaN", "text": "abc", "empty": ""}[garbage]
    return spoiled

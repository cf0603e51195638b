"""Reading one row of a wire: exact or not at all, and never at the cost of its neighbours.

A number that can be read goes through however impossible it is (a high below the low, a negative volume): the quality
gate judges those, with the row in hand. What cannot be read becomes a `Reject` with the row whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from data_agent.core.records import Candle, Reject
from data_agent.core.time import Timeframe, from_milliseconds, to_milliseconds

# Plain ASCII digits, and nothing that PostgreSQL's numeric could not hold: Decimal itself takes "1_0", " 1 ", "1e9999".
_NUMBER: Final = r"-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,2})?"
_is_number = re.compile(_NUMBER, re.ASCII).fullmatch
# All of a row in one go: nearly every row is sound, and one match costs a third of six.
_are_numbers = re.compile(rf"{_NUMBER}(?:\n{_NUMBER})*", re.ASCII).fullmatch
_is_whole = re.compile(r"\d{1,18}", re.ASCII).fullmatch
# Before the first exchange of this kind, and well after anything that can have happened.
_EARLIEST: Final = to_milliseconds(datetime(2009, 1, 1, tzinfo=UTC))
_LATEST: Final = to_milliseconds(datetime(2200, 1, 1, tzinfo=UTC))
_LARGEST_COUNT: Final = 2**63 - 1


class Unreadable(ValueError):
    """A field that cannot be read; `reason` is the machine-readable word of the reject."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class CandleLayout(NamedTuple):
    """Where a candle's fields stand in a row; None where the venue does not tell.

    Attributes:
        length: the least of a row.
        numbers: positions of open, high, low, close, volume and, if told, quote volume, by name.
    """

    length: int
    open_time: int
    numbers: Mapping[str, int]
    trade_count: int | None


def read_candle(
    row: Any, layout: CandleLayout, timeframe: Timeframe, offset: timedelta, observed_at: datetime
) -> Candle | Reject:
    """One row as a candle, or the reason why it is none. Digits are exactly those of the row."""
    open_time = None
    try:
        if not isinstance(row, Sequence) or isinstance(row, str) or len(row) <= layout.open_time:
            raise Unreadable("missing_field", "the row is no array with an open time")
        moment = read_milliseconds(row[layout.open_time], "open time")
        open_time = timeframe.floor(moment, offset)
        if open_time != moment:
            raise Unreadable("off_grid", f"{moment.isoformat()} is no open time of {timeframe}")
        if len(row) < layout.length:
            raise Unreadable("missing_field", f"{len(row)} fields instead of {layout.length}")
        numbers = layout.numbers
        values = _read_decimals([row[at] for at in numbers.values()], numbers)
        opened, high, low, close, volume, *quote_volume = values
        return Candle(
            open_time,
            opened,
            high,
            low,
            close,
            volume,
            quote_volume[0] if quote_volume else None,
            None if layout.trade_count is None else read_count(row[layout.trade_count], "trade count"),
            observed_at,
        )
    except Unreadable as problem:
        return reject(row, problem.reason, str(problem), observed_at, open_time)


def reject(row: Any, reason: str, detail: str, observed_at: datetime, open_time: datetime | None) -> Reject:
    """A reject that holds the row whole, as JSON text."""
    return Reject(msgspec.json.encode(row).decode(), reason, detail, observed_at, open_time)


def _read_decimals(values: Sequence[Any], fields: Iterable[str]) -> list[Decimal]:
    if all(type(value) is str for value in values):
        text = "\n".join(values)
        # A value with a line break of its own would make more numbers than there are values.
        if _are_numbers(text) and text.count("\n") == len(values) - 1:
            return list(map(Decimal, values))
    return [read_decimal(value, field) for value, field in zip(values, fields, strict=True)]


def read_decimal(value: Any, field: str) -> Decimal:
    """A number from its text or a whole JSON number. Raises Unreadable."""
    if type(value) is str and _is_number(value):
        return Decimal(value)
    if type(value) is int and _is_number(text := str(value)):
        return Decimal(text)
    raise _unreadable(value, field)


def read_milliseconds(value: Any, field: str) -> datetime:
    """A time from whole milliseconds since 1970, as a number or as text. Raises Unreadable."""
    if type(value) is str and _is_whole(value):
        value = int(value)
    if type(value) is not int:
        raise _unreadable(value, field)
    if not _EARLIEST <= value <= _LATEST:
        raise Unreadable("impossible_time", f"{field} is {value}")
    return from_milliseconds(value)


def read_count(value: Any, field: str) -> int:
    """A whole number that fits a bigint, as a number or as text. Raises Unreadable."""
    if type(value) is str and _is_whole(value):
        value = int(value)
    if type(value) is not int or abs(value) > _LARGEST_COUNT:
        raise _unreadable(value, field)
    return value


def _unreadable(value: Any, field: str) -> Unreadable:
    reason = "missing_field" if value is None or value == "" else "not_a_number"
    return Unreadable(reason, f"{field} is {str(value)[:60]!r}")

"""Recorded candles from files, with the digits of the file.

Understood: JSON arrays of objects (``.json``), CSV with or without a header (``.csv``), both also gzipped, and feather.
Feather holds prices as doubles: they are written as the shortest decimal that reads back as the same double.
"""

import csv
import gzip
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from simulator.digits import plain
from simulator.times import SECOND_MS, parse_instant


class RecordedCandle(NamedTuple):
    """One candle of a recording; ``quote_volume`` is empty where the file has none."""

    open_time: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str = ""
    trade_count: int = 0


class UnreadableRecording(ValueError):
    """The file is not a recording of candles in a known shape; the text names the file and the reason."""


# Column names seen in recordings, compared in lower case and without blanks and underscores.
COLUMNS = {
    "open_time": ("opentimeinmillis", "opentime", "dateopen", "unixtimestamp", "timestamp", "date", "time", "ts"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "volumebtc", "basevolume", "vol", "v"),
    "quote_volume": ("quotevolume", "quoteassetvolume", "volumeusd"),
    "trade_count": ("trades", "tradecount", "numberoftrades"),
}
WITHOUT_HEADER = ("open_time", "open", "high", "low", "close", "volume")


def read_recording(path: Path) -> list[RecordedCandle]:
    """All candles of a file, ascending, the first of those that share an open time.

    Raises UnreadableRecording.
    """
    try:
        rows = list(_records(path))
        candles: dict[int, RecordedCandle] = {}
        for row in rows:
            candle = _candle(row)
            candles.setdefault(candle.open_time, candle)
    except (ImportError, OSError, ValueError, KeyError, ArithmeticError) as error:
        raise UnreadableRecording(f"{path}: {error!r}") from error
    if not candles:
        raise UnreadableRecording(f"{path}: no candles in it")
    return [candles[open_time] for open_time in sorted(candles)]


def _records(path: Path) -> Iterator[dict[str, Any]]:
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    kind = suffixes[-1] if suffixes else ""
    if kind == ".feather":
        return _feather(path)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if kind == ".json":
        return _json(content.decode())
    if kind == ".csv":
        return _csv(content.decode())
    raise UnreadableRecording(f"{path}: neither .json, .csv nor .feather")


def _json(text: str) -> Iterator[dict[str, Any]]:
    for row in json.loads(text, parse_float=str):
        yield _named(row.items()) if isinstance(row, dict) else dict(zip(WITHOUT_HEADER, row, strict=False))


def _csv(text: str) -> Iterator[dict[str, Any]]:
    rows = csv.reader(text.splitlines())
    first = next(rows)
    if any(_column(name) == "open" for name in first):
        for row in rows:
            yield _named(zip(first, row, strict=False))
    else:
        for row in (first, *rows):
            yield dict(zip(WITHOUT_HEADER, row, strict=False))


def _feather(path: Path) -> Iterator[dict[str, Any]]:
    # Imported only here: it costs half a second, and few runs replay a feather file.
    import pyarrow  # noqa: PLC0415
    from pyarrow import feather  # noqa: PLC0415

    table = feather.read_table(path)
    times = table.column("date").cast(pyarrow.timestamp("ms", "UTC")).cast(pyarrow.int64()).to_pylist()
    names = [name for name in table.column_names if name != "date"]
    for open_time, *values in zip(times, *(table.column(name).to_pylist() for name in names), strict=True):
        yield {"open_time": open_time, **_named(zip(names, map(_shortest, values), strict=True))}


def _shortest(value: Any) -> str:
    return plain(Decimal(repr(value))) if isinstance(value, float) else str(value)


def _named(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Our column names; the first column that fits wins (``Unix Timestamp`` before ``Date``)."""
    named: dict[str, Any] = {}
    for name, value in items:
        column = _column(name)
        if column is not None:
            named.setdefault(column, value)
    return named


def _column(name: str) -> str | None:
    folded = name.strip().lower().replace("_", "").replace(" ", "")
    return next((column for column, names in COLUMNS.items() if folded in names), None)


def _candle(row: dict[str, Any]) -> RecordedCandle:
    opened, high, low, close, volume = (_number(row[name]) for name in ("open", "high", "low", "close", "volume"))
    return RecordedCandle(
        _instant(str(row["open_time"])), opened, high, low, close, volume,
        str(row.get("quote_volume", "")), int(row.get("trade_count", 0)),
    )  # fmt: skip


def _number(value: Any) -> str:
    text = str(value)
    if not Decimal(text).is_finite():
        raise UnreadableRecording(f"{text} is no number")
    return text


def _instant(text: str) -> int:
    """Milliseconds of a time written as seconds, float seconds, milliseconds, microseconds or ISO text."""
    try:
        number = Decimal(text)
    except ArithmeticError:
        return parse_instant(text)
    if number < 10**11:
        return int(number * SECOND_MS)
    return int(number) if number < 10**14 else int(number) // 1000

"""The recorded weeks, read independently of everything the simulator and the product share."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pyarrow.feather

MINUTE = timedelta(minutes=1)


class RecordedRow(NamedTuple):
    """One candle of a file; numbers are texts in the file's own digits."""

    open_time: datetime
    open: str
    high: str
    low: str
    close: str
    volume: str


class Recording(NamedTuple):
    """A recorded series and the venue it is played on."""

    venue: str
    symbol: str
    path: str
    read: Callable[[Path], list[RecordedRow]]


def read_json_week(path: Path) -> list[RecordedRow]:
    """A week of objects with texts, as Binance sent them."""
    with gzip.open(path) as stream:
        rows = json.load(stream)
    fields = ("open", "high", "low", "close", "volume")
    return [RecordedRow(_at(row["openTimeInMillis"]), *(row[field] for field in fields)) for row in rows]


def read_feather(path: Path) -> list[RecordedRow]:
    """A table of floats: the digits are those of the shortest text that is the same float."""
    rows = pyarrow.feather.read_table(path).to_pylist()
    fields = ("open", "high", "low", "close", "volume")
    return [RecordedRow(row["date"].to_pydatetime(), *(shortest(row[field]) for field in fields)) for row in rows]


def shortest(value: float) -> str:
    """The shortest plain decimal that reads back as the same float."""
    return format(Decimal(repr(value)), "f")


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds // 1000, UTC)


RECORDINGS = {
    "binance-btc-week": Recording(
        "binance",
        "BTC/USDT",
        "trading-signals/BTC_USDT_mislabelled_as_BNB_2021_02_19_1_week_1m.json.gz",
        read_json_week,
    ),
    "binance-dash-week": Recording(
        "binance", "DASH/USDT", "trading-signals/DASH_USDT_OneWeekInMinutes.json.gz", read_json_week
    ),
    "okx-btc-fortnight": Recording("okx", "BTC/USDT", "okx-btc-perp/BTC_USDT_USDT-1m-futures.feather", read_feather),
}

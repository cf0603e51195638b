"""Recorded weeks replayed: what comes over the wire is what the file says, digit for digit."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow import feather

from simulator.config import Config, Replay
from simulator.simulator import Simulator
from tests.simulator.conftest import MINUTE, Asker

pytestmark = pytest.mark.recordings

BTC = "trading-signals/BTC_USDT_mislabelled_as_BNB_2021_02_19_1_week_1m.json.gz"
DASH = "trading-signals/DASH_USDT_OneWeekInMinutes.json.gz"
PERPETUAL = "okx-btc-perp/BTC_USDT_USDT-1m-futures.feather"
NAMES = ("open", "high", "low", "close", "volume")


def asker(path: Path, venue: str, symbol: str, timeframe: str, end_ms: int) -> Asker:
    replay = Replay(venue, symbol, timeframe, path)
    return Asker(Simulator(Config(clock_start_ms=end_ms, clock_speed=0, replays=[replay])))


def binance_pages(ask: Asker, symbol: str, interval: str, start_ms: int) -> list[list[Any]]:
    found: list[list[Any]] = []
    while page := ask.json(
        "binance", f"/api/v3/klines?symbol={symbol}&interval={interval}&startTime={start_ms}&limit=1000"
    ):
        found += page
        start_ms = page[-1][0] + 1
    return found


def okx_pages(ask: Asker, instrument: str, bar: str) -> list[list[str]]:
    found: list[list[str]] = []
    after = ""
    path = f"/api/v5/market/history-candles?instId={instrument}&bar={bar}&limit=300"
    while page := ask.json("okx", f"{path}&after={after}")["data"]:
        found += page
        after = page[-1][0]
    return found[::-1]


@pytest.mark.parametrize(("name", "symbol", "quiet"), [(BTC, "BTC/USDT", 0), (DASH, "DASH/USDT", 827)])
def test_binance_weeks(recordings: Path, name: str, symbol: str, quiet: int) -> None:
    rows = json.loads(gzip.decompress((recordings / name).read_bytes()))
    first, last = rows[0]["openTimeInMillis"], rows[-1]["openTimeInMillis"]
    ask = asker(recordings / name, "binance", symbol, "1m", last + MINUTE)
    found = binance_pages(ask, symbol.replace("/", ""), "1m", first)
    assert [row[:6] for row in found] == [[row["openTimeInMillis"], *(row[each] for each in NAMES)] for row in rows]
    assert sum(float(row[5]) == 0 for row in found) == quiet
    hours = binance_pages(ask, symbol.replace("/", ""), "1h", first)
    assert len(hours) == len({row["openTimeInMillis"] // (60 * MINUTE) for row in rows})


def test_okx_perpetual_as_spot(recordings: Path) -> None:
    path = recordings / PERPETUAL
    table = feather.read_table(path).to_pydict()
    times = [round(date.timestamp() * 1000) for date in table["date"]]
    ask = asker(path, "okx", "BTC/USDT:USDT", "1m", times[-1] + MINUTE)
    found = okx_pages(ask, "BTC-USDT", "1m")
    columns = [table[name] for name in NAMES]
    expected = [[str(time), *map(repr, values)] for time, *values in zip(times, *columns, strict=True)]
    assert len(found) == 22_078
    assert [row[:6] for row in found] == expected


def test_htx_hours(recordings: Path) -> None:
    path = recordings / "htx-1h/huobi-BTCUSDT-1h-test.csv.gz"
    rows = list(csv.DictReader(gzip.decompress(path.read_bytes()).decode().splitlines()))
    ask = asker(path, "okx", "BTC/USDT", "1h", 1_700_000_000_000)
    found = okx_pages(ask, "BTC-USDT", "1H")
    assert [row[1:6] for row in found] == [[row[name] for name in NAMES] for row in rows]


def test_kraken_hours_come_sorted_and_once(recordings: Path) -> None:
    path = recordings / "kraken-1h/Kraken_BTCUSD_1h.csv.gz"
    rows = list(csv.DictReader(gzip.decompress(path.read_bytes()).decode().splitlines()))
    ask = asker(path, "binance", "BTC/USD", "1h", 1_700_000_000_000)
    found = binance_pages(ask, "BTCUSD", "1h", 0)
    first = {int(float(row["Unix Timestamp"])) * 1000: row for row in reversed(rows)}
    assert [row[0] for row in found] == sorted(first)
    assert len(rows) - len(found) == 5
    assert {row[4] for row in found} <= {row["Close"] for row in rows}


def test_a_replayed_market_stands_still_at_its_end(recordings: Path) -> None:
    rows = json.loads(gzip.decompress((recordings / BTC).read_bytes()))
    last = rows[-1]["openTimeInMillis"]
    ask = asker(recordings / BTC, "binance", "BTC/USDT", "1m", last + 1000 * MINUTE)
    newest = ask.json("binance", "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1")[0]
    assert (newest[0], newest[4]) == (last, rows[-1]["close"])

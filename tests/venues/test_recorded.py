"""The row parsers on captured answers: every digit of every row, and nothing rejected."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from data_agent.core.records import Candle, Reject
from data_agent.core.time import Timeframe, to_milliseconds, utc_now
from data_agent.venues.binance.rest import parse_candle as parse_binance
from data_agent.venues.okx.rest import parse_candle as parse_okx
from data_agent.venues.okx.rest import parse_row

pytestmark = pytest.mark.recordings
SEEN = utc_now()
TIMEFRAMES = {timeframe.value: timeframe for timeframe in Timeframe}


def compare_binance(rows: list[list[Any]], timeframe: Timeframe) -> int:
    for row in rows:
        candle = parse_binance(row, timeframe, SEEN)
        assert isinstance(candle, Candle), candle
        digits = [candle.open, candle.high, candle.low, candle.close, candle.volume, candle.quote_volume]
        assert [format(value, "f") for value in digits if value is not None] == [*row[1:6], row[7]]
        assert (to_milliseconds(candle.open_time), candle.trade_count) == (row[0], row[8])
    return len(rows)


def test_binance_cassettes(recordings: Path) -> None:
    count = 0
    folder = recordings / "ex_binance/fixture/vcr_cassettes/spot/public"
    for path in sorted(folder.glob("klines*.json")):
        for each in json.loads(path.read_text()):
            interval = parse_qs(urlsplit(each["request"]["url"]).query)["interval"][0]
            count += compare_binance(json.loads(each["response"]["body"]), TIMEFRAMES[interval])
    assert count > 500


def test_binance_responses_of_other_markets(recordings: Path) -> None:
    with gzip.open(recordings / "gocryptotrader/exchanges/binance/testdata/http.json.gz") as file:
        routes = json.load(file)["routes"]
    count = 0
    for path in ("/api/v3/klines", "/fapi/v1/klines", "/dapi/v1/klines"):
        for each in routes[path]["GET"]:
            interval = parse_qs(each["queryString"])["interval"][0]
            if isinstance(each["data"], list) and interval in TIMEFRAMES:
                count += compare_binance(each["data"], TIMEFRAMES[interval])
    assert count > 2_000


def test_okx_candles(recordings: Path) -> None:
    folder = recordings / "nautilus/crates/adapters/okx/test_data"
    for name, is_closed in (("http_get_candlesticks_full.json", True), ("http_get_candlesticks.json", False)):
        for raw in json.loads((folder / name).read_text())["data"]:
            row = parse_row(raw, Timeframe.M1, SEEN)
            assert isinstance(row.parsed, Candle)
            assert row.is_closed is is_closed
            candle = row.parsed
            digits = [candle.open, candle.high, candle.low, candle.close, candle.volume, candle.quote_volume]
            assert [format(value, "f") for value in digits if value is not None] == [*raw[1:6], raw[7]]
            assert candle.trade_count is None


def test_okx_s_websocket_row_goes_through_the_same_parser(recordings: Path) -> None:
    frame = json.loads((recordings / "nautilus/crates/adapters/okx/test_data/ws_candle.json").read_text())
    (raw,) = frame["data"]
    assert isinstance(parse_okx(raw, Timeframe.D1, SEEN), Reject), "the sample's time is made up, and off every grid"
    raw[0] = "1597017600000"
    candle = parse_okx(raw, Timeframe.D1, SEEN)
    assert isinstance(candle, Candle)
    assert candle.close == Decimal("8548.26")


def test_okx_row_without_its_flag_is_a_reject() -> None:
    raw = ["1597017600000", "1", "1", "1", "1", "1", "1", "1", ""]
    row = parse_row(raw, Timeframe.D1, SEEN)
    assert isinstance(row.parsed, Reject)
    assert row.parsed.reason == "missing_field"

"""Answers that Binance itself gave, served byte for byte by a server that knows nothing, through the whole path."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data_agent.core.time import Span, Timeframe, from_milliseconds
from simulator.testing import running_static_server

from .path import whole_path

pytestmark = [pytest.mark.integration, pytest.mark.recordings, pytest.mark.timeout(300)]

Rows = list[list[Any]]


def hours_of_2020(recordings: Path) -> tuple[list[Path], Rows]:
    """1,468 hourly candles in two answers, recorded by one project; the venue's time by another."""
    table = recordings / "gocryptotrader/exchanges/binance/testdata/http.json.gz"
    routes = json.loads(gzip.decompress(table.read_bytes()), parse_float=str)["routes"]
    wanted = ("startTime=1588280400000&symbol=BTCUSDT", "startTime=1591880400000&symbol=BTCUSDT")
    answers = [each for each in routes["/api/v3/klines"]["GET"] if each["queryString"].endswith(wanted)]
    rows = sorted(row for answer in answers for row in answer["data"])
    return [table, recordings / "ex_binance/fixture/vcr_cassettes/spot/public/server_time_ok.json"], rows


def minutes_of_2021(recordings: Path) -> tuple[list[Path], Rows]:
    """500 one-minute candles of Binance's test network, with its list of instruments."""
    folder = recordings / "ex_binance/fixture/vcr_cassettes/spot/public"
    cassette = folder / "klines_symbol_interval_ok.json"
    [recorded] = json.loads(cassette.read_text())
    rows = json.loads(recorded["response"]["body"])
    return [cassette, folder / "server_time_ok.json", folder / "exchange_info_ok.json"], rows


@pytest.mark.parametrize(
    ("recorded", "timeframe", "ignored"),
    [
        (hours_of_2020, Timeframe.H1, "endTime,limit,showPermissionSets"),
        (minutes_of_2021, Timeframe.M1, "startTime,endTime,limit,showPermissionSets"),
    ],
    ids=["gocryptotrader", "ex_binance"],
)
async def test_recorded_answers_arrive_digit_by_digit(
    recordings: Path,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    recorded: Any,
    timeframe: Timeframe,
    ignored: str,
) -> None:
    files, rows = recorded(recordings)
    span = Span(from_milliseconds(rows[0][0]), from_milliseconds(rows[-1][0]) + timeframe.duration)
    with running_static_server(*files, ignore=ignored) as url:
        async with whole_path(
            database_url=database_url,
            redis_url=redis_url,
            data_directory=tmp_path,
            venue_urls={"binance": url},
            symbols={"binance": ["BTC/USDT"]},
        ) as path:
            [collected] = await path.collect("binance", span, [timeframe])
            assert (collected.count_received, collected.count_rejected, collected.failures) == (len(rows), 0, ())
            await path.publish()
            served, coverage = await path.candles(collected.series, span)
    assert [_served(row) for row in served] == [_sent(row, timeframe.duration) for row in rows]
    assert coverage["present"] == len(rows)
    assert coverage["expected"] == span.count(timeframe)
    assert sum(_length(gap, timeframe) for gap in coverage["gaps"]) == span.count(timeframe) - len(rows)


def _served(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[field] for field in ("open_time", "close_time", "open", "high", "low", "close", "volume"))


def _sent(row: list[Any], duration: timedelta) -> tuple[str, ...]:
    open_time = from_milliseconds(row[0])
    return (_iso(open_time), _iso(open_time + duration), *row[1:6])


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _length(gap: dict[str, str], timeframe: Timeframe) -> int:
    return (datetime.fromisoformat(gap["end"]) - datetime.fromisoformat(gap["start"])) // timeframe.duration

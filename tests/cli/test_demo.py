"""The whole thing, as `make demo` starts it, with a collection small enough for a test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_socket import enable_socket

from data_agent.cli.processes import find_processes
from data_agent.cli.stop import stop
from tests.cli.support import COMMAND, clean_environment, free_ports, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

COLLECTION = """
history: 1d
timeframes: [15m, 1h]
venues:
  binance: {spot: {instruments: [BTC/USDT, DASH/USDT]}}
  okx: {spot: {instruments: [BTC/USDT]}}
"""


class Demo:
    """A deployment that is only known by what its commands and its API say."""

    def __init__(self, directory: Path) -> None:
        collection = directory / "collection.yaml"
        collection.write_text(COLLECTION)
        self.data_directory = directory / "data"
        api_port, dagster_port = free_ports(2)
        self.api = f"http://127.0.0.1:{api_port}"
        self._environment = clean_environment(
            DATA_DIR=str(self.data_directory),
            COLLECTION_FILE=str(collection),
            API_PORT=str(api_port),
            DAGSTER_PORT=str(dagster_port),
        )

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(COMMAND), *arguments], env=self._environment, capture_output=True, text=True, timeout=500, check=False
        )

    def json(self, *arguments: str) -> Any:
        done = self.call(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def is_well(self) -> bool:
        done = self.call("status", "--json")
        return done.returncode == 0 and json.loads(done.stdout)["is_well"] is True


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    enable_socket()
    demo = Demo(tmp_path_factory.mktemp("demo"))
    try:
        done = demo.call("up", "--simulated", "--wait")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "every series is final" in done.stdout
        yield demo
    finally:
        stop(demo.data_directory)


def test_every_series_is_served_as_final(demo: Demo) -> None:
    series = demo.json("coverage")["series"]
    assert {(each["exchange"], each["symbol"], each["timeframe"]) for each in series} >= {
        (exchange, symbol, timeframe)
        for exchange, symbol in (("binance", "BTC/USDT"), ("binance", "DASH/USDT"), ("okx", "BTC/USDT"))
        for timeframe in ("15m", "1h")
    }
    answer = httpx.get(
        f"{demo.api}/v1/candles", params={"exchange": "okx", "symbol": "BTC/USDT", "timeframe": "15m", "limit": 90}
    ).json()
    assert answer["simulated"] is True
    # What closed in the last minutes may still wait for the gate.
    assert {candle["status"] for candle in answer["data"][:80]} == {"final"}


def test_every_link_leads_somewhere(demo: Demo) -> None:
    links = demo.json("status")["links"]
    assert len(links) == 4
    for link in links.values():
        assert httpx.get(link, timeout=30).status_code == 200


def test_twice_is_harmless(demo: Demo) -> None:
    again = demo.json("up", "--simulated", "--wait")
    assert again["was_running"] is True


def test_a_backfill_is_planned_run_and_not_run_twice(demo: Demo) -> None:
    series = ("--exchange", "binance", "--symbol", "BTC/USDT", "--timeframe", "1h")
    asked = ("backfill", *series, "--start", _days_ago(20), "--end", _days_ago(10))
    plan = demo.json(*asked, "--dry-run")["plan"]
    assert (plan["rows"], plan["requests"]) == (240, 1)
    request = demo.json(*asked)["request"]
    assert (request["status"], request["count_done"]) == ("done", 240)
    assert demo.json(*asked)["plan"]["rows"] == 0
    served = httpx.get(
        f"{demo.api}/v1/candles",
        params={
            "exchange": "binance", "symbol": "BTC/USDT", "timeframe": "1h",
            "start": f"{_days_ago(20)}T00:00:00Z", "end": f"{_days_ago(10)}T00:00:00Z",
        },
    ).json()  # fmt: skip
    assert (len(served["data"]), served["coverage"]["ratio"]) == (240, 1)


@pytest.mark.parametrize("name", ["postgres", "valkey", "simulator", "ingest", "models", "daemon", "webserver", "api"])
def test_any_program_may_be_killed(demo: Demo, name: str) -> None:
    [program] = [each for each in demo.json("status")["programs"] if each["name"] == name]
    os.kill(program["pid"], signal.SIGKILL)
    wait_until(demo.is_well, 60)


def test_down_stops_all_of_it(demo: Demo) -> None:
    stopped = demo.json("down")[str(demo.data_directory)]
    assert len(stopped["stopped"]) == 8
    assert find_processes(demo.data_directory) == []


def _days_ago(count: int) -> str:
    return (datetime.now(UTC) - timedelta(days=count)).date().isoformat()

"""Whatever is killed at whatever moment: run again, and the tables are what they would have been.

The oracle is the simulator's ledger. Worker, PostgreSQL and Valkey get SIGKILL at moments drawn from a seed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from data_agent.core.time import Timeframe
from data_agent.storage.postgres.embedded import EmbeddedPostgres
from data_agent.storage.postgres.migrate import migrate
from data_agent.storage.redis.embedded import EmbeddedValkey
from simulator.testing import RunningSimulator, running_simulator
from tests.conftest import free_port, wait_for_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

END = datetime(2026, 1, 5, tzinfo=UTC)
START = END - timedelta(days=2)
SYMBOLS = ("BTC/USDT", "DASH/USDT")
COLLECTION = """
history: 2d
timeframes: [1m, 15m, 1d]
venues:
  binance: {spot: {instruments: [BTC/USDT, DASH/USDT]}}
  okx: {spot: {instruments: [BTC/USDT, DASH/USDT]}}
"""
TIMEFRAMES = (Timeframe.M1, Timeframe.M15, Timeframe.D1)
KILLS = 6


class Server:
    """A server that can be killed and started again on the same data."""

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        self.command, self.port, self.log = command, port, log
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(self.command, stdout=log, stderr=log)
        wait_for_port(self.port, process)
        return process

    def kill_and_start_again(self) -> None:
        self.process.kill()
        self.process.wait(10)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.process = self._start()
            except AssertionError:  # the old server's children are still going: the supervisor would try again, too
                assert time.monotonic() < deadline
                time.sleep(0.3)
            else:
                return

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


@contextmanager
def killable_servers(directory: Path) -> Iterator[tuple[Server, Server, str, str]]:
    postgres = EmbeddedPostgres(directory / "postgres", free_port())
    valkey = EmbeddedValkey(directory / "valkey", free_port())
    postgres.initialise()
    store = Server(postgres.command(), postgres.port, directory / "postgres.log")
    cache = Server(valkey.command(), valkey.port, directory / "valkey.log")
    try:
        wait_until_it_answers(postgres.url("postgres"))
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE killed")
        migrate(postgres.url("killed"))
        yield store, cache, postgres.url("killed"), valkey.url
    finally:
        store.stop()
        cache.stop()


def wait_until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def test_killing_anything_at_any_moment_yields_the_same_tables(tmp_path: Path) -> None:
    draw = random.Random(20260105)
    (tmp_path / "collection.yaml").write_text(COLLECTION)
    with (
        running_simulator(clock=(END + timedelta(hours=1)).isoformat(), history_days=3, limits="off") as simulator,
        killable_servers(tmp_path) as (store, cache, database_url, redis_url),
    ):
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DATA_DIR": str(tmp_path),
            "SIMULATED": "1",
            "COLLECTION_FILE": str(tmp_path / "collection.yaml"),
            "VENUE_BINANCE_REST_URL": simulator.venue_url("binance"),
            "VENUE_OKX_REST_URL": simulator.venue_url("okx"),
        }
        count_cut_short = 0
        for number in range(KILLS):
            with start_worker(environment, tmp_path) as worker:
                time.sleep(draw.uniform(1.5, 9))
                if number % 3 == 1:
                    store.kill_and_start_again()
                if number % 3 == 2:
                    cache.kill_and_start_again()
                count_cut_short += worker.poll() is None
                worker.kill()
        assert count_cut_short >= KILLS // 2, "the kills came too late to prove anything"
        wait_until_it_answers(database_url)
        run_to_the_end(environment, tmp_path)
        check_tables(database_url, simulator)


@contextmanager
def start_worker(environment: dict[str, str], directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.end_to_end.worker", START.isoformat(), END.isoformat()]
    with (
        (directory / "worker.log").open("ab") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=Path(__file__).parents[2]) as worker,
    ):
        yield worker


def run_to_the_end(environment: dict[str, str], directory: Path) -> None:
    for _ in range(3):  # what a kill cut off in the middle of an answer may have to wait for its next turn
        with start_worker(environment, directory) as worker:
            if worker.wait(240) == 0:
                return
    pytest.fail((directory / "worker.log").read_text()[-4000:])


def check_tables(database_url: str, simulator: RunningSimulator) -> None:
    with psycopg.connect(database_url, options="-c timezone=UTC") as connection:
        for venue in ("binance", "okx"):
            for symbol in SYMBOLS:
                for timeframe in TIMEFRAMES:
                    truth = true_rows(simulator, venue, symbol, timeframe)
                    for table in ("raw", "marts"):
                        stored = connection.execute(_ROWS[table], [venue, symbol, timeframe.value]).fetchall()
                        assert stored == truth, (table, venue, symbol, timeframe)
        assert connection.execute("SELECT count(*) FROM raw.candles_revisions").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM ops.dirty_slices").fetchone() == (0,)
        ledger = connection.execute("SELECT lower(span), upper(span), status FROM ops.coverage").fetchall()
    assert ledger == [(START, END, "complete")] * len(SYMBOLS) * 2 * len(TIMEFRAMES)


def true_rows(simulator: RunningSimulator, venue: str, symbol: str, timeframe: Timeframe) -> list[tuple[object, ...]]:
    rows = simulator.ledger(venue, symbol, timeframe.value, start=START.isoformat(), end=END.isoformat())
    fields = ("open", "high", "low", "close", "volume", "quote_volume")
    return [(datetime.fromisoformat(row["open_time_iso"]), *(row[field] for field in fields)) for row in rows]


_ROWS = {
    "raw": """
        SELECT open_time, open::text, high::text, low::text, close::text, volume::text, quote_volume::text
        FROM raw.candles INNER JOIN ref.current_series AS series USING (series_id)
        WHERE venue = %s AND symbol = %s AND timeframe = %s AND origin = 'venue' ORDER BY open_time
    """,
    "marts": """
        SELECT open_time, open::text, high::text, low::text, close::text, volume::text, quote_volume::text
        FROM marts.candles
        WHERE exchange = %s AND symbol = %s AND timeframe = %s AND origin = 'venue' ORDER BY open_time
    """,
}

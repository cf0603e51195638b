"""Servers of a bench's own: durable settings as in production, thrown away afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from data_agent.core.records import Instrument
from data_agent.core.time import EPOCH, Timeframe
from data_agent.storage.postgres.database import create_pool
from data_agent.storage.postgres.embedded import EmbeddedPostgres
from data_agent.storage.postgres.migrate import migrate
from data_agent.storage.postgres.series import Series, ensure_candle_series, load_candle_series, sync_instruments
from data_agent.storage.redis.embedded import EmbeddedValkey

START_SECONDS = 30
STOP_SECONDS = 30


class Servers(NamedTuple):
    """The servers of one bench."""

    database_url: str
    redis_url: str
    directory: Path


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def process(command: list[str], port: int, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; it answers on its port when the block begins.

    It is stopped by SIGINT, on which PostgreSQL does not wait for its clients to leave.
    """
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment}) as child,
    ):
        try:
            _wait_for_port(child, port, log)
            yield child
        finally:
            child.send_signal(signal.SIGINT)
            child.wait(STOP_SECONDS)


def _wait_for_port(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{child.args!r} does not answer on port {port}:\n{log.read_text()[-2000:]}")


@contextmanager
def running_servers() -> Iterator[Servers]:
    """PostgreSQL with a migrated database, and Valkey."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        postgres = EmbeddedPostgres(directory / "postgres", free_port())
        postgres.initialise()
        valkey = EmbeddedValkey(directory / "valkey", free_port())
        with (
            process(postgres.command(), postgres.port, directory / "postgres.log"),
            process(valkey.command(), valkey.port, directory / "valkey.log"),
        ):
            _create_database(postgres)
            migrate(postgres.url("bench"))
            yield Servers(postgres.url("bench"), valkey.url, directory)


def _create_database(postgres: EmbeddedPostgres) -> None:
    for _ in range(100):
        try:
            with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
                connection.execute("CREATE DATABASE bench")
                return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise RuntimeError("PostgreSQL does not let us in")


@contextmanager
def running_simulator(directory: Path, *options: str) -> Iterator[str]:
    """The exchange simulator; yields its base URL."""
    port = free_port()
    command = [sys.executable, "-m", "simulator", "--port", str(port), *options]
    with process(command, port, directory / "simulator.log"):
        yield f"http://127.0.0.1:{port}"


def make_series(database_url: str, *symbols: str, timeframes: tuple[Timeframe, ...] = (Timeframe.M1,)) -> list[Series]:
    """Instruments of a venue that does not exist, and their series."""

    async def make() -> list[Series]:
        async with create_pool(database_url) as pool, pool.connection() as connection:
            instruments = [_instrument(*symbol.split("/")) for symbol in symbols]
            await sync_instruments(connection, instruments, observed_at=EPOCH)
            await ensure_candle_series(
                connection, venue="binance", product="spot", symbols=symbols, timeframes=timeframes
            )
            return await load_candle_series(connection)

    return asyncio.run(make())


def _instrument(base: str, quote: str) -> Instrument:
    return Instrument("binance", "spot", base + quote, f"{base}/{quote}", base, quote, None, None, True, None)

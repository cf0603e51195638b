"""What every test may use. Unit tests block sockets; `integration` tests get real servers on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

from data_agent.storage.postgres.embedded import EmbeddedPostgres
from data_agent.storage.postgres.migrate import migrate
from data_agent.storage.redis.embedded import EmbeddedValkey

RECORDINGS = Path(os.environ.get("RECORDINGS_DIR") or Path(__file__).parents[2] / "shared" / "recordings")
_database_numbers = count()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("integration"):
        enable_socket()
        socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)
    else:
        disable_socket(allow_unix_socket=True)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded exchange data; the test is skipped where it is absent."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recordings at {RECORDINGS}; set RECORDINGS_DIR")
    return RECORDINGS


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Return once the port answers; fail if the process ends or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing answers on port {port} after {seconds} s")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A real PostgreSQL, one per test worker, with a migrated database `template` to copy from."""
    enable_socket()
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "data", free_port())
    server.initialise()
    log = (server.data_directory.parent / "log").open("wb")
    with log, subprocess.Popen([*server.command(), "-c", "fsync=off"], stdout=log, stderr=log) as process:
        wait_for_port(server.port, process)
        _wait_until_ready(server)
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE template")
        migrate(server.url("template"))
        yield server
        process.send_signal(2)
        process.wait(30)


def _wait_until_ready(server: EmbeddedPostgres) -> None:
    for _ in range(200):
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("PostgreSQL does not let us in")


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A migrated database of the test's own."""
    name = f"test_{os.getpid()}_{next(_database_numbers)}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template").format(sql.Identifier(name)))
        yield postgres.url(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A real Valkey, one per test worker."""
    enable_socket()
    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey"), free_port())
    with subprocess.Popen(server.command(), stdout=subprocess.DEVNULL) as process:
        wait_for_port(server.port, process)
        yield server
        process.terminate()
        process.wait(10)


@pytest.fixture
def redis_url(valkey: EmbeddedValkey) -> str:
    """An empty Valkey."""
    import redis

    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey.url

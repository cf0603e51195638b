"""How one sees from outside that a program does its work. A probe answers yes or no and raises nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

_TIMEOUT_SECONDS: Final = 3


def ignoring_start(probe: Callable[[], bool]) -> Callable[[int], bool]:
    """A probe that does not need to know when the program was started."""
    return lambda _started_at: probe()


def port_accepts(port: int) -> bool:
    """Something on this machine listens on the port."""
    with socket.socket() as connection:
        connection.settimeout(_TIMEOUT_SECONDS)
        return connection.connect_ex(("127.0.0.1", port)) == 0


def answers_http(url: str) -> bool:
    """A GET is answered with success."""
    import httpx

    try:
        # Proxies of the environment are for venues, not for our own servers.
        return httpx.get(url, timeout=_TIMEOUT_SECONDS, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def postgres_lets_in(url: str) -> bool:
    """PostgreSQL accepts a connection and a query."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=_TIMEOUT_SECONDS) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def valkey_answers(url: str) -> bool:
    """Redis or Valkey answers a PING: it has loaded its data."""
    import redis

    try:
        with redis.Redis.from_url(url, socket_timeout=_TIMEOUT_SECONDS) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def daemon_beats(dagster_database_url: str, started_at: int) -> bool:
    """Dagster's daemon has reported itself since this process was started.

    Every daemon thread writes its heartbeat into Dagster's own store every 30 seconds, the first at once.
    """
    import psycopg

    since = datetime.fromtimestamp(started_at, UTC).replace(tzinfo=None)
    try:
        with psycopg.connect(dagster_database_url, connect_timeout=_TIMEOUT_SECONDS) as connection:
            row = connection.execute("SELECT max(timestamp) >= %s FROM daemon_heartbeats", (since,)).fetchone()
    except psycopg.Error:
        return False
    return bool(row and row[0])

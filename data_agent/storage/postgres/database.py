"""How the database is reached: one URL, connections with time-outs, an asynchronous pool."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg_pool import AsyncConnectionPool

from data_agent.core.errors import ConfigurationError, StorageError

CONNECT_TIMEOUT_SECONDS = 10
# Longer than any statement of ours should take; a stuck one fails loudly instead of holding its locks for ever.
STATEMENT_TIMEOUT_MILLISECONDS = 120_000
_OPTIONS = f"-c statement_timeout={STATEMENT_TIMEOUT_MILLISECONDS} -c timezone=UTC -c lock_timeout=60000"


def check_url(url: str) -> str:
    """Return the URL if it names a PostgreSQL database.

    Raises:
        ConfigurationError: it does not; the password is not repeated.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ConfigurationError("DATABASE_URL must be postgresql://user:password@host:port/database")
    return url


def connect(url: str, **options: Any) -> psycopg.Connection[Any]:
    """Open one synchronous connection in UTC, with time-outs.

    Raises:
        StorageError: the server does not answer.
    """
    try:
        return psycopg.connect(check_url(url), connect_timeout=CONNECT_TIMEOUT_SECONDS, options=_OPTIONS, **options)
    except psycopg.OperationalError as error:
        raise StorageError(f"PostgreSQL does not answer: {error}") from error


def create_pool(url: str, *, min_size: int = 1, max_size: int = 8, **options: Any) -> AsyncConnectionPool[Any]:
    """An asynchronous pool, not yet opened (`async with pool:` opens and closes it).

    `options` are keyword arguments of each connection, e.g. `row_factory`.
    """
    return AsyncConnectionPool(
        check_url(url),
        min_size=min_size,
        max_size=max_size,
        timeout=CONNECT_TIMEOUT_SECONDS,
        kwargs={"connect_timeout": CONNECT_TIMEOUT_SECONDS, "options": _OPTIONS, **options},
        open=False,
    )

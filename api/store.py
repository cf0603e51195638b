"""The store as the API sees it: read only, one snapshot per answer, no wait without an end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files
from typing import Any, Final, LiteralString, cast

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow, TupleRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from data_agent.storage.postgres.database import create_pool

POOL_WAIT_SECONDS: Final = 3.0
POOL_SIZE: Final = 8
# Answers take milliseconds; ten years of one-minute candles counted whole take seconds. Just-in-time compilation
# would cost more than any of our statements.
_OPTIONS: Final = (
    "-c timezone=UTC -c statement_timeout=10000 -c lock_timeout=5000 -c jit=off -c plan_cache_mode=force_generic_plan"
    " -c default_transaction_isolation=repeatable\\ read -c default_transaction_read_only=on"
)

Connection = AsyncConnection[TupleRow]
Query = LiteralString | bytes


class Store:
    """Hands out snapshots. One per process, opened and closed by the application's lifespan."""

    def __init__(self, url: str) -> None:
        self._pool = cast(
            "AsyncConnectionPool[Connection]",
            create_pool(url, max_size=POOL_SIZE, autocommit=True, options=_OPTIONS),
        )

    async def __aenter__(self) -> Store:
        # Not waited for: the API comes up, and says 503, while the store is away.
        await self._pool.open(wait=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close(timeout=5)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """One REPEATABLE READ READ ONLY transaction: all statements in it see the same state of the store.

        Raises:
            psycopg.OperationalError: the server is away, or no connection came free in time.
        """
        async with AsyncExitStack() as stack:
            try:
                connection = await self._begin(stack)
            except PoolTimeout:
                raise
            except psycopg.OperationalError:
                # The server was restarted since this connection was used last, and so for all others in the pool.
                await self._pool.check()
                connection = await self._begin(stack)
            yield connection

    async def _begin(self, stack: AsyncExitStack) -> Connection:
        async with AsyncExitStack() as attempt:
            connection = await attempt.enter_async_context(self._pool.connection(timeout=POOL_WAIT_SECONDS))
            await attempt.enter_async_context(connection.transaction())
            stack.push_async_exit(attempt.pop_all())
            return connection


def statement(package: str, name: str) -> LiteralString:
    """The statement in `<package>/sql/<name>.sql`, read once by the repository that owns it.

    Without comments and indentation: psycopg keeps in mind where the placeholders of a statement below 4 KB are, and
    looks for them anew in each execution of a longer one.
    """
    lines = files(package).joinpath("sql", f"{name}.sql").read_text().splitlines()
    return "\n".join(line.strip() for line in lines if not line.lstrip().startswith("--"))


def composed(template: LiteralString, **parts: sql.Composable) -> bytes:
    """A statement with its parts filled in, once and for all."""
    return sql.SQL(template).format(**parts).as_bytes(None)


async def one(connection: Connection, query: Query, **parameters: Any) -> DictRow | None:
    """The first row of an answer, if it has any."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        return await (await cursor.execute(query, parameters)).fetchone()


async def rows(connection: Connection, query: Query, **parameters: Any) -> list[DictRow]:
    """All rows of an answer."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        return await (await cursor.execute(query, parameters)).fetchall()

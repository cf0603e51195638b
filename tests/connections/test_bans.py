from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from data_agent.connections.bans import BanBook, ban_for
from data_agent.core.errors import StorageError
from data_agent.core.time import utc_now
from data_agent.storage.postgres import bans
from data_agent.storage.postgres.bans import Ban
from data_agent.storage.postgres.database import create_pool
from tests.connections.conftest import unreachable_pool

pytestmark = pytest.mark.integration
LONG, LONGER = timedelta(minutes=5), timedelta(minutes=9)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[AsyncConnectionPool[Any]]:
    async with create_pool(database_url, max_size=2, row_factory=dict_row) as opened:
        yield opened


async def test_a_ban_is_prolonged_never_shortened(pool: AsyncConnectionPool[Any]) -> None:
    now = utc_now()
    async with pool.connection() as connection:
        for length in (LONG, LONGER, timedelta(minutes=1), LONGER):
            await bans.record(connection, "binance", Ban("ip", now + length, f"for {length}"))
        assert await bans.active(connection, "binance", now) == [Ban("ip", now + LONGER, f"for {LONGER}")]


async def test_a_ban_that_is_over_is_not_active(pool: AsyncConnectionPool[Any]) -> None:
    now = utc_now()
    async with pool.connection() as connection:
        await bans.record(connection, "binance", Ban("ip", now + LONG, "x"))
        assert await bans.active(connection, "binance", now + LONG) == []
        assert await bans.active(connection, "okx", now) == []


async def test_another_process_learns_it_from_the_database(pool: AsyncConnectionPool[Any]) -> None:
    await BanBook("binance", "host", pool).impose(ban_for("ip", LONG, "HTTP 418"))
    elsewhere, other_host = BanBook("binance", "host", pool), BanBook("binance", "proxy", pool)
    assert elsewhere.holding(["ip"]) is None
    await elsewhere.load()
    await other_host.load()
    held = elsewhere.holding(["ip", "weight"])
    assert held is not None
    assert held.reason == "HTTP 418"
    assert other_host.holding(["ip"]) is None, "a ban of one host must not close another"


async def test_a_ban_holds_without_any_database() -> None:
    async with unreachable_pool() as unreachable:
        book = BanBook("binance", "host", unreachable)
        await book.impose(ban_for("ip", LONG, "HTTP 418"))
        assert book.holding(["ip"]) is not None
        with pytest.raises(StorageError, match="cannot read the bans of binance"):
            await book.load()


def test_the_ban_that_ends_last_is_named() -> None:
    book = BanBook("binance", "host", None)
    book.remember(ban_for("weight", LONG, "short"))
    book.remember(ban_for("ip", LONGER, "long"))
    book.remember(ban_for("ip", LONG, "shorter, later"))
    held = book.holding(["ip", "weight"])
    assert held is not None
    assert held.reason == "long"


def test_a_ban_ends() -> None:
    book = BanBook("binance", "host", None)
    book.remember(ban_for("ip", timedelta(seconds=-1), "over"))
    assert book.holding(["ip"]) is None

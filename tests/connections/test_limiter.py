"""The limits in a real Valkey: kept by all processes together, and by each alone when it is away."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from psycopg_pool import AsyncConnectionPool
from structlog.testing import capture_logs

from data_agent.connections import limiter as limiter_module
from data_agent.connections.bans import BanBook
from data_agent.connections.client import connect_redis
from data_agent.connections.limiter import Limiter
from data_agent.connections.limits import PATIENCE_SECONDS, Algorithm, Budget, Limit, Priority, budget
from data_agent.core.errors import Banned, RateLimited, StorageError
from data_agent.storage.postgres.database import create_pool
from tests.connections.conftest import unreachable_pool

pytestmark = pytest.mark.integration
WINDOW = 1.0
LIMIT = Limit("weight", WINDOW, 20, used_header="X-Used")


def small(*limits: Limit, cost: int = 1) -> Budget:
    costs = {limit.name: cost for limit in limits}
    return budget(*limits, costs={"klines": costs}, default_cost=costs)


def limiter(
    store: Any, *, costs: Budget | None = None, pool: AsyncConnectionPool[Any] | None = None, ceiling: float = 1.0
) -> Limiter:
    return Limiter(
        "venue", "host", costs or small(LIMIT), ceiling=ceiling, bans=BanBook("venue", "host", pool), redis=store
    )


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Any]:
    async with connect_redis(redis_url) as client:
        yield client


def most_within(moments: list[float], window: float) -> int:
    """The most moments that any half-open window of this length holds."""
    moments = sorted(moments)
    return max(sum(1 for each in moments if start <= each < start + window) for start in moments)


async def spend(limiter: Limiter, count: int, priority: Priority = Priority.ACCOUNT) -> list[float]:
    async def one() -> float:
        await limiter.admit("klines", priority)
        return time.time()

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def test_never_over_the_limit_with_many_tasks(store: Any) -> None:
    moments = await spend(limiter(store), 70)
    # Admission is stamped a moment after the debit, so a window is taken a little shorter than the limit's.
    assert most_within(moments, WINDOW * 0.95) <= 20
    assert max(moments) - min(moments) < 5, "the limit is used, not merely kept"


PROCESS = """
import asyncio, json, sys, time
from data_agent.connections import limiter as limiter_module
from data_agent.connections.bans import BanBook
from data_agent.connections.client import connect_redis
from data_agent.connections.limiter import Limiter
from data_agent.connections.limits import Limit, Priority, budget

async def main():
    limit = Limit("weight", 1.0, 20)
    costs = budget(limit, costs={}, default_cost={"weight": 1})
    async with connect_redis(sys.argv[1]) as store:
        limiter = Limiter("venue", "host", costs, ceiling=1.0, bans=BanBook("venue", "host", None), redis=store)
        moments = []
        async def one():
            await limiter.admit("klines", Priority.ACCOUNT)
            moments.append(time.time())
        await asyncio.gather(*(one() for _ in range(20)))
    print(json.dumps(moments))

asyncio.run(main())
"""


def test_never_over_the_limit_with_several_processes(redis_url: str) -> None:
    command = [sys.executable, "-c", PROCESS, redis_url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    moments = [moment for process in processes for moment in json.loads(process.communicate(timeout=60)[0])]
    assert len(moments) == 60
    assert most_within(moments, WINDOW * 0.9) <= 20


async def test_the_ceiling_is_kept(store: Any) -> None:
    moments = await spend(limiter(store, ceiling=0.5), 25)
    assert most_within(moments, WINDOW * 0.95) <= 10


async def test_costs_count_and_all_limits_apply(store: Any) -> None:
    costs = small(Limit("wide", 1.0, 100), Limit("narrow", 1.0, 10), cost=3)
    moments = await spend(limiter(store, costs=costs), 7)
    assert most_within(moments, WINDOW * 0.95) <= 3


async def test_a_request_that_must_wait_for_one_limit_debits_no_other(store: Any) -> None:
    wide, narrow = Limit("wide", 60.0, 100), Limit("narrow", 60.0, 1)
    under_test = limiter(store, costs=small(wide, narrow))
    await under_test.admit("klines", Priority.ACCOUNT)
    with pytest.raises(RateLimited):
        await under_test.admit("klines", Priority.ACCOUNT)
    counters = await store.hgetall("data-agent:{venue@host}:limit:wide")
    assert sum(int(amount) for amount in counters.values()) == 1


async def test_a_backfill_leaves_the_reserve_and_the_account_may_use_it(store: Any) -> None:
    slow = Limit("weight", 60.0, 100)
    under_test = limiter(store, costs=small(slow))
    started = time.monotonic()
    admitted = 0
    for priority, allowed in ((Priority.BACKFILL, 75), (Priority.INCREMENTAL, 90), (Priority.ACCOUNT, 100)):
        while admitted < allowed:
            await asyncio.wait_for(under_test.admit("klines", priority), 1)
            admitted += 1
        with pytest.raises((RateLimited, TimeoutError)):
            await asyncio.wait_for(under_test.admit("klines", priority), 0.2)
    assert time.monotonic() - started < 10


async def test_a_wait_is_bounded(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    under_test = limiter(store, costs=small(Limit("weight", 30.0, 1)))
    await under_test.admit("klines", Priority.ACCOUNT)
    started = time.monotonic()
    with pytest.raises(RateLimited, match="our share of weight is used up") as caught:
        await under_test.admit("klines", Priority.ACCOUNT)
    assert time.monotonic() - started < PATIENCE_SECONDS[Priority.ACCOUNT]
    assert caught.value.retry_after is not None
    assert timedelta(seconds=25) < caught.value.retry_after < timedelta(seconds=32)


async def test_fixed_windows_start_anew_with_the_clock(store: Any) -> None:
    under_test = limiter(store, costs=small(Limit("weight", 1.0, 5, Algorithm.FIXED)))
    moments = await spend(under_test, 12)
    per_window: dict[int, int] = {}
    for moment in moments:
        per_window[int(moment)] = per_window.get(int(moment), 0) + 1
    # Stamped a moment after the debit, so that one or two may fall into the next second.
    assert max(per_window.values()) <= 7
    assert max(moments) - min(moments) < 3.5


async def test_the_venue_s_header_raises_our_count(store: Any) -> None:
    slow = Limit("weight", 60.0, 100, used_header="X-Used")
    under_test = limiter(store, costs=small(slow))
    await under_test.admit("klines", Priority.ACCOUNT)
    await under_test.account("klines", {"x-used": "100"})
    with pytest.raises(RateLimited):
        await under_test.admit("klines", Priority.ACCOUNT)


async def test_the_venue_s_header_never_lowers_our_count(store: Any) -> None:
    slow = Limit("weight", 60.0, 5, used_header="X-Used")
    under_test = limiter(store, costs=small(slow))
    await spend(under_test, 5)
    await under_test.account("klines", {"x-used": "1"})
    with pytest.raises(RateLimited):
        await under_test.admit("klines", Priority.ACCOUNT)


async def test_a_ban_holds_for_every_process_and_ends_as_told(store: Any, redis_url: str) -> None:
    here = limiter(store)
    async with connect_redis(redis_url) as other_store:
        there = limiter(other_store)
        await there.admit("klines", Priority.ACCOUNT)
        await here.ban("klines", timedelta(seconds=1), "HTTP 418", whole_venue=True)
        for each in (here, there):
            with pytest.raises(Banned):
                await each.admit("klines", Priority.ACCOUNT)
        await asyncio.sleep(1.05)
        for each in (here, there):
            await each.admit("klines", Priority.ACCOUNT)


async def test_a_ban_of_one_limit_leaves_the_others_open(store: Any) -> None:
    one, other = Limit("one", 1, 10), Limit("other", 1, 10)
    costs = budget(one, other, costs={"a": {"one": 1}, "b": {"other": 1}}, default_cost={"one": 1})
    under_test = limiter(store, costs=costs)
    await under_test.ban("a", timedelta(seconds=30), "HTTP 429", whole_venue=False)
    with pytest.raises(Banned, match="one"):
        await under_test.admit("a", Priority.ACCOUNT)
    await under_test.admit("b", Priority.ACCOUNT)


async def test_redis_lost_keeps_the_ban(store: Any, redis_url: str, database_url: str) -> None:
    async with create_pool(database_url, max_size=2) as pool, connect_redis(redis_url) as other_store:
        await limiter(store, pool=pool).ban("klines", timedelta(seconds=60), "HTTP 418", whole_venue=True)
        with redis.Redis.from_url(redis_url) as control:
            control.flushall()
        with pytest.raises(Banned, match="HTTP 418"):
            await limiter(other_store, pool=pool).admit("klines", Priority.ACCOUNT)


async def test_redis_lost_starts_the_counters_empty(store: Any) -> None:
    under_test = limiter(store, costs=small(Limit("weight", 60.0, 5)))
    await spend(under_test, 5)
    await store.flushall()
    await asyncio.wait_for(under_test.admit("klines", Priority.ACCOUNT), 1)


async def test_redis_away_is_a_trickle_that_says_so() -> None:
    async with connect_redis("redis://127.0.0.1:1/0") as nowhere:
        # 200 in a second, of which a lonely process takes a twentieth: one each 100 ms.
        under_test = limiter(nowhere, costs=small(Limit("weight", 1.0, 200)))
        with capture_logs() as logs:
            moments = await spend(under_test, 6)
    assert max(moments) - min(moments) >= 0.45
    assert [entry["event"] for entry in logs] == ["redis_away"]


async def test_redis_away_still_obeys_the_bans_of_the_database(store: Any, database_url: str) -> None:
    async with create_pool(database_url, max_size=2) as pool, connect_redis("redis://127.0.0.1:1/0") as nowhere:
        await limiter(store, pool=pool).ban("klines", timedelta(seconds=60), "HTTP 418", whole_venue=True)
        with pytest.raises(Banned):
            await limiter(nowhere, pool=pool).admit("klines", Priority.ACCOUNT)


async def test_redis_and_the_database_away_nothing_is_sent() -> None:
    async with (
        unreachable_pool() as unreachable,
        connect_redis("redis://127.0.0.1:1/0") as nowhere,
    ):
        with pytest.raises(StorageError):
            await limiter(nowhere, pool=unreachable).admit("klines", Priority.ACCOUNT)


async def test_what_was_forbidden_while_redis_was_away_is_told_when_it_is_back(
    store: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with create_pool(database_url, max_size=2) as pool:
        here, there = limiter(store, pool=pool), limiter(store, pool=pool)
        await there.admit("klines", Priority.ACCOUNT)
        here._note_redis(away=OSError("cable"))
        await limiter(None, pool=pool).ban("klines", timedelta(seconds=60), "HTTP 418", whole_venue=True)
        monkeypatch.setattr(here, "_redis_retry_at", 0.0)
        for each in (here, there):
            with pytest.raises(Banned, match=r"HTTP 418|told to another process"):
                await each.admit("klines", Priority.ACCOUNT)


def test_the_scripts_are_part_of_the_package() -> None:
    room = Path(limiter_module.__file__).parent
    assert {path.name for path in room.glob("*.lua")} == {"debit.lua", "correct.lua"}

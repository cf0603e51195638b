"""The limits of one venue, kept together by all processes through Redis.

Redis answers: one script debits every limit of a request or none, and tells how long to wait or which ban holds.
Redis was lost: counters start empty (the venue's headers correct them), bans are loaded from PostgreSQL again.
Redis is away: this process goes on at a trickle of its own, slow enough for many processes to do the same.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from data_agent.connections.bans import WHOLE_VENUE, BanBook, ban_for
from data_agent.connections.limits import PATIENCE_SECONDS, Algorithm, Budget, Limit, Priority
from data_agent.core.errors import Banned, RateLimited
from data_agent.core.logging import get_logger
from data_agent.core.metrics import LIMIT_WAIT_SECONDS, LIMITER_DEGRADED
from data_agent.core.time import to_milliseconds, utc_now
from data_agent.storage.postgres.bans import Ban
from data_agent.storage.redis import keys

_log = get_logger(__name__)
_SCRIPTS: Final = Path(__file__).parent
# A sliding window is counted in this many buckets: at most 1/50 of it is counted twice.
_BUCKETS: Final = 50
# The part of a limit one process may use while Redis is away; twenty processes then still keep it together.
_TRICKLE_SHARE: Final = 0.05
_REDIS_RETRY_SECONDS: Final = 5.0


class Limiter:
    """Admits requests to one venue's host.

    Args:
        venue: the venue's name.
        host: the host asked; counters and bans of different hosts (a proxy, a test server) do not mix.
        budget: limits and costs.
        ceiling: the share of each limit we use, 0 to 1.
        bans: what is known of bans; kept in PostgreSQL by it.
        redis: None means that Redis is away for good.
    """

    def __init__(
        self, venue: str, host: str, budget: Budget, *, ceiling: float, bans: BanBook, redis: Redis | None
    ) -> None:
        self._venue = venue
        self._scope = f"{venue}@{host}"
        self._budget = budget
        self._ceiling = ceiling
        self._bans = bans
        self._redis = redis
        self._trickle = _Trickle(ceiling)
        self._redis_retry_at = 0.0
        self._is_degraded = False
        if redis is not None:
            self._debit = redis.register_script((_SCRIPTS / "debit.lua").read_text())
            self._correct = redis.register_script((_SCRIPTS / "correct.lua").read_text())

    async def admit(self, endpoint: str, priority: Priority) -> None:
        """Wait until a request to `endpoint` may be sent, and debit its limits.

        Raises:
            Banned: the venue has shut us out; nothing must be sent.
            RateLimited: the budget does not allow it within the patience of this priority.
            StorageError: Redis was lost and PostgreSQL cannot tell which bans hold.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS[priority]
        debits = self._budget.debits(endpoint)
        while True:
            self._refuse_if_banned(endpoint, debits)
            wait, limit = await self._try(endpoint, debits, priority)
            if wait <= 0:
                return
            if time.monotonic() + wait > deadline:
                raise RateLimited(
                    f"our share of {limit} is used up for {wait:.1f} s, longer than a {priority.name} request waits",
                    venue=self._venue, endpoint=endpoint, retry_after=timedelta(seconds=wait),
                )  # fmt: skip
            LIMIT_WAIT_SECONDS.labels(self._venue, limit).inc(wait)
            # A little jitter, so that those who waited for the same moment do not all ask at once.
            await asyncio.sleep(wait + random.uniform(0, 0.02))  # noqa: S311

    def _refuse_if_banned(self, endpoint: str, debits: list[tuple[Limit, int]]) -> None:
        ban = self._bans.holding([WHOLE_VENUE, *(limit.name for limit, _ in debits)])
        if ban is not None:
            raise Banned(f"{ban.scope}: {ban.reason}", venue=self._venue, endpoint=endpoint, until=ban.until)

    async def _try(self, endpoint: str, debits: list[tuple[Limit, int]], priority: Priority) -> tuple[float, str]:
        """Debit, or tell how long to wait (seconds) for which limit."""
        if self._redis is None or time.monotonic() < self._redis_retry_at:
            return await self._try_alone(endpoint, debits)
        try:
            outcome = await self._run_debit(debits, priority)
            while outcome[0] == b"unknown" or self._is_degraded:
                # Redis was lost or was away: what was forbidden meanwhile stands in PostgreSQL and in this process.
                await self._publish_bans()
                self._note_redis(away=None)
                self._refuse_if_banned(endpoint, debits)
                outcome = await self._run_debit(debits, priority)
        except (RedisError, OSError) as error:
            self._note_redis(away=error)
            return await self._try_alone(endpoint, debits)
        if outcome[0] == b"banned":
            scope = [WHOLE_VENUE, *(limit.name for limit, _ in debits)][int(outcome[1]) - 1]
            self._bans.remember(ban_for(scope, timedelta(milliseconds=int(outcome[2])), "told to another process"))
            self._refuse_if_banned(endpoint, debits)
        if outcome[0] == b"wait":
            return int(outcome[2]) / 1000, debits[int(outcome[1]) - 1][0].name
        return 0.0, ""

    async def _run_debit(self, debits: list[tuple[Limit, int]], priority: Priority) -> list[Any]:
        scopes = [WHOLE_VENUE, *(limit.name for limit, _ in debits)]
        arguments: list[int] = [len(scopes)]
        for limit, cost in debits:
            allowance = max(limit.allowance(priority, self._ceiling), cost)
            arguments += [cost, allowance, *_window(limit)]
        names = [
            keys.bans_known(self._scope),
            *(keys.ban(self._scope, scope) for scope in scopes),
            *(keys.limit(self._scope, limit.name) for limit, _ in debits),
        ]
        outcome: list[Any] = await self._debit(keys=names, args=arguments)
        return outcome

    async def _publish_bans(self) -> None:
        assert self._redis is not None  # noqa: S101 - only called when the script has answered
        for ban in await self._bans.load():
            await self._share(ban)
        await self._redis.set(keys.bans_known(self._scope), 1)

    async def _share(self, ban: Ban) -> None:
        left = math.ceil((ban.until - utc_now()).total_seconds() * 1000)
        if self._redis is not None and left > 0:
            await self._redis.set(keys.ban(self._scope, ban.scope), to_milliseconds(ban.until), px=left)

    async def _try_alone(self, endpoint: str, debits: list[tuple[Limit, int]]) -> tuple[float, str]:
        wait, limit = self._trickle.debit(debits)
        if wait <= 0:
            await self._bans.load()
            self._refuse_if_banned(endpoint, debits)
        return wait, limit

    def _note_redis(self, *, away: Exception | None) -> None:
        if away is not None:
            self._redis_retry_at = time.monotonic() + _REDIS_RETRY_SECONDS
        if (away is not None) == self._is_degraded:
            return
        self._is_degraded = away is not None
        LIMITER_DEGRADED.labels(self._venue).set(self._is_degraded)
        if away is not None:
            _log.warning("redis_away", venue=self._venue, error=str(away), effect="requests trickle at a local pace")
        else:
            self._trickle = _Trickle(self._ceiling)
            _log.info("redis_back", venue=self._venue)

    async def ban(self, endpoint: str, length: timedelta, reason: str, *, whole_venue: bool) -> Ban:
        """Freeze the whole venue, or the limits an endpoint debits, for every process and exactly for `length`."""
        scopes = [WHOLE_VENUE] if whole_venue else [limit.name for limit, _ in self._budget.debits(endpoint)]
        bans = [ban_for(scope, length, reason) for scope in scopes]
        for ban in bans:
            self._bans.remember(ban)
            await self._tell_redis(self._share(ban))
            await self._bans.impose(ban)
        return bans[0]

    async def account(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """Raise our counts to what the headers of an answer say the venue has counted."""
        for limit, _ in self._budget.debits(endpoint):
            told = headers.get(limit.used_header.lower()) if limit.used_header else None
            if told is not None and told.isdigit():
                await self._raise_count(limit, int(told))

    async def exhaust(self, endpoint: str) -> None:
        """Count the shortest limit of an endpoint as used up: the venue said "too many" without saying for how long."""
        limit = min((limit for limit, _ in self._budget.debits(endpoint)), key=lambda limit: limit.window_seconds)
        await self._raise_count(limit, limit.capacity)

    async def _raise_count(self, limit: Limit, used: int) -> None:
        if self._redis is not None and not self._is_degraded:
            await self._tell_redis(
                self._correct(keys=[keys.limit(self._scope, limit.name)], args=[used, *_window(limit)])
            )

    async def _tell_redis(self, command: Any) -> None:
        try:
            await command
        except (RedisError, OSError) as error:
            self._note_redis(away=error)


def _window(limit: Limit) -> tuple[int, int]:
    return int(limit.window_seconds * 1000), 1 if limit.algorithm is Algorithm.FIXED else _BUCKETS


class _Trickle:
    """The pace of one process on its own: after each request a pause that keeps it at a small share of every limit."""

    def __init__(self, ceiling: float) -> None:
        self._share = ceiling * _TRICKLE_SHARE
        self._free_at: dict[str, float] = {}

    def debit(self, debits: list[tuple[Limit, int]]) -> tuple[float, str]:
        now = time.monotonic()
        wait, blocking = max((self._free_at.get(limit.name, 0.0) - now, limit.name) for limit, _ in debits)
        if wait > 0:
            return wait, blocking
        for limit, cost in debits:
            self._free_at[limit.name] = now + cost * limit.window_seconds / (limit.capacity * self._share)
        return 0.0, ""

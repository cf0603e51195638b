"""What a venue has forbidden us, remembered in this process and in PostgreSQL. `limiter` shares it through Redis."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from data_agent.core.errors import StorageError
from data_agent.core.logging import get_logger
from data_agent.core.metrics import VENUE_BANS
from data_agent.core.time import utc_now
from data_agent.storage.postgres import bans as stored_bans
from data_agent.storage.postgres.bans import Ban

_log = get_logger(__name__)

# A ban of this scope closes the venue as a whole; every other scope is the name of a limit.
WHOLE_VENUE = "ip"


class BanBook:
    """The bans of one venue's host as this process knows them.

    Deadlines are kept on the monotonic clock: a step of the machine's clock neither ends nor prolongs a ban.
    """

    def __init__(self, venue: str, host: str, pool: AsyncConnectionPool[Any] | None) -> None:
        self._venue = venue
        self._host = host
        self._pool = pool
        self._deadlines: dict[str, tuple[float, Ban]] = {}

    def holding(self, scopes: Iterable[str]) -> Ban | None:
        """The ban that ends last among those of `scopes` that still hold, if any."""
        now = time.monotonic()
        held = [entry for scope in scopes if (entry := self._deadlines.get(scope)) and entry[0] > now]
        return max(held, key=lambda entry: entry[0])[1] if held else None

    def remember(self, ban: Ban) -> None:
        """Obey a ban in this process from now on; it is never shortened."""
        deadline = time.monotonic() + (ban.until - utc_now()).total_seconds()
        known = self._deadlines.get(ban.scope)
        if known is None or known[0] < deadline:
            self._deadlines[ban.scope] = (deadline, ban)

    async def impose(self, ban: Ban) -> None:
        """Obey a ban and keep it in PostgreSQL. A database that does not answer is logged: the ban holds without it."""
        self.remember(ban)
        VENUE_BANS.labels(self._venue, ban.scope).inc()
        _log.warning("venue_ban", venue=self._venue, host=self._host, **ban._asdict())
        if self._pool is None:
            return
        stored = ban._replace(scope=f"{self._host}/{ban.scope}")
        try:
            async with self._pool.connection() as connection:
                await stored_bans.record(connection, self._venue, stored)
        except (psycopg.OperationalError, PoolTimeout) as error:
            _log.error("venue_ban_not_stored", venue=self._venue, scope=ban.scope, error=str(error))

    async def load(self) -> list[Ban]:
        """Read the bans PostgreSQL holds, obey them, and return every ban known.

        Raises:
            StorageError: the database does not answer. Not knowing whether we are banned, we do not ask the venue.
        """
        prefix = f"{self._host}/"
        if self._pool is not None:
            try:
                async with self._pool.connection() as connection:
                    found = await stored_bans.active(connection, self._venue, utc_now())
            except (psycopg.OperationalError, PoolTimeout) as error:
                raise StorageError(f"cannot read the bans of {self._venue}: {error}") from error
            for ban in found:
                if ban.scope.startswith(prefix):
                    self.remember(ban._replace(scope=ban.scope.removeprefix(prefix)))
        return [ban for _, ban in self._deadlines.values() if ban.until > utc_now()]


def ban_for(scope: str, length: timedelta, reason: str) -> Ban:
    """A ban that begins now."""
    return Ban(scope, utc_now() + length, reason)

"""Asks the servers behind the API whether they are there."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from redis.asyncio import Redis

from api.store import Connection, one


async def applied_migration(connection: Connection) -> str | None:
    """The newest migration the database has; None if it was never migrated."""
    row = await one(connection, "SELECT to_regclass('public.migrations') IS NOT NULL AS is_there")
    if not row or not row["is_there"]:
        return None
    row = await one(connection, "SELECT version_num FROM public.migrations")
    return str(row["version_num"]) if row else None


@lru_cache(maxsize=1)
def newest_migration() -> str | None:
    """The newest migration this program brings along. Alembic is slow to import: call it off the event loop."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # not on the way of the start

    return ScriptDirectory(str(files("data_agent.storage.postgres") / "migrations")).get_current_head()


async def ping(redis: Redis) -> None:
    """Return if Redis answers.

    Raises:
        redis.RedisError: it does not.
    """
    await redis.ping()

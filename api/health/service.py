"""What `/readyz` finds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg
from redis import RedisError

from api.health import repository
from api.health.schemas import Check
from api.state import AppState

_TIMEOUT_SECONDS: Final = 4.0


async def checks(state: AppState) -> dict[str, Check]:
    """The state of each thing the API cannot do without, by name."""

    async def postgres() -> str:
        async with state.store.snapshot() as connection:
            applied = await repository.applied_migration(connection)
        newest = await asyncio.to_thread(repository.newest_migration)
        if applied != newest:
            raise LookupError(f"its schema is at migration {applied}, this program needs {newest}")
        return f"at migration {applied}"

    async def redis() -> str:
        await repository.ping(state.redis)
        return "answers"

    names: dict[str, Callable[[], Awaitable[str]]] = {"postgresql": postgres, "redis": redis}
    found = await asyncio.gather(*map(_check, names.values()))
    return dict(zip(names, found, strict=True))


async def _check(ask: Callable[[], Awaitable[str]]) -> Check:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return Check(is_ready=True, detail=await ask())
    except LookupError as error:
        return Check(is_ready=False, detail=str(error))
    except (psycopg.Error, RedisError, OSError):
        # Not the error's own words: they may name hosts and users, and this page is open.
        return Check(is_ready=False, detail="does not answer")

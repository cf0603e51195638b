"""`ops.bans`: which venue shut us out of what, and until when. Kept here because Redis may be lost."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

_RECORD = """
INSERT INTO ops.bans (venue, scope, until, reason) VALUES (%s, %s, %s, %s)
ON CONFLICT (venue, scope) DO UPDATE
SET until = excluded.until, reason = excluded.reason, recorded_at = now()
WHERE ops.bans.until < excluded.until
"""
_ACTIVE = "SELECT scope, until, reason FROM ops.bans WHERE venue = %s AND until > %s ORDER BY scope"


class Ban(NamedTuple):
    """One scope of a venue that is closed to us until a moment."""

    scope: str
    until: datetime
    reason: str


async def record(connection: AsyncConnection[Any], venue: str, ban: Ban) -> None:
    """Keep a ban; a known one of the same scope is prolonged, never shortened. Safe to repeat."""
    await connection.execute(_RECORD, (venue, ban.scope, ban.until, ban.reason))


async def active(connection: AsyncConnection[Any], venue: str, now: datetime) -> list[Ban]:
    """The bans of a venue that still hold at `now`, by scope."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_ACTIVE, (venue, now))
        return [Ban(*row) for row in await cursor.fetchall()]

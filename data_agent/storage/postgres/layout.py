"""How the tables are laid out: monthly partitions, made on demand. Nobody else knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection, sql

from data_agent.core.time import Span

_PARTITION_LOCK = 7_302_002


def month_of(moment: datetime) -> date:
    """The first day of the UTC month a moment lies in."""
    moment = moment.astimezone(UTC)
    return date(moment.year, moment.month, 1)


def months_of(span: Span) -> list[date]:
    """The first days of the months a span touches, ascending; empty for an empty span."""
    months: list[date] = []
    month = month_of(span.start)
    while not span.is_empty and datetime(month.year, month.month, 1, tzinfo=UTC) < span.end:
        months.append(month)
        month = _next_month(month)
    return months


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


class MonthlyPartitions:
    """Makes sure that the partitions of one table exist before rows are written into them.

    Each partition is made in a transaction of its own, apart from the data's: a thousand at once would run out of
    locks, and one that fails must not cost the rows beside it. It is attached, not created in place, because
    attaching lets readers and writers of the table go on.
    """

    def __init__(self, schema: LiteralString, table: LiteralString) -> None:
        self._schema = schema
        self._table = table
        self._existing: set[date] = set()

    async def ensure(self, connection: AsyncConnection[Any], months: Iterable[date]) -> int:
        """Create the partitions that are missing; returns how many were made. Safe in a race.

        The connection must not be inside a transaction.
        """
        missing = sorted(set(months) - self._existing)
        made = 0
        for month in missing:
            made += await self._ensure_one(connection, month)
            self._existing.add(month)
        return made

    async def _ensure_one(self, connection: AsyncConnection[Any], month: date) -> bool:
        name = f"{self._table}_{month:%Y_%m}"
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_PARTITION_LOCK])
            found = await connection.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{self._schema}.{name}"])
            row = await found.fetchone()
            if row is not None and row[0]:
                return False
            parent, partition = sql.Identifier(self._schema, self._table), sql.Identifier(self._schema, name)
            await connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(partition, parent))
            await connection.execute(
                sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                    parent, partition, sql.Literal(_midnight(month)), sql.Literal(_midnight(_next_month(month)))
                )
            )
        return True


def _midnight(day: date) -> str:
    return f"{day.isoformat()} 00:00:00+00"

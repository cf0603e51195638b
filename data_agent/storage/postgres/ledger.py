"""The ledger's table. `record` is the only function that writes it, in the transaction of the data it speaks of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from data_agent.core.time import MICROSECOND, Span
from data_agent.coverage.ledger import Entry, Status, overlay

_COLUMNS = "lower(span), upper(span), status, cause, attempts, retry_at, evidence"


async def read(connection: AsyncConnection[Any], series_id: int, span: Span) -> list[Entry]:
    """The entries that meet `span`, whole, ascending."""
    found = await connection.execute(
        f"SELECT {_COLUMNS} FROM ops.coverage"
        " WHERE int4range(series_id, series_id, '[]') && int4range(%(id)s, %(id)s, '[]')"
        " AND span && tstzrange(%(start)s, %(end)s) ORDER BY lower(span)",
        {"id": series_id, "start": span.start, "end": span.end},
    )
    return [_entry(row) for row in await found.fetchall()]


async def read_many(connection: AsyncConnection[Any], series_ids: Collection[int]) -> dict[int, list[Entry]]:
    """The whole ledger of several series; a series without entries has an empty list."""
    entries: dict[int, list[Entry]] = {series_id: [] for series_id in series_ids}
    found = await connection.execute(
        f"SELECT series_id, {_COLUMNS} FROM ops.coverage WHERE series_id = ANY(%s) ORDER BY series_id, lower(span)",
        [list(series_ids)],
    )
    for series_id, *columns in await found.fetchall():
        entries[series_id].append(_entry(columns))
    return entries


def _entry(row: Sequence[Any]) -> Entry:
    start, end, status, cause, attempts, retry_at, evidence = row
    return Entry(Span(start, end), Status(status), cause, attempts, retry_at, evidence)


async def record(connection: AsyncConnection[Any], series_id: int, news: Sequence[Entry], *, ingest_id: int) -> None:
    """Overlay `news` on the ledger of one series; what it replaces goes to the history.

    The series must be locked (`begin_ingest`), or two writers could read the same ledger and lose one's news.
    """
    if not news:
        return
    reach = Span(min(each.span.start for each in news), max(each.span.end for each in news))
    before = await _touching(connection, series_id, reach)
    after = overlay(before.values(), news)
    kept = set(map(_key, after))
    replaced = [entry_start for entry_start, entry in before.items() if _key(entry) not in kept]
    stood = {_key(entry) for entry in before.values()}
    fresh = [entry for entry in after if _key(entry) not in stood]
    if replaced:
        await connection.execute(_TO_HISTORY, {"id": series_id, "starts": replaced, "ingest_id": ingest_id})
    async with connection.cursor() as cursor:
        await cursor.executemany(_INSERT, [_row(series_id, entry, ingest_id) for entry in fresh])


async def _touching(connection: AsyncConnection[Any], series_id: int, reach: Span) -> Mapping[datetime, Entry]:
    # Neighbours that only touch are read as well: they may say the same and become one.
    wider = Span(reach.start - MICROSECOND, reach.end + MICROSECOND)
    return {entry.span.start: entry for entry in await read(connection, series_id, wider)}


def _key(entry: Entry) -> tuple[object, ...]:
    return (entry.span, entry.status, entry.cause, entry.attempts, entry.retry_at, repr(entry.evidence))


def _row(series_id: int, entry: Entry, ingest_id: int) -> tuple[object, ...]:
    return (
        series_id, entry.span.start, entry.span.end, entry.status.value, entry.cause, entry.attempts,
        entry.retry_at, Jsonb(dict(entry.evidence)), ingest_id,
    )  # fmt: skip


_TO_HISTORY = """
WITH replaced AS (
    DELETE FROM ops.coverage WHERE series_id = %(id)s AND lower(span) = ANY(%(starts)s)
    RETURNING *
)
INSERT INTO ops.coverage_history SELECT replaced.*, %(ingest_id)s FROM replaced
"""
_INSERT = """
INSERT INTO ops.coverage (series_id, span, status, cause, attempts, retry_at, evidence, ingest_id)
VALUES (%s, tstzrange(%s, %s), %s, %s, %s, %s, %s, %s)
"""

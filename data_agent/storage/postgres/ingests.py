"""The frame of every write: one series locked, one ingest drawn, one place in the order of commits.

Two locks make two promises (docs/data-model.md):

* *the series' lock*, taken first: within one series `ingest_id` follows the order of commits, so "what was committed
  up to version V" is `ingest_id <= V`;
* *the lock of the commit order*, taken last and held to the end of the transaction: `committed_at` follows the order
  of commits over all series, so a reader who sees one ingest sees every ingest before it, and `as_of` can be
  repeated. PostgreSQL releases it after the rows have become visible.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from psycopg import AsyncConnection

from data_agent.core.time import Span

Source = Literal["rest", "ws", "built", "import", "gate"]
SERIES_LOCK = 7302
# dbt's publication takes it as well (dbt_project/macros/publish_slices.sql): `published_at` is in the same order.
_COMMIT_ORDER_LOCK = 7_302_003


class Ingest(Struct, frozen=True):
    """What one write transaction tells of itself. Counts are rows."""

    ingest_id: int
    run_id: str
    source: Source
    series_id: int
    span: Span
    observed_at: datetime
    count_received: int = 0
    count_inserted: int = 0
    count_revised: int = 0
    count_rejected: int = 0


async def begin_ingest(connection: AsyncConnection[Any], series_id: int) -> int:
    """Lock the series until the end of the transaction and draw the ingest's id."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", [SERIES_LOCK, series_id])
    drawn = await connection.execute("SELECT nextval('ops.ingest_ids')")
    row = await drawn.fetchone()
    assert row is not None  # noqa: S101  # nextval answers one row or raises
    return int(row[0])


async def end_ingest(connection: AsyncConnection[Any], ingest: Ingest) -> datetime:
    """Record the ingest and take its place in the order of commits; the caller commits at once.

    Returns:
        `committed_at`: greater than that of every ingest committed before.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_COMMIT_ORDER_LOCK])
    recorded = await connection.execute(_INSERT, [*_columns(ingest)])
    row = await recorded.fetchone()
    assert row is not None  # noqa: S101  # an INSERT … RETURNING of one row
    committed_at: datetime = row[0]
    return committed_at


def _columns(ingest: Ingest) -> Iterator[object]:
    yield from (ingest.ingest_id, ingest.run_id, ingest.source, ingest.series_id, *ingest.span, ingest.observed_at)
    yield from (ingest.count_received, ingest.count_inserted, ingest.count_revised, ingest.count_rejected)


_INSERT = """
INSERT INTO ops.ingests (
    ingest_id, run_id, source, series_id, span, observed_at, committed_at,
    count_received, count_inserted, count_revised, count_rejected
)
SELECT
    %s, %s, %s, %s, tstzrange(%s, %s), %s,
    greatest(
        clock_timestamp(),
        (SELECT max(committed_at) + interval '1 microsecond' FROM ops.ingests)
    ),
    %s, %s, %s, %s
RETURNING committed_at
"""

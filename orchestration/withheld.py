"""What the gate withheld is told to the ledger, so that repair asks the venue for it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import kwargs_row

from data_agent.core.time import Span, utc_now
from data_agent.coverage.evidence import retry_pause
from data_agent.coverage.ledger import Entry, Status
from data_agent.storage.postgres import ledger
from data_agent.storage.postgres.database import create_pool
from data_agent.storage.postgres.ingests import Ingest, begin_ingest, end_ingest


class WithheldCandle(Struct, frozen=True):
    """A venue's candle whose shown version broke a blocking rule and was not told of before."""

    series_id: int
    open_time: datetime
    close_time: datetime
    rule: str


async def tell_ledger(database_url: str, *, run_id: str) -> int:
    """Mark the candles of the frozen slices that are withheld for the first time as `unverified`.

    A candle is told of once per version: what a published verdict has already judged stays as the ledger has it, with
    the attempts that were made since. Built candles have no ledger; the minutes they are made of do.

    Returns:
        How many candles were told of.
    """
    async with create_pool(database_url, max_size=1) as pool, pool.connection() as connection:
        await connection.set_autocommit(True)
        withheld = await _withheld(connection)
        for series_id, candles in groupby(withheld, key=attrgetter("series_id")):
            async with connection.transaction():
                await _tell(connection, series_id, list(candles), run_id)
        return len(withheld)


async def _withheld(connection: AsyncConnection[Any]) -> list[WithheldCandle]:
    async with connection.cursor(row_factory=kwargs_row(WithheldCandle)) as cursor:
        await cursor.execute(_WITHHELD)
        return await cursor.fetchall()


async def _tell(
    connection: AsyncConnection[Any], series_id: int, candles: Sequence[WithheldCandle], run_id: str
) -> None:
    ingest_id = await begin_ingest(connection, series_id)
    now = utc_now()
    retry_at = now + retry_pause(1)
    entries = [
        Entry(Span(each.open_time, each.close_time), Status.UNVERIFIED, f"failed rule {each.rule}", 1, retry_at)
        for each in candles
    ]
    await ledger.record(connection, series_id, entries, ingest_id=ingest_id)
    await end_ingest(
        connection,
        Ingest(
            ingest_id=ingest_id,
            run_id=run_id,
            source="gate",
            series_id=series_id,
            span=Span(candles[0].open_time, candles[-1].close_time),
            observed_at=now,
            count_received=len(candles),
            count_rejected=len(candles),
        ),
    )


# The newest published verdict of the slice says up to which ingest its candles were judged, and told of, before.
_WITHHELD = """
SELECT
    candidates.series_id, candidates.open_time, max(candidates.close_time) AS close_time,
    min(verdicts.rule) AS rule
FROM intermediate.int_candles__candidates AS candidates
INNER JOIN ops.row_verdicts AS verdicts
    ON
        candidates.series_id = verdicts.series_id
        AND candidates.open_time = verdicts.open_time
        AND candidates.slice_version = verdicts.version
        AND verdicts.severity = 'block'
WHERE
    candidates.origin = 'venue'
    AND candidates.ingest_id > coalesce((
        SELECT max(slices.version) FROM ops.slice_verdicts AS slices
        WHERE
            slices.series_id = candidates.series_id AND slices.day = candidates.slice_day
            AND slices.published_at IS NOT NULL
    ), 0)
GROUP BY candidates.series_id, candidates.open_time
ORDER BY candidates.series_id, candidates.open_time
"""

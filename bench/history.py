"""A long history, put in place by PostgreSQL itself: what is measured later is the increment, not the filling."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg

from bench.candles import START
from data_agent.core.time import Span
from data_agent.storage.postgres.database import create_pool
from data_agent.storage.postgres.layout import MonthlyPartitions, months_of
from data_agent.storage.postgres.series import Series

MINUTES = 1_000_000
END = START + timedelta(minutes=MINUTES)


def fill(database_url: str, series: list[Series]) -> None:
    """A million one-minute candles per series, raw and published, as if collected and judged long ago.

    The marts must exist: dbt has run once.
    """
    asyncio.run(_make_partitions(database_url))
    with psycopg.connect(database_url, autocommit=True) as connection:
        for each in series:
            parameters = {"series_id": each.series_id, "start": START, "minutes": MINUTES, "end": END}
            for table in ("raw.candles", "marts.candles", "ops.coverage"):
                connection.execute(f"DELETE FROM {table} WHERE series_id = %s", [each.series_id])
            connection.execute(_INGEST, parameters)
            connection.execute(_RAW, parameters)
            connection.execute(_MARTS, parameters)
            connection.execute(_LEDGER, parameters)
        connection.execute("VACUUM ANALYZE")


async def _make_partitions(database_url: str) -> None:
    async with create_pool(database_url) as pool, pool.connection() as connection:
        await connection.set_autocommit(True)
        await MonthlyPartitions("raw", "candles").ensure(connection, months_of(Span(START, END)))


_INGEST = """
INSERT INTO ops.ingests
SELECT nextval('ops.ingest_ids'), 'bench', 'rest', %(series_id)s, tstzrange(%(start)s, %(end)s), now(),
       clock_timestamp(), %(minutes)s, %(minutes)s, 0, 0
"""
_RAW = """
INSERT INTO raw.candles
SELECT
    %(series_id)s, %(start)s + minute * interval '1 minute', 100 + minute %% 7 * 0.01, 101.25, 99.75,
    100 + (minute + 1) %% 7 * 0.01, 12.34567800, 1234.56780000, 42, now(), currval('ops.ingest_ids')
FROM generate_series(0, %(minutes)s - 1) AS minute
"""
_MARTS = """
INSERT INTO marts.candles
SELECT
    series_id, instrument_id, venue, product, symbol, timeframe, origin, open_time, open_time + interval '1 minute',
    open, high, low, close, volume, quote_volume, trade_count, 'rest', observed_at, ingest_id, 1.0, '{}',
    (open_time AT TIME ZONE 'UTC')::date, ingest_id
FROM raw.candles INNER JOIN ref.current_series USING (series_id)
WHERE series_id = %(series_id)s
"""
_LEDGER = """
INSERT INTO ops.coverage (series_id, span, status, ingest_id)
VALUES (%(series_id)s, tstzrange(%(start)s, %(end)s), 'complete', currval('ops.ingest_ids'))
"""

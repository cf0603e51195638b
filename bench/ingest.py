"""The writer against PostgreSQL's own bare COPY into the same keyed table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import psycopg

from bench.candles import make_candles, make_page
from bench.results import Result, percentile
from bench.servers import Servers, make_series
from data_agent.core.records import Candle
from data_agent.storage.postgres.database import create_pool
from data_agent.storage.postgres.series import Series
from data_agent.storage.postgres.writer import CandleWriter, copy_lines

COUNT = 1_000_000
ROWS_PER_PAGE = 50_000
PAGES_AT_ONCE = 2  # the next page travels while this one is inserted, as in a backfill
_KEYED = """
CREATE TABLE bare (LIKE raw.candles, PRIMARY KEY (series_id, open_time));
ALTER TABLE bare ALTER series_id SET DEFAULT 1, ALTER ingest_id SET DEFAULT 1
"""
_BARE_COPY = """
COPY bare (open_time, open, high, low, close, volume, quote_volume, trade_count, observed_at)
FROM STDIN WITH (FORMAT csv, NULL 'null')
"""


def run(servers: Servers) -> Iterator[Result]:
    """`ingest_rows_per_second` and `write_batch_p95_ms`."""
    candles = make_candles(COUNT)
    bulk, batches = make_series(servers.database_url, "BULK/USDT", "BATCH/USDT")
    bare_seconds = min(_bare_copy(servers.database_url, candles) for _ in range(2))
    seconds = asyncio.run(_write_all(servers.database_url, bulk, candles))
    yield Result(
        "ingest_rows_per_second",
        round(COUNT / seconds),
        "rows/s",
        f"bare text COPY into the same keyed table: {COUNT / bare_seconds:.0f} rows/s",
        round(bare_seconds / seconds, 3),
        0.35,
        "ratio at least",
    )
    latencies = asyncio.run(_write_batches(servers.database_url, batches, candles[:300_000]))
    p95 = percentile(latencies, 0.95) * 1000
    yield Result("write_batch_p95_ms", round(p95, 2), "ms", "", None, 25, "value at most")


def _bare_copy(database_url: str, candles: list[Candle]) -> float:
    lines = copy_lines(candles)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute(_KEYED)
        started = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(_BARE_COPY) as copy:
            copy.write(lines)
        seconds = time.perf_counter() - started
        connection.execute("DROP TABLE bare")
    return seconds


async def _write_all(database_url: str, series: Series, candles: list[Candle]) -> float:
    pages = [make_page(candles[at : at + ROWS_PER_PAGE]) for at in range(0, len(candles), ROWS_PER_PAGE)]
    async with create_pool(database_url) as pool:
        writer, slots = CandleWriter(pool), asyncio.Semaphore(PAGES_AT_ONCE)

        async def write(number: int) -> None:
            async with slots:
                await writer.write(series, pages[number], run_id="bench", source="rest", empty_interval="carried")

        started = time.perf_counter()
        await asyncio.gather(*map(write, range(len(pages))))
        return time.perf_counter() - started


async def _write_batches(database_url: str, series: Series, candles: list[Candle]) -> list[float]:
    latencies = []
    async with create_pool(database_url) as pool:
        writer = CandleWriter(pool)
        for at in range(0, len(candles), 1_000):
            page = make_page(candles[at : at + 1_000])
            started = time.perf_counter()
            await writer.write(series, page, run_id="bench", source="rest", empty_interval="carried")
            latencies.append(time.perf_counter() - started)
    return latencies

"""The statements behind `/v1/candles` stay cheap however long the history: partitions ruled out, indexes used."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from api import store
from api.candles import repository
from api.candles.repository import View
from api.series.repository import find
from data_agent.core.time import Span, Timeframe
from data_agent.storage.postgres.layout import MonthlyPartitions, months_of
from tests.api.support import MIDNIGHT, World, at

pytestmark = pytest.mark.integration
YEAR = Span(MIDNIGHT, MIDNIGHT + timedelta(days=365))


@pytest.fixture
async def year(world: World, database_url: str) -> str:
    """A year of one-minute candles in monthly partitions, published, with a few revisions."""
    await world.list_instruments("BTC/USDT", "ETH/USDT")
    await world.create_marts()
    async with world.pool.connection() as connection:
        await connection.set_autocommit(True)
        await MonthlyPartitions("raw", "candles").ensure(connection, months_of(YEAR))
        parameters = {"series_id": world.series().series_id, "start": YEAR.start, "end": YEAR.end}
        for statement in _FILL:
            await connection.execute(statement, parameters if "%(" in statement else None)
    return database_url


_FILL = (
    """
    INSERT INTO ops.ingests
    SELECT number, 'run', 'rest', %(series_id)s, tstzrange(%(start)s, %(end)s), %(start)s,
        %(start)s + number * interval '1 second', 1000, 1000, 0, 0
    FROM generate_series(1, 526) AS number
    """,
    """
    INSERT INTO raw.candles
    SELECT %(series_id)s, moment, 1, 1, 1, 1, 1, NULL, NULL, moment,
        1 + extract(EPOCH FROM moment - %(start)s)::bigint / 60000
    FROM generate_series(%(start)s, %(end)s - interval '1 minute', interval '1 minute') AS moment
    """,
    """
    INSERT INTO raw.candles_revisions
    SELECT series_id, open_time, observed_at + interval '1 hour', 2, 2, 2, 2, 2, NULL, NULL, FALSE, ingest_id
    FROM raw.candles WHERE extract(MINUTE FROM open_time) = 7
    """,
    """
    INSERT INTO marts.candles (series_id, open_time, ingest_id)
    SELECT series_id, open_time, ingest_id FROM raw.candles
    """,
    """
    INSERT INTO ops.slice_verdicts
    SELECT %(series_id)s, day::date, 526, TRUE, 1440, 0, 0, 1440, 1, 'run', day, day
    FROM generate_series(%(start)s, %(end)s, interval '1 day') AS day
    """,
    "VACUUM ANALYZE",
)


async def plan(connection: store.Connection, query: bytes, parameters: dict[str, Any]) -> tuple[str, int]:
    """The plan as it was executed, and how many blocks it touched."""
    explain = b"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) "
    found = await connection.execute(explain + query, parameters, prepare=True)
    lines = [row[0] for row in await found.fetchall()]
    touched = next(line for line in lines if "Buffers: shared" in line)
    blocks = sum(int(part.split("=")[1]) for part in touched.split() if part.startswith(("hit=", "read=")))
    return "\n".join(lines), blocks


@pytest.mark.parametrize("published", ["now", "then", "never"])
async def test_a_page_touches_its_own_month_by_index(year: str, published: str) -> None:
    blocks = {}
    async with store.Store(year) as opened, opened.snapshot() as connection:
        view = await _view(connection, published)
        for start in (3, 200):
            parameters = _parameters(view, MIDNIGHT + timedelta(days=start))
            text, blocks[start] = await plan(connection, repository._PAGES[published], parameters)
            month = f"candles_{MIDNIGHT + timedelta(days=start):%Y_%m}"
            assert month in text
            others = [line for line in text.splitlines() if "candles_2026" in line and month not in line]
            assert all("never executed" in line or "Subplans Removed" in line for line in others), text
            assert "Seq Scan on candles" not in text
            assert "Seq Scan on candles_revisions" not in text
    assert max(blocks.values()) < 400, f"1,000 candles touch {blocks} blocks of 8 kB"


async def test_the_present_stretches_touch_their_own_month(year: str) -> None:
    async with store.Store(year) as opened, opened.snapshot() as connection:
        view = await _view(connection, "now")
        text, blocks = await plan(connection, repository._PRESENT["venue"], _parameters(view, at(1440 * 40)))
    assert "Seq Scan" not in text
    assert blocks < 100


async def _view(connection: store.Connection, published: str) -> View:
    series = await find(
        connection, exchange="binance", symbol="BTC/USDT", timeframe=Timeframe.M1, origin="venue", as_of=MIDNIGHT
    )
    assert series is not None
    return View(series, 2**63 - 1, datetime.max.replace(tzinfo=MIDNIGHT.tzinfo), published)


def _parameters(view: View, start: datetime) -> dict[str, Any]:
    return {
        "series_id": view.series.series_id,
        "start": start,
        "end": start + timedelta(minutes=1000),
        "horizon": view.horizon,
        "as_of": view.as_of,
        "source_series_id": view.series.source_series_id,
        "withheld": [],
        "limit": 1000,
        "duration": timedelta(minutes=1),
        "min_quality": 0,
        "qualities": repository._QUALITIES,
        "provisional_quality": repository.PROVISIONAL_QUALITY,
    }

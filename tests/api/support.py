"""A store to ask questions about: real rows by the real writer, and publications as dbt and the gate make them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from data_agent.core.records import Candle, CandlePage, Instrument
from data_agent.core.time import Span, Timeframe
from data_agent.storage.postgres.series import Series, ensure_candle_series, load_candle_series, sync_instruments
from data_agent.storage.postgres.writer import CandleWriter, WriteResult

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_DATA_MODEL = Path(__file__).parents[2] / "docs" / "data-model.md"


def at(minutes: int) -> datetime:
    """So many minutes after midnight."""
    return MIDNIGHT + minutes * MINUTE


def candle(minutes: int, *, observed_at: datetime, close: str = "100.10", **values: str) -> Candle:
    numbers = {"open": "100.00", "high": "101.50", "low": "99.90", "close": close, "volume": "1.50000"} | values
    return Candle(
        open_time=at(minutes),
        **{name: Decimal(text) for name, text in numbers.items()},
        quote_volume=None,
        trade_count=7,
        observed_at=observed_at,
    )


def marts_ddl() -> str:
    """`marts.candles` as docs/data-model.md promises it: the document is the contract."""
    section = _DATA_MODEL.read_text().split("## marts.candles (contract)")[1].split("\n## ")[0]
    columns = []
    for names, kind in re.findall(r"^\| ([a-z_, ]+) \| ([a-z\[\]]+) \|", section, re.MULTILINE):
        if names.strip() != "column":
            columns += [f"{name.strip()} {kind}" for name in names.split(",")]
    assert len(columns) >= 20, "the contract's table could not be read"
    return (
        f"CREATE SCHEMA IF NOT EXISTS marts; CREATE TABLE marts.candles ({', '.join(columns)});"
        "CREATE UNIQUE INDEX ON marts.candles (series_id, open_time)"
    )


class World:
    """One database with two exchanges, and whoever writes into it."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self.pool = pool
        self._writer = CandleWriter(pool)
        self._series: dict[tuple[str, str, str, str], Series] = {}

    async def list_instruments(
        self,
        *symbols: str,
        venue: str = "binance",
        timeframes: Iterable[str] = ("1m", "5m"),
        listed_at: datetime | None = None,
        inactive: Iterable[str] = (),
    ) -> None:
        instruments = [
            Instrument(
                venue=venue,
                product="spot",
                market_id=symbol.replace("/", ""),
                symbol=symbol,
                base=symbol.split("/")[0],
                quote=symbol.split("/")[1],
                price_increment=Decimal("0.0100"),
                amount_increment=Decimal("0.00000001"),
                is_active=symbol not in inactive,
                listed_at=listed_at,
            )
            for symbol in symbols
        ]
        async with self.pool.connection() as connection:
            await sync_instruments(connection, instruments, observed_at=MIDNIGHT - timedelta(days=30))
            await ensure_candle_series(
                connection, venue=venue, product="spot", symbols=symbols, timeframes=map(Timeframe, timeframes)
            )
            for origin in ("venue", "built"):
                for series in await load_candle_series(connection, venue=venue, origin=origin):
                    self._series[venue, series.symbol, series.timeframe.value, origin] = series

    def series(
        self, symbol: str = "BTC/USDT", timeframe: str = "1m", venue: str = "binance", origin: str = "venue"
    ) -> Series:
        return self._series[venue, symbol, timeframe, origin]

    async def write(
        self,
        candles: Iterable[Candle],
        *,
        series: Series | None = None,
        span: Span | None = None,
        observed_at: datetime | None = None,
        run_id: str = "run-1",
        empty_interval: str = "carried",
    ) -> WriteResult:
        rows = tuple(sorted(candles, key=lambda each: each.open_time))
        series = series or self.series()
        span = span or Span(rows[0].open_time, rows[-1].open_time + series.timeframe.duration)
        page = CandlePage(
            span=span,
            settled_until=span.end,
            candles=rows,
            rejects=(),
            running=None,
            observed_at=observed_at or max(row.observed_at for row in rows),
        )
        return await self._writer.write(series, page, run_id=run_id, source="rest", empty_interval=empty_interval)

    async def create_marts(self) -> None:
        async with self.pool.connection() as connection:
            for statement in marts_ddl().split(";"):
                await connection.execute(statement)

    async def publish(
        self,
        series: Series | None = None,
        *,
        day: datetime = MIDNIGHT,
        block: Mapping[datetime, str] | None = None,
        warn: Mapping[datetime, str] | None = None,
    ) -> None:
        """Judge one slice at the version it has now, and publish what passed: one transaction, as dbt's."""
        series = series or self.series()
        async with self.pool.connection() as connection, connection.transaction():
            version = await _dirty_version(connection, series.series_id, day)
            parameters: dict[str, Any] = {
                "series_id": series.series_id,
                "instrument": series.market_id,
                "day": day.date(),
                "start": day,
                "version": version,
                "minutes": series.timeframe.duration,
                "blocked": list(block or ()),
            }
            for severity, rules in (("block", block or {}), ("warn", warn or {})):
                for moment, rule in rules.items():
                    await connection.execute(
                        "INSERT INTO ops.row_verdicts VALUES (%s, %s, %s, %s, %s, %s)",
                        [series.series_id, moment, version, rule, severity, f"{rule} was broken"],
                    )
            for statement in _PUBLISH:
                await connection.execute(statement, parameters)


async def _dirty_version(connection: AsyncConnection[Any], series_id: int, day: datetime) -> int:
    found = await connection.execute(
        "SELECT version FROM ops.dirty_slices WHERE series_id = %s AND day = %s", [series_id, day.date()]
    )
    row = await found.fetchone()
    assert row is not None, "nothing changed since the last publication"
    return int(row[0])


_PUBLISH = (
    """
    INSERT INTO ops.slice_verdicts
    SELECT
        %(series_id)s, %(day)s, %(version)s, cardinality(%(blocked)s::timestamptz[]) = 0, 1440,
        cardinality(%(blocked)s::timestamptz[]), 0, 1440, 1, 'gate-1', clock_timestamp(), NULL
    """,
    """
    DELETE FROM marts.candles
    WHERE series_id = %(series_id)s AND open_time >= %(start)s AND open_time < %(start)s + interval '1 day'
    """,
    """
    INSERT INTO marts.candles
    SELECT
        latest.series_id, series.instrument_id, series.venue, series.product, series.symbol, series.timeframe,
        series.origin, latest.open_time, latest.open_time + %(minutes)s, latest.open, latest.high, latest.low,
        latest.close, latest.volume, latest.quote_volume, latest.trade_count, 'rest', latest.observed_at,
        latest.ingest_id, 1, '{}', %(day)s, %(version)s
    FROM (
        SELECT DISTINCT ON (open_time) versions.* FROM (
            SELECT
                series_id, open_time, open, high, low, close, volume, quote_volume, trade_count, observed_at, ingest_id
            FROM raw.candles
            UNION ALL
            SELECT
                series_id, open_time, open, high, low, close, volume, quote_volume, trade_count, observed_at, ingest_id
            FROM raw.candles_revisions WHERE NOT is_superseded
        ) AS versions
        WHERE
            series_id = %(series_id)s AND ingest_id <= %(version)s
            AND open_time >= %(start)s AND open_time < %(start)s + interval '1 day'
        ORDER BY open_time, observed_at DESC
    ) AS latest
    INNER JOIN ref.current_series AS series USING (series_id)
    WHERE latest.open_time <> ALL(%(blocked)s::timestamptz[])
    """,
    "SELECT pg_advisory_xact_lock(7302003)",  # a publication has its place in the order of commits as well
    """
    UPDATE ops.slice_verdicts SET published_at = clock_timestamp()
    WHERE series_id = %(series_id)s AND day = %(day)s AND version = %(version)s
    """,
    "DELETE FROM ops.dirty_slices WHERE series_id = %(series_id)s AND day = %(day)s AND version = %(version)s",
)

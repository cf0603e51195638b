"""A store with one instrument and a writer, and words to speak of candles briefly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from data_agent.core.records import Candle, CandlePage, Instrument, Reject
from data_agent.core.time import Span, Timeframe
from data_agent.storage.postgres.database import create_pool
from data_agent.storage.postgres.series import Series, ensure_candle_series, load_candle_series, sync_instruments
from data_agent.storage.postgres.writer import CandleWriter, WriteResult

START = datetime(2026, 1, 5, tzinfo=UTC)
SEEN = datetime(2026, 1, 6, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def seen(second: float) -> datetime:
    return SEEN + timedelta(seconds=second)


def candle(minute: int, close: str = "100.10", *, observed_at: datetime = SEEN) -> Candle:
    price = Decimal(close)
    return Candle(at(minute), price, price, price, price, Decimal("1.50"), Decimal("0E-8"), 3, observed_at)


def page(*candles: Candle, span: Span | None = None, rejects: tuple[Reject, ...] = ()) -> CandlePage:
    """A settled page; its span is that of its candles unless told."""
    observed_at = max((each.observed_at for each in candles), default=SEEN)
    if span is None:
        span = Span(
            min(each.open_time for each in candles), max(each.open_time for each in candles) + timedelta(minutes=1)
        )
    return CandlePage(span, span.end, tuple(candles), rejects, None, observed_at)


class Store:
    """What a test does with the store."""

    def __init__(self, pool: AsyncConnectionPool[Any], series: dict[tuple[str, str], Series]) -> None:
        self.pool = pool
        self.all_series = series
        self.series = series["BTC/USDT", "1m"]
        self.writer = CandleWriter(pool)

    async def write(self, *candles: Candle, series: Series | None = None) -> WriteResult:
        return await self.write_page(page(*candles), series=series)

    async def write_page(self, written: CandlePage, *, series: Series | None = None) -> WriteResult:
        return await self.writer.write(
            series or self.series, written, run_id="test", source="rest", empty_interval="carried"
        )

    async def rows(self, statement: str, *parameters: object) -> list[Any]:
        async with self.pool.connection() as connection:
            found = await connection.execute(statement, parameters)
            return await found.fetchall()

    async def versions(self, minute: int) -> list[tuple[str, bool]]:
        """Every version of one candle as (close, is_superseded), in the order of observation."""
        return await self.rows(
            "SELECT close::text, is_superseded FROM ("
            " SELECT observed_at, close, FALSE AS is_superseded, open_time FROM raw.candles WHERE series_id = %s"
            " UNION ALL SELECT observed_at, close, is_superseded, open_time FROM raw.candles_revisions"
            " WHERE series_id = %s) AS v WHERE open_time = %s ORDER BY observed_at",
            self.series.series_id, self.series.series_id, at(minute),
        )  # fmt: skip

    async def latest(self, minute: int) -> str:
        return [close for close, is_superseded in await self.versions(minute) if not is_superseded][-1]

    async def dirty(self) -> dict[Any, int]:
        return dict(await self.rows("SELECT day::text, version FROM ops.dirty_slices"))


def instrument(symbol: str, market_id: str | None = None, **changes: Any) -> Instrument:
    base, quote = symbol.split("/")
    columns: dict[str, Any] = {
        "venue": "binance", "product": "spot", "market_id": market_id or base + quote, "symbol": symbol, "base": base,
        "quote": quote, "price_increment": Decimal("0.01"), "amount_increment": Decimal("0.00001"), "is_active": True,
        "listed_at": None,
    }  # fmt: skip
    return Instrument(**(columns | changes))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with create_pool(database_url, max_size=12) as pool:
        async with pool.connection() as connection:
            await sync_instruments(connection, [instrument("BTC/USDT"), instrument("ETH/USDT")], observed_at=START)
            await ensure_candle_series(
                connection,
                venue="binance",
                product="spot",
                symbols=["BTC/USDT", "ETH/USDT"],
                timeframes=[Timeframe.M1, Timeframe.H1],
            )
            found = await load_candle_series(connection)
        yield Store(pool, {(each.symbol, each.timeframe): each for each in found})

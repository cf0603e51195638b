"""Instruments and series: the surrogate ids in every key, and the names they had when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import kwargs_row

from data_agent.core.errors import StorageError
from data_agent.core.records import Instrument
from data_agent.core.time import Timeframe


class Series(Struct, frozen=True):
    """One series under the name its instrument has now."""

    series_id: int
    venue: str
    product: str
    market_id: str
    symbol: str
    timeframe: Timeframe
    origin: str
    listed_at: datetime | None

    def __str__(self) -> str:
        return f"{self.venue} {self.symbol} {self.timeframe}{'' if self.origin == 'venue' else ' ' + self.origin}"


async def sync_instruments(
    connection: AsyncConnection[Any], instruments: Sequence[Instrument], *, observed_at: datetime
) -> int:
    """Bring `ref.instruments` and their versions up to what one product of one venue lists now.

    A change ends the present version and begins another; an instrument no longer listed becomes inactive. Writing
    the same list again changes nothing.

    Returns:
        How many versions began.

    Raises:
        StorageError: the list is empty (a venue without instruments is a fault, not news) or mixes products.
    """
    products = {(each.venue, each.product) for each in instruments}
    if len(products) != 1:
        raise StorageError(f"instruments must be those of exactly one product, not of {sorted(products)}")
    [(venue, product)] = products
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{venue}/{product}"])
        await connection.execute(_STAGE_TABLE)
        async with connection.cursor() as cursor:
            await cursor.executemany(_STAGE, [_columns(each) for each in instruments])
        await connection.execute(_IDENTITIES, {"observed_at": observed_at})
        await connection.execute(_DELISTED, {"venue": venue, "product": product})
        await connection.execute(_END_VERSIONS, {"observed_at": observed_at})
        begun = await connection.execute(_BEGIN_VERSIONS, {"observed_at": observed_at})
        await connection.execute("DROP TABLE instruments_seen")
        return begun.rowcount


def _columns(each: Instrument) -> tuple[object, ...]:
    return (
        each.venue, each.product, each.market_id, each.symbol, each.base, each.quote,
        each.price_increment, each.amount_increment, each.is_active, each.listed_at,
    )  # fmt: skip


_STAGE_TABLE = """
CREATE TEMP TABLE instruments_seen ON COMMIT DROP AS
SELECT
    instruments.venue, instruments.product, instruments.market_id, versions.symbol, versions.base, versions.quote,
    versions.price_increment, versions.amount_increment, versions.is_active, versions.listed_at
FROM ref.instruments INNER JOIN ref.instrument_versions AS versions USING (instrument_id)
WITH NO DATA
"""
_STAGE = "INSERT INTO instruments_seen VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_IDENTITIES = """
INSERT INTO ref.instruments (venue, product, market_id, first_seen_at)
SELECT venue, product, market_id, %(observed_at)s FROM instruments_seen
ON CONFLICT (venue, product, market_id) DO NOTHING
"""
_DELISTED = """
INSERT INTO instruments_seen
SELECT
    instruments.venue, instruments.product, instruments.market_id, versions.symbol, versions.base, versions.quote,
    versions.price_increment, versions.amount_increment, FALSE, versions.listed_at
FROM ref.instruments INNER JOIN ref.instrument_versions AS versions USING (instrument_id)
WHERE
    venue = %(venue)s AND product = %(product)s AND valid_to IS NULL
    AND market_id NOT IN (SELECT seen.market_id FROM instruments_seen AS seen)
"""
# A version that began at or after this observation stays: an older answer that arrives late never ends a newer one.
_END_VERSIONS = """
UPDATE ref.instrument_versions AS versions SET valid_to = %(observed_at)s
FROM ref.instruments
INNER JOIN instruments_seen AS seen USING (venue, product, market_id)
WHERE
    instruments.instrument_id = versions.instrument_id AND versions.valid_to IS NULL
    AND versions.valid_from < %(observed_at)s
    AND (versions.symbol, versions.base, versions.quote, versions.price_increment, versions.amount_increment,
         versions.is_active, versions.listed_at)
    IS DISTINCT FROM (seen.symbol, seen.base, seen.quote, seen.price_increment, seen.amount_increment,
                      seen.is_active, seen.listed_at)
"""
_BEGIN_VERSIONS = """
INSERT INTO ref.instrument_versions
    (instrument_id, valid_from, symbol, base, quote, price_increment, amount_increment, is_active, listed_at)
SELECT
    instruments.instrument_id, %(observed_at)s, seen.symbol, seen.base, seen.quote, seen.price_increment,
    seen.amount_increment, seen.is_active, seen.listed_at
FROM instruments_seen AS seen
INNER JOIN ref.instruments USING (venue, product, market_id)
WHERE NOT EXISTS (
    SELECT 1 FROM ref.instrument_versions AS versions
    WHERE versions.instrument_id = instruments.instrument_id AND versions.valid_to IS NULL
)
"""


async def ensure_candle_series(
    connection: AsyncConnection[Any],
    *,
    venue: str,
    product: str,
    symbols: Collection[str],
    timeframes: Iterable[Timeframe],
) -> int:
    """Create the series of the given instruments that do not exist yet; returns how many were made.

    Beside each series of the venue's own candles stands one that is built from the one-minute candles, if these are
    collected at all.

    Raises:
        StorageError: an instrument is not known; `sync_instruments` comes first.
    """
    timeframes = tuple(timeframes)
    wanted = [(timeframe.value, "venue") for timeframe in timeframes]
    if Timeframe.M1 in timeframes:
        wanted += [(timeframe.value, "built") for timeframe in timeframes if timeframe is not Timeframe.M1]
    found = await connection.execute(_INSTRUMENT_IDS, [venue, product, list(symbols)])
    ids: dict[str, int] = dict(await found.fetchall())
    if unknown := sorted(set(symbols) - ids.keys()):
        raise StorageError(f"{venue} {product} does not list {', '.join(unknown)}")
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _SERIES,
            [(instrument_id, *each) for instrument_id in ids.values() for each in wanted],
        )
        return max(0, cursor.rowcount)


_INSTRUMENT_IDS = """
SELECT versions.symbol, instruments.instrument_id
FROM ref.instruments INNER JOIN ref.instrument_versions AS versions USING (instrument_id)
WHERE venue = %s AND product = %s AND versions.symbol = ANY(%s) AND versions.valid_to IS NULL
ORDER BY versions.is_active, instruments.instrument_id
"""
_SERIES = """
INSERT INTO ref.series (instrument_id, dataset, timeframe, price_type, origin)
VALUES (%s, 'candles', %s, 'trade', %s) ON CONFLICT DO NOTHING
"""


async def load_candle_series(
    connection: AsyncConnection[Any],
    *,
    venue: str | None = None,
    product: str | None = None,
    symbols: Collection[str] | None = None,
    timeframes: Collection[str] | None = None,
    origin: str = "venue",
) -> list[Series]:
    """The candle series that match, in the order of their ids; None matches everything."""
    async with connection.cursor(row_factory=kwargs_row(_series)) as cursor:
        await cursor.execute(
            _LOAD,
            {
                "venue": venue,
                "product": product,
                "symbols": None if symbols is None else list(symbols),
                "timeframes": None if timeframes is None else [str(each) for each in timeframes],
                "origin": origin,
            },
        )
        return await cursor.fetchall()


def _series(timeframe: str, **columns: Any) -> Series:
    return Series(timeframe=Timeframe(timeframe), **columns)


_LOAD = """
SELECT series_id, venue, product, market_id, symbol, timeframe, origin, listed_at
FROM ref.current_series
WHERE
    dataset = 'candles' AND origin = %(origin)s
    AND (%(venue)s::text IS NULL OR venue = %(venue)s)
    AND (%(product)s::text IS NULL OR product = %(product)s)
    AND (%(symbols)s::text[] IS NULL OR symbol = ANY(%(symbols)s))
    AND (%(timeframes)s::text[] IS NULL OR timeframe = ANY(%(timeframes)s))
ORDER BY series_id
"""

"""Reads which series there are, and what the snapshot at hand shows."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct
from psycopg.rows import class_row

from api.store import Connection, one, rows, statement
from data_agent.core.time import Timeframe

_FIND: Final = statement(__package__, "find")
_SNAPSHOT: Final = statement(__package__, "snapshot")
_EXCHANGES: Final = "SELECT DISTINCT venue FROM ref.instruments ORDER BY venue"
_SYMBOLS: Final = """
SELECT DISTINCT versions.symbol
FROM ref.instrument_versions AS versions INNER JOIN ref.instruments USING (instrument_id)
WHERE instruments.venue = %(exchange)s AND versions.valid_to IS NULL
ORDER BY versions.symbol
"""
_COLLECTED: Final = """
SELECT DISTINCT symbol, timeframe, origin FROM ref.current_series
WHERE venue = %(exchange)s AND symbol = %(symbol)s AND dataset = 'candles'
"""


class Snapshot(Struct, frozen=True):
    """What one snapshot of the store shows.

    Attributes:
        clock: PostgreSQL's clock when the snapshot began.
        newest_change: the newest commit of rows or publication of a slice; None in an empty store.
        has_marts: whether published candles exist at all.
    """

    clock: datetime
    newest_change: datetime | None
    has_marts: bool


class SeriesRow(Struct, frozen=True):
    """One series under the name its instrument has.

    Attributes:
        source_series_id: the series whose ledger and raw rows tell about this one: itself, or for a built one the
            one-minute series it is built from.
    """

    series_id: int
    source_series_id: int
    exchange: str
    product: str
    symbol: str
    timeframe: Timeframe
    origin: str
    listed_at: datetime | None


async def read_snapshot(connection: Connection) -> Snapshot:
    """What the snapshot at hand shows."""
    async with connection.cursor(row_factory=class_row(Snapshot)) as cursor:
        found = await (await cursor.execute(_SNAPSHOT)).fetchone()
        assert found is not None  # noqa: S101  # a SELECT without FROM answers one row
        return found


async def find(
    connection: Connection, *, exchange: str, symbol: str, timeframe: Timeframe, origin: str, as_of: datetime
) -> SeriesRow | None:
    """The series of this name at `as_of`, or None."""
    row = await one(
        connection, _FIND, exchange=exchange, symbol=symbol, timeframe=timeframe.value, origin=origin, as_of=as_of
    )
    return None if row is None else SeriesRow(**(row | {"timeframe": Timeframe(row["timeframe"])}))


async def exchanges(connection: Connection) -> list[str]:
    """The exchanges of which anything is known."""
    return [row["venue"] for row in await rows(connection, _EXCHANGES)]


async def symbols(connection: Connection, exchange: str) -> list[str]:
    """The symbols an exchange lists."""
    return [row["symbol"] for row in await rows(connection, _SYMBOLS, exchange=exchange)]


async def collected(connection: Connection, exchange: str, symbol: str) -> list[tuple[str, str]]:
    """Timeframe and origin of each series of candles that is collected of a symbol."""
    found = await rows(connection, _COLLECTED, exchange=exchange, symbol=symbol)
    return [(row["timeframe"], row["origin"]) for row in found]

"""Reads what the gauges show."""

from __future__ import annotations

from typing import Final

from psycopg.rows import DictRow

from api.store import Connection, rows, statement

_NEWEST: Final = statement(__package__, "newest")
_DIRTY: Final = statement(__package__, "dirty")
_REJECTS: Final = statement(__package__, "rejects")


async def newest(connection: Connection) -> list[DictRow]:
    """Per exchange, product and timeframe: the age of the newest candle and the last day's coverage, worst series."""
    return await rows(connection, _NEWEST)


async def dirty(connection: Connection) -> list[DictRow]:
    """Per exchange: slices that wait for the gate."""
    return await rows(connection, _DIRTY)


async def rejects(connection: Connection) -> list[DictRow]:
    """Per exchange and reason: what could not be understood."""
    return await rows(connection, _REJECTS)

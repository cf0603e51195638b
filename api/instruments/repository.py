"""Reads instruments."""

from __future__ import annotations

from typing import Final

from psycopg.rows import DictRow

from api.store import Connection, rows, statement

_INSTRUMENTS: Final = statement(__package__, "instruments")


async def instruments(connection: Connection, **filters: object) -> list[DictRow]:
    """Instruments in the order of their names; see `sql/instruments.sql` for the filters."""
    return await rows(connection, _INSTRUMENTS, **filters)

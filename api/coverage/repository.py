"""Reads the ledger as it is and as it was, and what of the raw rows the gate keeps back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from psycopg import sql
from psycopg.rows import DictRow

from api.store import Connection, composed, rows, statement
from data_agent.core.time import Span
from data_agent.coverage.ledger import Entry, Status
from data_agent.storage.postgres import ledger

EVERY_INGEST: Final = 2**63 - 1
EVERY_VERDICT: Final = datetime.max.replace(tzinfo=UTC)

_LEDGER_THEN: Final = statement(__package__, "ledger_then")
_WITHHELD: Final = statement(__package__, "withheld")
_SERIES: Final = statement(__package__, "series")
_QUALITY: Final = statement(__package__, "quality")
_STRETCHES: Final = {
    origin: composed(statement(__package__, "stretches"), candles=sql.Identifier(schema, "candles"))
    for origin, schema in (("venue", "raw"), ("built", "marts"))
}


async def entries(connection: Connection, series_id: int, span: Span, *, horizon: int = EVERY_INGEST) -> list[Entry]:
    """The ledger's entries that meet `span`; with a horizon, as they stood after that ingest of the series."""
    if span.is_empty:
        return []
    if horizon == EVERY_INGEST:
        return await ledger.read(connection, series_id, span)
    found = await rows(connection, _LEDGER_THEN, series_id=series_id, start=span.start, end=span.end, horizon=horizon)
    return [Entry(Span(row["start"], row["end"]), Status(row["status"]), row["cause"]) for row in found]


async def entries_of(connection: Connection, series_ids: Collection[int]) -> dict[int, list[Entry]]:
    """The whole ledger of several series."""
    return await ledger.read_many(connection, series_ids)


async def withheld_of(
    connection: Connection,
    series_id: int,
    span: Span,
    *,
    as_of: datetime = EVERY_VERDICT,
    horizon: int = EVERY_INGEST,
) -> dict[datetime, str]:
    """Open times in `span` that the gate keeps back, with the rules they broke."""
    found = await rows(
        connection, _WITHHELD, series_ids=[series_id], start=span.start, end=span.end, as_of=as_of, horizon=horizon
    )
    return {row["open_time"]: row["rules"] for row in found}


async def withheld(connection: Connection, series_ids: Collection[int], span: Span) -> dict[int, dict[datetime, str]]:
    """The same of several series."""
    kept: dict[int, dict[datetime, str]] = {series_id: {} for series_id in series_ids}
    found = await rows(
        connection,
        _WITHHELD,
        series_ids=list(series_ids),
        start=span.start,
        end=span.end,
        as_of=EVERY_VERDICT,
        horizon=EVERY_INGEST,
    )
    for row in found:
        kept[row["series_id"]][row["open_time"]] = row["rules"]
    return kept


async def stretches(
    connection: Connection, origin: str, wanted: Mapping[int, Collection[Span]]
) -> dict[int, list[Span]]:
    """The stretches of rows without a hole between them, in the wanted spans of several series, in open times."""
    flat = [(series_id, *span) for series_id, spans in wanted.items() for span in spans]
    found: dict[int, list[Span]] = {series_id: [] for series_id in wanted}
    series_ids, starts, ends = map(list, zip(*flat, strict=True)) if flat else ([], [], [])
    for row in await rows(connection, _STRETCHES[origin], series_ids=series_ids, starts=starts, ends=ends):
        found[row["series_id"]].append(Span(row["first_open_time"], row["last_close_time"]))
    return found


async def series(connection: Connection, **filters: object) -> list[DictRow]:
    """Series in the order of their names, with their newest candle; see `sql/series.sql` for the filters."""
    return await rows(connection, _SERIES, **filters)


async def quality(connection: Connection, series_ids: Collection[int], span: Span) -> dict[int, DictRow]:
    """By series: the quality of its published slices, weighted by what they should hold, and how many are dirty."""
    found = await rows(connection, _QUALITY, series_ids=list(series_ids), start=span.start, end=span.end)
    return {row["series_id"]: row for row in found}

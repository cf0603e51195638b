"""The statements behind pages of candles."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from msgspec import Struct
from psycopg import sql
from psycopg.rows import DictRow

from api.series.repository import SeriesRow
from api.store import Connection, composed, one, rows, statement
from data_agent.core.time import Span, Timeframe
from data_agent.coverage.quality import PROVISIONAL_QUALITY, row_quality

# What a row is worth by its number of warnings; further ones cost nothing more.
_QUALITIES: Final = [row_quality(count) for count in range(11)]

_VERSIONS: Final = statement(__package__, "versions")
_REJECTS: Final = statement(__package__, "rejects")
_HORIZON: Final = statement(__package__, "horizon")
_PRESENT: Final = {
    origin: composed(statement(__package__, "present"), candles=sql.Identifier(schema, "candles"))
    for origin, schema in (("venue", "raw"), ("built", "marts"))
}
_RENDERED: Final = sql.SQL(statement(__package__, "rendered")).format()
_PAGE_BUILT: Final = composed(statement(__package__, "page_built"), rendered=_RENDERED)
_PAGES: Final = {
    name: composed(
        statement(__package__, "page"),
        published=sql.SQL(statement(__package__, f"published_{name}")),
        rendered=_RENDERED,
    )
    for name in ("now", "then", "never")
}


class View(Struct, frozen=True):
    """Which state of one series is looked at.

    Attributes:
        horizon: the last ingest that counts.
        as_of: verdicts published after this do not count.
        published: what says that a row is published: the marts `now`, the verdicts of `then`, or nothing (`never`).
    """

    series: SeriesRow
    horizon: int
    as_of: datetime
    published: str

    @property
    def is_empty(self) -> bool:
        """Whether there cannot be any candle: built ones exist in the marts only, which dbt has not made yet."""
        return self.is_built and self.published == "never"

    @property
    def is_built(self) -> bool:
        """Whether the candles are ours, made from the exchange's one-minute candles."""
        return self.series.origin == "built"


class Page(Struct, frozen=True):
    """A rendered page and what must be known of it.

    Attributes:
        candles: JSON objects, separated by commas.
        count_on_grid: how many of its rows open on the timeframe's grid; all, unless something is wrong.
        first_open_time, last_open_time: None for an empty page.
        count_below, first_below, lowest_quality: of rows below the quality asked for.
    """

    candles: str
    count_rows: int
    count_on_grid: int
    first_open_time: datetime | None
    last_open_time: datetime | None
    count_below: int
    first_below: datetime | None
    lowest_quality: Decimal | None

    def fills(self, expected: Span, timeframe: Timeframe) -> bool:
        """Whether the page holds every open time of `expected` and nothing else."""
        return (
            self.count_rows == self.count_on_grid == expected.count(timeframe)
            and self.first_open_time == expected.start
            and self.last_open_time == expected.end - timeframe.duration
        )


_NO_CANDLES: Final = Page("", 0, 0, None, None, 0, None, None)


async def horizon(connection: Connection, series_id: int, as_of: datetime) -> int:
    """The last ingest of a series that could be seen at `as_of`; 0 if there was none."""
    row = await one(connection, _HORIZON, series_id=series_id, as_of=as_of)
    return 0 if row is None else int(row["ingest_id"])


async def page(
    connection: Connection,
    view: View,
    span: Span,
    *,
    withheld: Collection[datetime],
    limit: int,
    min_quality: Decimal | None,
) -> Page:
    """The first `limit` candles of `span` that are served, rendered."""
    if view.is_empty:
        return _NO_CANDLES
    found = await one(
        connection,
        _PAGE_BUILT if view.is_built else _PAGES[view.published],
        **_bounds(view, span),
        source_series_id=view.series.source_series_id,
        withheld=list(withheld),
        limit=limit,
        duration=view.series.timeframe.duration,
        min_quality=min_quality or Decimal(0),
        qualities=_QUALITIES,
        provisional_quality=PROVISIONAL_QUALITY,
    )
    assert found is not None  # noqa: S101  # an aggregate without GROUP BY answers one row
    return Page(**found)


async def present(connection: Connection, view: View, span: Span, *, withheld: Collection[datetime]) -> list[Span]:
    """The stretches of `span` that are served, ascending, in open times."""
    if view.is_empty:
        return []
    duration: timedelta = view.series.timeframe.duration
    found = await rows(
        connection,
        _PRESENT[view.series.origin],
        **_bounds(view, span),
        withheld=list(withheld),
        duration=duration,
    )
    return [Span(row["first_open_time"], row["last_open_time"] + duration) for row in found]


def _bounds(view: View, span: Span) -> dict[str, object]:
    return {
        "series_id": view.series.series_id,
        "start": span.start,
        "end": span.end,
        "horizon": view.horizon,
        "as_of": view.as_of,
    }


async def versions(connection: Connection, series_id: int, open_time: datetime) -> list[DictRow]:
    """Every version of one candle in the order of commits, with its ingest and its latest verdict."""
    return await rows(connection, _VERSIONS, series_id=series_id, open_time=open_time)


async def rejects(connection: Connection, series_id: int, open_time: datetime) -> list[DictRow]:
    """What was sent about one candle and could not be understood."""
    return await rows(connection, _REJECTS, series_id=series_id, open_time=open_time)

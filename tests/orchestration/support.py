"""Words in which the tests of orchestration speak of the simulator's truth and of the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from data_agent.core.time import Span, to_milliseconds, utc_now
from data_agent.storage.postgres.series import Series
from orchestration.collector import Collector
from simulator.testing import RunningSimulator

# What the venues' clock shows, frozen. The machine's clock is later, so that everything up to here is closed.
NOW = datetime(2026, 1, 5, 12, 0, 30, tzinfo=UTC)
DAY = Span(datetime(2026, 1, 4, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC))
COLLECTION: dict[str, Any] = {
    "history": "2d",
    "timeframes": ["1m", "1h"],
    "venues": {
        "binance": {"spot": {"instruments": ["BTC/USDT"]}},
        "okx": {"spot": {"instruments": ["BTC/USDT"]}},
    },
}
FIELDS = ("open", "high", "low", "close", "volume")


class Clock:
    """The machine's clock, ahead by what a test says."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def advance(self, **length: float) -> None:
        self.ahead += timedelta(**length)


def at(hour: int, minute: int = 0) -> datetime:
    """A moment of DAY."""
    return DAY.start + timedelta(hours=hour, minutes=minute)


async def one_series(collector: Collector, timeframe: str = "1m", venue: str = "binance") -> Series:
    [found] = [series for series in await collector.series(venue) if series.timeframe == timeframe]
    return found


def stored(database_url: str, series: Series) -> list[tuple[Any, ...]]:
    """What the store has of a series: open time in ms and the latest digits."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(_LATEST, {"id": series.series_id}).fetchall()


_LATEST = """
WITH versions AS (
    SELECT open_time, open, high, low, close, volume, observed_at FROM raw.candles WHERE series_id = %(id)s
    UNION ALL
    SELECT open_time, open, high, low, close, volume, observed_at FROM raw.candles_revisions
    WHERE series_id = %(id)s AND NOT is_superseded
)
SELECT DISTINCT ON (open_time)
    (extract(epoch FROM open_time) * 1000)::bigint, open::text, high::text, low::text, close::text, volume::text
FROM versions ORDER BY open_time, observed_at DESC
"""


def truth(simulator: RunningSimulator, series: Series, span: Span = DAY) -> list[tuple[Any, ...]]:
    """The same, as the simulator's own ledger has it."""
    start, end = to_milliseconds(span.start), to_milliseconds(span.end)
    rows = simulator.ledger(series.venue, series.symbol, series.timeframe, start=start, end=end)
    return [(row["open_time"], *(row[field] for field in FIELDS)) for row in rows]


def tables(database_url: str) -> dict[str, list[Any]]:
    """Every table of data and knowledge that collecting changes."""
    statements = {
        "candles": "SELECT series_id, open_time, open::text, close::text, volume::text FROM raw.candles ORDER BY 1, 2",
        "revisions": "SELECT series_id, open_time, close::text FROM raw.candles_revisions ORDER BY 1, 2, observed_at",
        "coverage": "SELECT series_id, span::text, status, cause FROM ops.coverage ORDER BY 1, 2",
        "rejects": "SELECT series_id, open_time, reason, count_seen FROM raw.rejects ORDER BY 1, 2, 3",
    }
    with psycopg.connect(database_url) as connection:
        return {name: connection.execute(statement.encode()).fetchall() for name, statement in statements.items()}

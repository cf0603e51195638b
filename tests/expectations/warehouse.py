"""A warehouse filled with plain SQL: what a writer would leave behind, said briefly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from orchestration.publish import PublicationPaths, PublishResult, publish
from orchestration.transform import DbtProject

DAY = date(2024, 1, 2)
MIDNIGHT = datetime(2024, 1, 2, tzinfo=UTC)
TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h", "1d")
MINUTES = {"1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}
_numbers = count(1)

SOUND = {"open": "100.10", "high": "101.00", "low": "99.50", "close": "100.50", "volume": "1.500"}


def at(minute: float) -> datetime:
    """A moment of the day all tests live in."""
    return MIDNIGHT + timedelta(minutes=minute)


class Instrument:
    """One instrument and its eleven series."""

    def __init__(self, connection: psycopg.Connection[Any], *, listed_at: datetime | None = None) -> None:
        self.connection = connection
        self.symbol = f"C{next(_numbers)}/USDT"
        (self.instrument_id,) = self._one(
            "INSERT INTO ref.instruments (venue, product, market_id, first_seen_at)"
            " VALUES ('binance', 'spot', %s, now()) RETURNING instrument_id",
            [self.symbol],
        )
        connection.execute(
            "INSERT INTO ref.instrument_versions"
            " (instrument_id, valid_from, symbol, base, quote, is_active, listed_at)"
            " VALUES (%s, now(), %s, 'C', 'USDT', TRUE, %s)",
            [self.instrument_id, self.symbol, listed_at],
        )
        self.venue = {timeframe: self._series(timeframe, "venue") for timeframe in TIMEFRAMES}
        self.built = {timeframe: self._series(timeframe, "built") for timeframe in TIMEFRAMES[1:]}

    def _one(self, statement: str, parameters: list[object]) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = self.connection.execute(statement, parameters).fetchone()
        assert row is not None
        return row

    def _series(self, timeframe: str, origin: str) -> int:
        return int(
            self._one(
                "INSERT INTO ref.series (instrument_id, dataset, timeframe, price_type, origin)"
                " VALUES (%s, 'candles', %s, 'trade', %s) RETURNING series_id",
                [self.instrument_id, timeframe, origin],
            )[0]
        )

    def ingest(self, timeframe: str = "1m", *, until: datetime | None = None) -> int:
        """One write transaction of the writer, without its rows; returns its id."""
        return int(
            self._one(
                "INSERT INTO ops.ingests VALUES (nextval('ops.ingest_ids'), 'test', 'rest', %s, tstzrange(%s, %s),"
                " now(), clock_timestamp(), 0, 0, 0, 0) RETURNING ingest_id",
                [self.venue[timeframe], MIDNIGHT, until or at(1440)],
            )[0]
        )

    def mark(self, ingest_id: int, timeframe: str = "1m", *, day: date = DAY) -> None:
        """Mark a slice dirty, as the writer does."""
        self.connection.execute(
            "INSERT INTO ops.dirty_slices (series_id, day, version) VALUES (%s, %s, %s) ON CONFLICT (series_id, day)"
            " DO UPDATE SET version = excluded.version, marked_at = excluded.marked_at",
            [self.venue[timeframe], day, ingest_id],
        )

    def fill(self, count_rows: int, timeframe: str = "1m", *, settled_minutes: int | None = None) -> int:
        """The first candles of the day, all sound and alike; returns the ingest."""
        length = MINUTES[timeframe]
        ingest_id = self.ingest(timeframe, until=at(settled_minutes or count_rows * length))
        self.connection.execute(
            "INSERT INTO raw.candles SELECT %(series)s, moment, 100.10, 101.00, 99.50, 100.50, 1.500 * %(length)s,"
            " NULL, 10, '2024-01-03 00:00:05+00', %(ingest)s"
            " FROM generate_series(%(start)s, %(last)s, make_interval(mins => %(length)s)) AS moment",
            {
                "series": self.venue[timeframe], "length": length, "ingest": ingest_id,
                "start": MIDNIGHT, "last": at((count_rows - 1) * length),
            },
        )  # fmt: skip
        self.mark(ingest_id, timeframe)
        return ingest_id

    def revise(self, changes: Mapping[float, Mapping[str, object]], timeframe: str = "1m") -> int:
        """New versions of candles by minute, as one ingest: sound but for the columns given."""
        ingest_id = self.ingest(timeframe)
        for minute, columns in changes.items():
            self.revision(ingest_id, minute, columns, timeframe)
        self.mark(ingest_id, timeframe)
        return ingest_id

    def revision(self, ingest_id: int, minute: float, columns: Mapping[str, object], timeframe: str = "1m") -> None:
        """One row of `raw.candles_revisions`."""
        row = {**SOUND, "observed_at": "now", **columns}
        self.connection.execute(
            "INSERT INTO raw.candles_revisions VALUES (%(series)s, %(open_time)s,"
            " CASE WHEN %(observed_at)s = 'now' THEN clock_timestamp() ELSE %(observed_at)s::timestamptz END,"
            " %(open)s, %(high)s, %(low)s, %(close)s, %(volume)s, NULL, NULL, FALSE, %(ingest)s)",
            {**row, "series": self.venue[timeframe], "open_time": at(minute), "ingest": ingest_id},
        )

    def served(self, timeframe: str = "1m", origin: str = "venue") -> dict[float, dict[str, Any]]:
        """What `marts.candles` shows of one series, by minute of the day."""
        series_id = (self.venue if origin == "venue" else self.built)[timeframe]
        with self.connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute("SELECT * FROM marts.candles WHERE series_id = %s", [series_id]).fetchall()
        return {(row["open_time"] - MIDNIGHT) / timedelta(minutes=1): row for row in rows}

    def rules(self, version: int, timeframe: str = "1m", origin: str = "venue") -> dict[float, set[str]]:
        """The rules broken in one version of a slice, by minute of the day."""
        series_id = (self.venue if origin == "venue" else self.built)[timeframe]
        found: dict[float, set[str]] = {}
        for open_time, rule in self.connection.execute(
            "SELECT open_time, rule FROM ops.row_verdicts WHERE series_id = %s AND version = %s", [series_id, version]
        ):
            found.setdefault((open_time - MIDNIGHT) / timedelta(minutes=1), set()).add(rule)
        return found

    def verdict(self, version: int, timeframe: str = "1m", origin: str = "venue") -> dict[str, Any]:
        """The verdict over one version of a slice."""
        series_id = (self.venue if origin == "venue" else self.built)[timeframe]
        with self.connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(
                "SELECT * FROM ops.slice_verdicts WHERE series_id = %s AND version = %s", [series_id, version]
            ).fetchone()
        assert row is not None
        return row

    def is_dirty(self, timeframe: str = "1m") -> bool:
        """Whether the slice waits for a publication."""
        found = self.connection.execute(
            "SELECT 1 FROM ops.dirty_slices WHERE series_id = %s", [self.venue[timeframe]]
        ).fetchone()
        return found is not None


class Warehouse:
    """One database, published from in this process."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.paths = PublicationPaths.below(directory)
        self.dbt = DbtProject(url, self.paths.dbt_state)
        self.connection: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True)
        self.connection.execute(
            "CREATE TABLE raw.candles_2024_01 PARTITION OF raw.candles"
            " FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-02-01 00:00+00')"
        )

    def instrument(self, **options: Any) -> Instrument:
        """A new instrument, so that tests in one database do not meet."""
        return Instrument(self.connection, **options)

    def publish(self, **options: Any) -> PublishResult:
        """Publish all that is dirty."""
        return publish(self.url, self.paths, is_simulated=True, dbt=self.dbt, **options)

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection[Any]]:
        """Another connection, as of another process."""
        with psycopg.connect(self.url) as connection:
            yield connection

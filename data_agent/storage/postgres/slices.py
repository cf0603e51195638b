"""Slices: one series and UTC day, the unit in which candles are judged and published.

The writer marks a slice dirty; a publication freezes what is dirty, builds and judges exactly that, and clears a slice
only if nothing changed it meanwhile. `hold_publication_lock` sees to it that there is one publication at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import Connection

from data_agent.core.errors import StorageError
from data_agent.storage.postgres.database import connect
from data_agent.storage.postgres.ingests import SERIES_LOCK

# Six venue and five built slices an instrument and day, 2,270 rows at most: a quarter of a million candidates.
DEFAULT_LIMIT: Final = 100
_PUBLICATION_LOCK: Final = 7_302_010


class PublicationBusy(StorageError):
    """Another process is publishing; it will find what is dirty now, or the next publication will."""


@contextmanager
def hold_publication_lock(url: str, *, wait_seconds: float = 0) -> Iterator[Connection[Any]]:
    """Be the one publication, for as long as the block runs; yields the connection that holds the lock.

    The lock lives in that connection's session: a process that dies lets go of it at once.

    Raises:
        PublicationBusy: another publication held it for all of `wait_seconds`.
        StorageError: PostgreSQL does not answer.
    """
    with connect(url, autocommit=True) as connection:
        _take_lock(connection, wait_seconds)
        try:
            yield connection
        finally:
            # A broken connection has let go already; what broke it is the error to show.
            with suppress(psycopg.OperationalError):
                connection.execute("SELECT pg_advisory_unlock(%s)", [_PUBLICATION_LOCK])


def _take_lock(connection: Connection[Any], wait_seconds: float) -> None:
    if _is_true(connection, "SELECT pg_try_advisory_lock(%s)", [_PUBLICATION_LOCK]):
        return
    if wait_seconds <= 0:
        raise PublicationBusy("another publication is running")
    with suppress(psycopg.errors.LockNotAvailable), connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{int(wait_seconds * 1000)}ms"])
        connection.execute("SELECT pg_advisory_lock(%s)", [_PUBLICATION_LOCK])
        return
    raise PublicationBusy(f"another publication was still running after {wait_seconds:g} s")


def check_lock(connection: Connection[Any]) -> None:
    """Make sure that this publication is still the one.

    Raises:
        StorageError: the connection that held the lock is gone, and the lock with it.
    """
    try:
        is_held = _is_true(connection, _IS_HELD, {"lock": _PUBLICATION_LOCK})
    except psycopg.OperationalError as error:
        raise StorageError(f"the publication lost its lock: {error}") from error
    if not is_held:
        raise StorageError("the publication does not hold its lock")


def _is_true(connection: Connection[Any], statement: str, parameters: Any) -> bool:
    row = connection.execute(statement, parameters).fetchone()
    return bool(row and row[0])


_IS_HELD = """
SELECT EXISTS (
    SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND classid = 0 AND objid = %(lock)s AND granted
)
"""


def count_dirty(connection: Connection[Any]) -> int:
    """How many slices changed since they were last published."""
    row = connection.execute("SELECT count(*) FROM ops.dirty_slices").fetchone()
    return int(row[0]) if row else 0


def freeze(connection: Connection[Any], *, limit_instrument_days: int = DEFAULT_LIMIT) -> int:
    """Choose what this publication works on, and the version of it: `ops.frozen_slices` is filled anew.

    A dirty slice brings along every slice of its instrument and day: the built series are made of the minutes, and
    a venue's candle is compared with its built twin. What its neighbours say of a clean slice may change, so it gets a
    version and with it a verdict of its own: a published verdict is never rewritten, or `as_of` could not be repeated.

    Args:
        limit_instrument_days: at most so many instruments times days, those that changed last longest ago first.

    Returns:
        How many slices were frozen; 0 if nothing is dirty.

    Raises:
        PublicationBusy: another publication is running.
    """
    with connection.transaction():
        # Granted to the session that holds the publication lock, refused to every other while it does.
        if not _is_true(connection, "SELECT pg_try_advisory_xact_lock(%s)", [_PUBLICATION_LOCK]):
            raise PublicationBusy("another publication is running")
        connection.execute("DELETE FROM ops.frozen_slices")
        connection.execute(_CHOOSE, {"limit": limit_instrument_days})
        # A version promises that every ingest up to it is committed. The lock of its series makes that true of one that
        # is drawn here as well; a writer that holds it has drawn a smaller one, and commits before we go on.
        connection.execute(_LOCK_SERIES, {"class": SERIES_LOCK})
        return max(0, connection.execute(_FREEZE).rowcount)


_CHOOSE = """
CREATE TEMP TABLE chosen_slices ON COMMIT DROP AS
WITH wanted AS (
    SELECT series.instrument_id, series.dataset, series.price_type, dirty.day
    FROM ops.dirty_slices AS dirty
    INNER JOIN ref.series USING (series_id)
    WHERE series.origin = 'venue'
    GROUP BY series.instrument_id, series.dataset, series.price_type, dirty.day
    ORDER BY min(dirty.marked_at), dirty.day, series.instrument_id
    LIMIT %(limit)s
)
SELECT series.*, wanted.day
FROM wanted INNER JOIN ref.series USING (instrument_id, dataset, price_type)
"""
_LOCK_SERIES = """
SELECT pg_advisory_xact_lock(%(class)s, series_id)
FROM (SELECT DISTINCT series_id FROM chosen_slices WHERE origin = 'venue' ORDER BY series_id) AS ordered
"""
_FREEZE = """
WITH venue AS (
    SELECT
        chosen.*,
        CASE
            WHEN dirty.version > coalesce(published.version, 0) THEN dirty.version
            WHEN published.version IS NOT NULL THEN nextval('ops.ingest_ids')
        END AS version
    FROM chosen_slices AS chosen
    LEFT JOIN ops.dirty_slices AS dirty USING (series_id, day)
    LEFT JOIN LATERAL (
        SELECT max(verdicts.version) AS version FROM ops.slice_verdicts AS verdicts
        WHERE
            verdicts.series_id = chosen.series_id AND verdicts.day = chosen.day
            AND verdicts.published_at IS NOT NULL
    ) AS published ON TRUE
    WHERE chosen.origin = 'venue'
)
INSERT INTO ops.frozen_slices (series_id, day, version, source_series_id)
SELECT series_id, day, version, series_id FROM venue WHERE version IS NOT NULL
UNION ALL
SELECT chosen.series_id, chosen.day, minutes.version, minutes.series_id
FROM chosen_slices AS chosen
INNER JOIN venue AS minutes USING (instrument_id, dataset, price_type, day)
WHERE chosen.origin = 'built' AND minutes.timeframe = '1m' AND minutes.version IS NOT NULL
"""

"""`ops.backfill_requests`: ranges that a user asked for, and how far the work on them is.

    queued ──claim──► running ──finish──► done | failed
       └──────cancel──────┴─────────────► cancelled

Whoever works a request off claims it, reports `progress` after each page and stops when that returns False (the user
cancelled), and calls `finish`. Every function is one short transaction of its own on a connection in any mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.rows import class_row
from psycopg.types.range import Range

from data_agent.core.errors import StorageError
from data_agent.core.time import Span, Timeframe

_COLUMNS: Final = """
    request_id, venue, symbols, timeframes, lower(span) AS start_time, upper(span) AS end_time, is_forced,
    requested_by, status, count_expected, count_done, count_requests, run_id, error,
    created_at, started_at, updated_at, finished_at
"""
OPEN: Final = frozenset({"queued", "running"})


@dataclass(frozen=True, kw_only=True)
class BackfillRequest:
    """One row of `ops.backfill_requests`.

    Attributes:
        start_time, end_time: the half-open range of open times.
        is_forced: ask the venue again for what the ledger already has.
        status: queued, running, done, failed or cancelled.
        count_expected: candles the range can have, over all symbols and timeframes.
        count_done: of these, the ones that need no further question: known before, or answered since.
        count_requests: requests sent to the venue so far.
        run_id: the Dagster run that works on it.
        error: why it failed.
    """

    request_id: int
    venue: str
    symbols: list[str]
    timeframes: list[str]
    start_time: datetime
    end_time: datetime
    is_forced: bool
    requested_by: str
    status: str
    count_expected: int
    count_done: int
    count_requests: int
    run_id: str | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime | None
    finished_at: datetime | None

    @property
    def span(self) -> Span:
        """The range of open times that was asked for."""
        return Span(self.start_time, self.end_time)

    @property
    def is_open(self) -> bool:
        """Whether work on it is still to come."""
        return self.status in OPEN


def create(
    connection: psycopg.Connection[Any],
    *,
    venue: str,
    symbols: Sequence[str],
    timeframes: Sequence[Timeframe],
    span: Span,
    count_expected: int,
    is_forced: bool = False,
    requested_by: str,
) -> BackfillRequest:
    """Queue a request. The caller has checked the names; the database checks that the span is one."""
    return _one(
        connection,
        f"""
        INSERT INTO ops.backfill_requests (venue, symbols, timeframes, span, count_expected, is_forced, requested_by)
        VALUES (%(venue)s, %(symbols)s, %(timeframes)s, %(span)s, %(count_expected)s, %(is_forced)s, %(requested_by)s)
        RETURNING {_COLUMNS}
        """,
        venue=venue,
        symbols=list(symbols),
        timeframes=[timeframe.value for timeframe in timeframes],
        span=Range(span.start, span.end, "[)"),
        count_expected=count_expected,
        is_forced=is_forced,
        requested_by=requested_by,
    )


def read(connection: psycopg.Connection[Any], request_id: int) -> BackfillRequest:
    """One request as it stands.

    Raises:
        StorageError: there is none with this id.
    """
    return _one(
        connection,
        f"SELECT {_COLUMNS} FROM ops.backfill_requests WHERE request_id = %(request_id)s",
        request_id=request_id,
    )


def read_open(connection: psycopg.Connection[Any]) -> list[BackfillRequest]:
    """The requests that are queued or running, oldest first."""
    return _rows(
        connection,
        f"""
        SELECT {_COLUMNS} FROM ops.backfill_requests WHERE status IN ('queued', 'running') ORDER BY request_id
        """,
    )


def claim_next(connection: psycopg.Connection[Any], *, run_id: str) -> BackfillRequest | None:
    """Take the oldest queued request, which is `running` from now on; None when nothing waits.

    Safe with any number of callers at once: each gets another request.
    """
    return _first(
        connection,
        f"""
        UPDATE ops.backfill_requests
        SET status = 'running', run_id = %(run_id)s, started_at = now(), updated_at = now()
        WHERE request_id = (
            SELECT request_id FROM ops.backfill_requests
            WHERE status = 'queued' ORDER BY request_id LIMIT 1 FOR UPDATE SKIP LOCKED
        )
        RETURNING {_COLUMNS}
        """,
        run_id=run_id,
    )


def claim(connection: psycopg.Connection[Any], request_id: int, *, run_id: str) -> BackfillRequest | None:
    """Take one request, queued or left behind by a run that died; None if it is finished or cancelled.

    That at most one living run holds a request is for the caller to see to (a run key); a second claim takes it over.
    """
    return _first(
        connection,
        f"""
        UPDATE ops.backfill_requests
        SET status = 'running', run_id = %(run_id)s, started_at = coalesce(started_at, now()), updated_at = now()
        WHERE request_id = %(request_id)s AND status IN ('queued', 'running')
        RETURNING {_COLUMNS}
        """,
        request_id=request_id,
        run_id=run_id,
    )


def progress(connection: psycopg.Connection[Any], request_id: int, *, count_done: int, count_requests: int) -> bool:
    """Say how far the work is, in absolute figures, so that saying it twice changes nothing.

    Returns:
        Whether to go on; False when the user cancelled the request meanwhile.
    """
    row = _first(
        connection,
        f"""
        UPDATE ops.backfill_requests
        SET count_done = %(count_done)s, count_requests = %(count_requests)s, updated_at = now()
        WHERE request_id = %(request_id)s AND status = 'running'
        RETURNING {_COLUMNS}
        """,
        request_id=request_id,
        count_done=count_done,
        count_requests=count_requests,
    )
    return row is not None


def finish(connection: psycopg.Connection[Any], request_id: int, *, error: str | None = None) -> BackfillRequest:
    """Close a request as done, or as failed when there is an `error`. One that is closed already stays as it is.

    Raises:
        StorageError: there is none with this id.
    """
    closed = _first(
        connection,
        f"""
        UPDATE ops.backfill_requests
        SET status = CASE WHEN %(error)s::text IS NULL THEN 'done' ELSE 'failed' END,
            error = %(error)s::text, updated_at = now(), finished_at = now()
        WHERE request_id = %(request_id)s AND status IN ('queued', 'running')
        RETURNING {_COLUMNS}
        """,
        request_id=request_id,
        error=error,
    )
    return closed or read(connection, request_id)


def cancel(connection: psycopg.Connection[Any], request_id: int) -> BackfillRequest:
    """Stop a request; its run ends at the next page. What was stored stays. A closed request stays as it is.

    Raises:
        StorageError: there is none with this id.
    """
    cancelled = _first(
        connection,
        f"""
        UPDATE ops.backfill_requests SET status = 'cancelled', updated_at = now(), finished_at = now()
        WHERE request_id = %(request_id)s AND status IN ('queued', 'running')
        RETURNING {_COLUMNS}
        """,
        request_id=request_id,
    )
    return cancelled or read(connection, request_id)


def _rows(connection: psycopg.Connection[Any], statement: str, **values: Any) -> list[BackfillRequest]:
    with connection.transaction(), connection.cursor(row_factory=class_row(BackfillRequest)) as cursor:
        return cursor.execute(statement.encode(), values).fetchall()


def _first(connection: psycopg.Connection[Any], statement: str, **values: Any) -> BackfillRequest | None:
    rows = _rows(connection, statement, **values)
    return rows[0] if rows else None


def _one(connection: psycopg.Connection[Any], statement: str, **values: Any) -> BackfillRequest:
    row = _first(connection, statement, **values)
    if row is None:
        raise StorageError(f"there is no backfill request {values.get('request_id')}")
    return row

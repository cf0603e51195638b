"""Verdicts: what the gate found, written to `ops.slice_verdicts` and `ops.row_verdicts`.

Judging the same version of a slice again replaces its verdict, as after a crash. A version that was published is never
judged again: freezing draws another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import kwargs_row

from data_agent.coverage.quality import slice_quality

Severity = Literal["block", "warn"]


class BrokenRule(Struct, frozen=True):
    """One candidate row that broke one rule. The values of `columns` go into the verdict's detail, digits exact."""

    series_id: int
    open_time: datetime
    rule: str
    severity: Severity
    columns: tuple[str, ...]


class SliceVerdict(Struct, frozen=True):
    """What the gate found in one slice. Counts are rows."""

    series_id: int
    day: date
    version: int
    count_rows: int
    count_failed: int
    count_warned: int
    count_expected: int

    @property
    def is_passed(self) -> bool:
        """Whether every row of the slice may be served. Rows are withheld one by one, slices never."""
        return self.count_failed == 0

    @property
    def is_complete(self) -> bool:
        """Whether every interval that had closed has its candle."""
        return self.count_rows >= self.count_expected

    @property
    def quality(self) -> Decimal:
        """The slice's quality, 0 to 1 (`coverage.quality`)."""
        return slice_quality(self.count_expected, self.count_rows, self.count_failed, self.count_warned)


class Verdicts(Struct, frozen=True):
    """What was written.

    Attributes:
        slices: one verdict per frozen slice, also for those without a row.
        count_by_rule: rows per broken rule, the most frequent first.
    """

    slices: tuple[SliceVerdict, ...]
    count_by_rule: dict[str, int]


def record_verdicts(
    connection: Connection[Any], broken: Iterable[BrokenRule], *, run_id: str, decided_at: datetime
) -> Verdicts:
    """Write what the gate found about the frozen slices, in one transaction.

    A built candle that holds a withheld minute is withheld with it (rule `made_of_failed`).

    Returns:
        What was written.
    """
    with connection.transaction():
        connection.execute(_STAGING)
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for each in broken:
                copy.write_row((each.series_id, each.open_time, each.rule, each.severity, list(each.columns)))
        connection.execute(_MADE_OF_FAILED)
        connection.execute(_FORGET)
        connection.execute(_KEEP_ROWS)
        verdicts = _read_slices(connection)
        _keep_slices(connection, verdicts, run_id, decided_at)
        rules = connection.execute(_COUNT_BY_RULE).fetchall()
        connection.execute("DROP TABLE broken_rules")
    return Verdicts(tuple(verdicts), dict(rules))


def _read_slices(connection: Connection[Any]) -> list[SliceVerdict]:
    with connection.cursor(row_factory=kwargs_row(SliceVerdict)) as cursor:
        return cursor.execute(_SLICES).fetchall()


def _keep_slices(
    connection: Connection[Any], verdicts: Sequence[SliceVerdict], run_id: str, decided_at: datetime
) -> None:
    rows = [
        (
            each.series_id, each.day, each.version, each.is_passed, each.count_rows, each.count_failed,
            each.count_warned, each.count_expected, each.quality, run_id, decided_at,
        )
        for each in verdicts
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(_KEEP_SLICE, rows)


_STAGING = """
CREATE TEMP TABLE broken_rules (
    series_id integer, open_time timestamptz, rule text, severity text, columns text [], detail text,
    PRIMARY KEY (series_id, open_time, rule)
) ON COMMIT DROP
"""
_COPY = "COPY broken_rules (series_id, open_time, rule, severity, columns) FROM STDIN"

_MADE_OF_FAILED = """
INSERT INTO broken_rules (series_id, open_time, rule, severity, detail)
SELECT
    built.series_id, built.open_time, 'made_of_failed', 'block',
    count(DISTINCT broken.open_time) || ' of its minutes withheld, the first '
    || to_char(min(broken.open_time) AT TIME ZONE 'UTC', 'HH24:MI')
FROM broken_rules AS broken
INNER JOIN ops.frozen_slices AS frozen
    ON
        broken.series_id = frozen.source_series_id
        AND frozen.series_id <> frozen.source_series_id
        AND frozen.day = (broken.open_time AT TIME ZONE 'UTC')::date
INNER JOIN intermediate.int_candles__candidates AS built
    ON
        frozen.series_id = built.series_id
        AND built.open_time <= broken.open_time
        AND built.close_time > broken.open_time
WHERE broken.severity = 'block'
GROUP BY built.series_id, built.open_time
"""

_FORGET = """
DELETE FROM ops.row_verdicts AS verdicts USING ops.frozen_slices AS frozen
WHERE
    verdicts.series_id = frozen.series_id AND verdicts.version = frozen.version
    AND (verdicts.open_time AT TIME ZONE 'UTC')::date = frozen.day
    AND verdicts.open_time >= frozen.day::timestamp AT TIME ZONE 'UTC'
    AND verdicts.open_time < (frozen.day + 1)::timestamp AT TIME ZONE 'UTC'
"""

_KEEP_ROWS = """
INSERT INTO ops.row_verdicts (series_id, open_time, version, rule, severity, detail)
SELECT
    broken.series_id, broken.open_time, candidates.slice_version, broken.rule, broken.severity,
    coalesce(broken.detail, (
        SELECT string_agg(name || ' ' || coalesce(to_jsonb(candidates) ->> name, 'missing'), ', ' ORDER BY place)
        FROM unnest(broken.columns) WITH ORDINALITY AS shown (name, place)
    ))
FROM broken_rules AS broken
INNER JOIN (
    -- two rows of one key are one verdict: both are withheld
    SELECT DISTINCT ON (series_id, open_time) * FROM intermediate.int_candles__candidates
) AS candidates USING (series_id, open_time)
"""

# A row that broke several rules counts once, as failed if one of them blocks.
_SLICES = """
WITH broken AS (
    SELECT series_id, open_time, bool_or(severity = 'block') AS is_failed
    FROM broken_rules GROUP BY series_id, open_time
),
found AS (
    SELECT
        series_id, (open_time AT TIME ZONE 'UTC')::date AS slice_day,
        count(*) FILTER (WHERE is_failed) AS count_failed,
        count(*) FILTER (WHERE NOT is_failed) AS count_warned
    FROM broken GROUP BY series_id, slice_day
)
SELECT
    series_id, slice_day AS day, slice_version AS version, count_present AS count_rows,
    coalesce(count_failed, 0) AS count_failed, coalesce(count_warned, 0) AS count_warned, count_expected
FROM intermediate.int_slices__candidates
LEFT JOIN found USING (series_id, slice_day)
ORDER BY series_id, slice_day
"""

_COUNT_BY_RULE = "SELECT rule, count(*) FROM broken_rules GROUP BY rule ORDER BY count(*) DESC, rule"

_KEEP_SLICE = """
INSERT INTO ops.slice_verdicts (
    series_id, day, version, is_passed, count_rows, count_failed, count_warned, count_expected, quality, run_id,
    decided_at
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (series_id, day, version) DO UPDATE SET
    is_passed = excluded.is_passed, count_rows = excluded.count_rows, count_failed = excluded.count_failed,
    count_warned = excluded.count_warned, count_expected = excluded.count_expected, quality = excluded.quality,
    run_id = excluded.run_id, decided_at = excluded.decided_at
"""

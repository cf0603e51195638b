"""Instants: everything inside the simulator is integer milliseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_instant(value: int | str) -> int:
    """Milliseconds from either milliseconds (a number or its digits) or an ISO-8601 text (UTC when it names no zone).

    Raises ValueError for anything else.
    """
    if isinstance(value, int):
        return value
    if value.isdigit():
        return int(value)
    moment = datetime.fromisoformat(value)
    return milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def milliseconds(moment: datetime) -> int:
    """Exact integer milliseconds of an aware datetime."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def iso(instant_ms: int) -> str:
    """ISO-8601 UTC text with milliseconds, e.g. ``2026-01-05T00:00:00.000Z``."""
    return (EPOCH + timedelta(milliseconds=instant_ms)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant_ms % 1000:03d}Z"

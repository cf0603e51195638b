"""Times at the door: ISO-8601 or integer milliseconds come in, ISO-8601 in UTC with a Z goes out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer

from data_agent.core.time import EPOCH, from_milliseconds

_MILLISECONDS: Final = re.compile(r"[+-]?\d{5,16}")
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_EXPECTED: Final = "must be ISO-8601 (2026-01-31T12:00:00Z) or integer milliseconds since 1970"


def parse_time(text: str) -> datetime:
    """Read a time as a request may write it. Without an offset it is UTC; a date alone is its midnight.

    Raises:
        ValueError: it cannot be read, or lies outside 1970 to 2200; the message says what would be right.
    """
    moment = _read(text.strip())
    if not EPOCH <= moment < _LATEST:
        raise ValueError("must lie between 1970 and 2200")
    return moment


def _read(text: str) -> datetime:
    if _MILLISECONDS.fullmatch(text):
        try:
            return from_milliseconds(int(text))
        except OverflowError:
            raise ValueError("must lie between 1970 and 2200") from None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        hint = "; a + in a URL is written %2B" if " " in text else ""
        raise ValueError(_EXPECTED + hint) from None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between 1970 and 2200") from None


def render_time(moment: datetime) -> str:
    """An aware time as ISO-8601 in UTC with a Z; milliseconds or microseconds only where there are any."""
    moment = moment.astimezone(UTC)
    precision = "seconds" if not moment.microsecond else "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.isoformat(timespec=precision).removesuffix("+00:00") + "Z"


def _validate(value: object) -> object:
    return parse_time(value) if isinstance(value, str) else value


RequestTime = Annotated[datetime, BeforeValidator(_validate, json_schema_input_type=str)]
"""A time in a request."""
UtcTime = Annotated[datetime, PlainSerializer(render_time, return_type=str)]
"""A time in an answer."""

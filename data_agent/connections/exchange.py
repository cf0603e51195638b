"""One exchange of request and answer, as the wire saw it. CCXT hides most of this; limits and clocks need it."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from data_agent.core.time import utc_now


@dataclass
class Exchange:
    """What happened to one request; filled in as it happens.

    Attributes:
        endpoint: CCXT's path of the endpoint, e.g. `klines`.
        sent_at, sent: when it was sent, by the machine's clock and by the monotonic one. Slightly early, never late.
        observed_at: when the whole answer had reached us.
        status, headers, body, payload: the answer; status is None if there was none. Header names are in lower case.
    """

    endpoint: str
    sent_at: datetime = field(default_factory=utc_now)
    sent: float = field(default_factory=time.monotonic)
    observed_at: datetime | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    payload: Any = None

    def take(self, other: Exchange) -> None:
        """Become what another exchange was, but for the endpoint's name."""
        self.sent_at, self.sent, self.observed_at = other.sent_at, other.sent, other.observed_at
        self.status, self.headers, self.body, self.payload = other.status, other.headers, other.body, other.payload

    @property
    def is_success(self) -> bool:
        """Whether the HTTP status says that all is well."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def retry_after(self) -> timedelta | None:
        """What the Retry-After header says, as seconds or as a date; None if it says nothing."""
        told = self.headers.get("retry-after", "").strip()
        if told.isdigit():
            return timedelta(seconds=int(told))
        try:
            moment = parsedate_to_datetime(told)
        except ValueError:
            return None
        return max(timedelta(), moment.astimezone(UTC) - utc_now())


# The exchange under way in this task. CCXT's hooks get no handle of the request they belong to; one client serves many
# tasks at once.
current: Final[ContextVar[Exchange]] = ContextVar("exchange")

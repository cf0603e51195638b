"""The one error tree. Every expected failure of the product is one of these types.

DataAgentError
├── ConfigurationError      a setting or a file says something that cannot be: named, with what to do
├── EnvironmentFault        a port in use, a missing tool, a process that does not come up
├── StorageError            the store refused or contradicts itself
└── VenueError              something went wrong between us and a venue
    ├── NetworkFault        nothing readable came back: time-out, reset, 5xx           (retryable)
    ├── RateLimited         the venue says slow down, for `retry_after`                (retryable, later)
    ├── Banned              the venue shut us out until `until`                        (never before)
    ├── Refused             the venue understood and said no                           (not retryable)
    └── BrokenData          an answer arrived that cannot be what the venue meant      (retryable)
"""

from __future__ import annotations

from datetime import datetime, timedelta


class DataAgentError(Exception):
    """Any failure this product expects; its text says what, where and what to do."""


class ConfigurationError(DataAgentError):
    """A setting or configuration file is wrong."""


class EnvironmentFault(DataAgentError):
    """The machine lacks something: a free port, a tool, a process that answers."""


class StorageError(DataAgentError):
    """The store refused a write or contradicts itself."""


class VenueError(DataAgentError):
    """A request to a venue failed.

    Attributes:
        venue: the venue's name.
        endpoint: the path asked, as the venue spells it, if known.
        is_retryable: whether the same request may succeed later without anybody changing anything.
    """

    is_retryable = False
    reason = "venue_error"

    def __init__(self, message: str, *, venue: str, endpoint: str = "") -> None:
        super().__init__(f"{venue}{' ' + endpoint if endpoint else ''}: {message}")
        self.venue = venue
        self.endpoint = endpoint


class NetworkFault(VenueError):
    """Nothing readable came back: connection refused or reset, time-out, a server error."""

    is_retryable = True
    reason = "network_fault"


class RateLimited(VenueError):
    """The venue asks us to slow down. `retry_after` is what it told us, or None."""

    is_retryable = True
    reason = "rate_limited"

    def __init__(self, message: str, *, venue: str, endpoint: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(message, venue=venue, endpoint=endpoint)
        self.retry_after = retry_after


class Banned(VenueError):
    """The venue shut this address out until `until`; asking earlier makes the ban longer."""

    reason = "banned"

    def __init__(self, message: str, *, venue: str, until: datetime, endpoint: str = "") -> None:
        super().__init__(f"{message} (until {until.isoformat()})", venue=venue, endpoint=endpoint)
        self.until = until


class Refused(VenueError):
    """The venue understood the request and said no: unknown symbol, bad parameter, no permission."""

    reason = "refused"


class BrokenData(VenueError):
    """The answer cannot be what the venue meant: not JSON, truncated, empty, of another shape."""

    is_retryable = True
    reason = "broken_data"

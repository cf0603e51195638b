"""What is counted, under Prometheus' names. Every failure, wait and discarded row is visible here."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

VENUE_REQUESTS: Final = Counter(
    "data_agent_venue_requests", "Requests sent to a venue, by what came of them.", ["venue", "endpoint", "outcome"]
)
VENUE_SECONDS: Final = Histogram(
    "data_agent_venue_answer_seconds",
    "From sending a request to its last byte.",
    ["venue", "endpoint"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
LIMIT_WAIT_SECONDS: Final = Counter(
    "data_agent_limit_wait_seconds", "Time requests waited for a venue's limits.", ["venue", "limit"]
)
LIMITER_DEGRADED: Final = Gauge(
    "data_agent_limiter_degraded", "1 while Redis is away and requests trickle at a local pace.", ["venue"]
)
VENUE_BANS: Final = Counter("data_agent_venue_bans", "Times a venue shut us out for a stated time.", ["venue", "scope"])
ROWS_REJECTED: Final = Counter(
    "data_agent_rows_rejected", "Rows of a venue that could not be understood.", ["venue", "dataset", "reason"]
)
ROWS_OUTSIDE: Final = Counter(
    "data_agent_rows_outside", "Rows a venue sent that lie outside what was asked; ignored.", ["venue", "dataset"]
)

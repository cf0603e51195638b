"""A budget is a set of named limits; a request debits all that apply to it.

The arithmetic is here, without any clock or network; `limiter` shares the counters between processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

from data_agent.core.errors import ConfigurationError


class Algorithm(StrEnum):
    """How the requests of a window are counted.

    SLIDING counts the last `window_seconds` at every moment. It keeps a fixed window too, whatever the phase of the
    venue's clock, and costs no throughput, so it is right for every short window. FIXED counts windows aligned to the
    epoch: for long ones (a day) that a venue resets at a known moment.
    """

    SLIDING = "sliding"
    FIXED = "fixed"


class Priority(IntEnum):
    """Who goes first when a budget runs short: the lower number."""

    ACCOUNT = 0
    REPAIR = 1
    INCREMENTAL = 2
    BACKFILL = 3


# The part of our budget that each priority may fill. What it must leave is the reserve of those before it: a backfill
# at full speed still lets the live candles of every series through (a quarter of 4,800 weight is 600 of them a minute).
SHARES: Final[Mapping[Priority, float]] = MappingProxyType(
    {Priority.ACCOUNT: 1.0, Priority.REPAIR: 0.95, Priority.INCREMENTAL: 0.9, Priority.BACKFILL: 0.75}
)

# How long a request may wait for the budget before it gives up.
PATIENCE_SECONDS: Final[Mapping[Priority, float]] = MappingProxyType(
    {Priority.ACCOUNT: 10.0, Priority.REPAIR: 60.0, Priority.INCREMENTAL: 30.0, Priority.BACKFILL: 180.0}
)


@dataclass(frozen=True)
class Limit:
    """One limit a venue publishes.

    Attributes:
        name: unique within the venue, e.g. `request_weight`.
        window_seconds: the window the venue counts in.
        capacity: what the venue allows within the window, in the venue's own unit.
        algorithm: how we count.
        used_header: the response header that tells what the venue has counted in its current window, if there is one.
        scope: whom the venue counts; every limit of public data is per `ip`.
    """

    name: str
    window_seconds: float
    capacity: int
    algorithm: Algorithm = Algorithm.SLIDING
    used_header: str | None = None
    scope: str = "ip"

    def allowance(self, priority: Priority, ceiling: float) -> int:
        """The most that may be used within a window by requests of this and all lower priorities; at least 1."""
        return max(1, int(self.capacity * ceiling * SHARES[priority]))


@dataclass(frozen=True)
class Budget:
    """The limits of one product of a venue and what each endpoint costs.

    Attributes:
        limits: every limit, by name.
        costs: endpoint (CCXT's path, e.g. `klines`) -> limit name -> what one request debits.
        default_cost: what an endpoint debits that is not listed.
    """

    limits: Mapping[str, Limit]
    costs: Mapping[str, Mapping[str, int]]
    default_cost: Mapping[str, int]

    def __post_init__(self) -> None:
        for endpoint, cost in {**self.costs, "any other": self.default_cost}.items():
            if unknown := cost.keys() - self.limits.keys():
                raise ConfigurationError(f"endpoint {endpoint} debits unknown limits: {', '.join(sorted(unknown))}")

    def debits(self, endpoint: str) -> list[tuple[Limit, int]]:
        """The limits a request to an endpoint debits, and by how much."""
        return [(self.limits[name], cost) for name, cost in self.costs.get(endpoint, self.default_cost).items()]


def budget(*limits: Limit, costs: Mapping[str, Mapping[str, int]], default_cost: Mapping[str, int]) -> Budget:
    """A budget from its limits, keyed by their names."""
    return Budget({limit.name: limit for limit in limits}, costs, default_cost)

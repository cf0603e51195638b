"""The shape of what is known of a venue. Values are in `venues/<venue>/facts.py`; nothing here imports CCXT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Literal

from data_agent.connections.facts import ConnectionFacts
from data_agent.core.time import Timeframe

EmptyInterval = Literal["carried", "omitted"]
_NO_OFFSETS: Final[Mapping[Timeframe, timedelta]] = MappingProxyType({})


@dataclass(frozen=True)
class CandleFacts:
    """How a product serves candles.

    Attributes:
        intervals: the timeframes the venue has of its own, and what it calls them on the wire.
        page_size: the most candles one answer may hold.
        settle_after: how long after its close a candle may still change.
        has_closed_flag: whether each row says if its interval is over.
        empty_interval: whether an interval without a trade is `carried` (a row of zero volume) or `omitted`.
        grid_offsets: where the grid of a timeframe lies off the UTC epoch's (a day that starts at 16:00 UTC).
        recent_bars: how many of the newest candles the endpoint for recent ones reaches; None if one endpoint has all.
    """

    intervals: Mapping[Timeframe, str]
    page_size: int
    settle_after: timedelta
    has_closed_flag: bool
    empty_interval: EmptyInterval
    grid_offsets: Mapping[Timeframe, timedelta] = field(default_factory=lambda: _NO_OFFSETS)
    recent_bars: int | None = None

    def grid_offset(self, timeframe: Timeframe) -> timedelta:
        """How far the grid of a timeframe lies from the UTC epoch's."""
        return self.grid_offsets.get(timeframe, timedelta())


@dataclass(frozen=True)
class ProductFacts:
    """One product of one venue."""

    connection: ConnectionFacts
    candles: CandleFacts

    @property
    def venue(self) -> str:
        """The venue's name, e.g. `binance`."""
        return self.connection.venue

    @property
    def product(self) -> str:
        """The product's name, e.g. `spot`."""
        return self.connection.product


@dataclass(frozen=True)
class VenueFacts:
    """One venue: its products by name."""

    name: str
    products: Mapping[str, ProductFacts]


def venue_facts(*products: ProductFacts) -> VenueFacts:
    """A venue from its products."""
    return VenueFacts(products[0].venue, {facts.product: facts for facts in products})

"""What must be known of a venue's product before it can be reached. Data, not behaviour; CCXT is not imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from data_agent.connections.limits import Budget


@dataclass(frozen=True)
class ConnectionFacts:
    """How one product of a venue is reached.

    Attributes:
        venue, product: e.g. `binance`, `spot`.
        ccxt_id: the CCXT client that serves the product (Kraken's perpetuals are another client than its spot).
        host: whose limits are counted, unless a base URL puts another in its place.
        market_types: which markets CCXT loads; nothing else is asked for.
        budget: the published limits and what each endpoint costs.
        options: further CCXT options.
    """

    venue: str
    product: str
    ccxt_id: str
    host: str
    market_types: tuple[str, ...]
    budget: Budget
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

"""Facts of Binance, from its published REST documents (spot: "General API Information", "Market Data endpoints")."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from data_agent.connections.facts import ConnectionFacts
from data_agent.connections.limits import Limit, budget
from data_agent.core.time import Timeframe
from data_agent.venues.facts import CandleFacts, ProductFacts, venue_facts

# Binance counts per minute of its own clock. A sliding minute keeps that limit under every phase of the two clocks.
_REQUEST_WEIGHT: Final = Limit("request_weight", 60, 6_000, used_header="X-MBX-USED-WEIGHT-1M")
_RAW_REQUESTS: Final = Limit("raw_requests", 300, 61_000)


def _weighs(weight: int) -> dict[str, int]:
    return {_REQUEST_WEIGHT.name: weight, _RAW_REQUESTS.name: 1}


SPOT: Final = ProductFacts(
    ConnectionFacts(
        venue="binance",
        product="spot",
        ccxt_id="binance",
        host="api.binance.com",
        market_types=("spot",),
        budget=budget(
            _REQUEST_WEIGHT,
            _RAW_REQUESTS,
            costs={"ping": _weighs(1), "time": _weighs(1), "exchangeInfo": _weighs(20), "klines": _weighs(2)},
            # Most endpoints weigh less; the few that weigh more must be listed before they are used.
            default_cost=_weighs(25),
        ),
    ),
    CandleFacts(
        intervals={timeframe: timeframe.value for timeframe in Timeframe},
        page_size=1_000,
        # The engine publishes a kline's last trades within seconds of its close.
        settle_after=timedelta(seconds=10),
        has_closed_flag=False,
        empty_interval="carried",
    ),
)

FACTS: Final = venue_facts(SPOT)

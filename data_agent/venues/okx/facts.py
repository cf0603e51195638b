"""Facts of OKX, from its published API guide (v5: "Market Data", "Public Data")."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from data_agent.connections.facts import ConnectionFacts
from data_agent.connections.limits import Limit, budget
from data_agent.core.time import Timeframe
from data_agent.venues.facts import CandleFacts, ProductFacts, venue_facts

# Every endpoint has a limit of its own: so many requests in two seconds, per address.
_CANDLES: Final = Limit("candles", 2, 40)
_HISTORY_CANDLES: Final = Limit("history_candles", 2, 20)
_INSTRUMENTS: Final = Limit("instruments", 2, 20)
_TIME: Final = Limit("time", 2, 10)
_OTHER: Final = Limit("other", 2, 10)

SPOT: Final = ProductFacts(
    ConnectionFacts(
        venue="okx",
        product="spot",
        ccxt_id="okx",
        host="www.okx.com",
        market_types=("spot",),
        budget=budget(
            _CANDLES,
            _HISTORY_CANDLES,
            _INSTRUMENTS,
            _TIME,
            _OTHER,
            costs={
                "market/candles": {_CANDLES.name: 1},
                "market/history-candles": {_HISTORY_CANDLES.name: 1},
                "public/instruments": {_INSTRUMENTS.name: 1},
                "public/time": {_TIME.name: 1},
            },
            default_cost={_OTHER.name: 1},
        ),
    ),
    CandleFacts(
        # Bars of six hours and more open by UTC+8 unless their name ends in `utc`.
        intervals={
            Timeframe.M1: "1m",
            Timeframe.M5: "5m",
            Timeframe.M15: "15m",
            Timeframe.H1: "1H",
            Timeframe.H4: "4H",
            Timeframe.D1: "1Dutc",
        },
        page_size=300,
        settle_after=timedelta(seconds=10),
        has_closed_flag=True,
        empty_interval="carried",
        recent_bars=1_440,
    ),
)

FACTS: Final = venue_facts(SPOT)

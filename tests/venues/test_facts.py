"""Our facts against the simulator's, which were written from the venues' documents by themselves."""

from __future__ import annotations

from data_agent.core.time import Timeframe
from data_agent.venues.binance.facts import SPOT as BINANCE
from data_agent.venues.okx.facts import SPOT as OKX
from simulator.venues.binance import facts as simulated_binance
from simulator.venues.okx import facts as simulated_okx


def test_binance_pages_and_intervals() -> None:
    assert BINANCE.candles.page_size == simulated_binance.MAXIMUM_LIMIT
    assert set(BINANCE.candles.intervals.values()) <= set(simulated_binance.INTERVALS)


def test_binance_limits() -> None:
    limits = BINANCE.connection.budget.limits
    assert limits["request_weight"].capacity == simulated_binance.REQUEST_WEIGHT_PER_MINUTE
    assert limits["request_weight"].window_seconds == 60
    for endpoint, weight in simulated_binance.WEIGHTS.items():
        debits = {limit.name: cost for limit, cost in BINANCE.connection.budget.debits(endpoint)}
        assert debits["request_weight"] >= weight
    klines = BINANCE.connection.budget.costs["klines"]
    assert klines["request_weight"] == simulated_binance.WEIGHTS["klines"]


def test_okx_pages_and_grids() -> None:
    assert OKX.candles.page_size == simulated_okx.MAXIMUM_LIMIT
    assert OKX.candles.recent_bars == simulated_okx.LATEST_ENTRIES
    for timeframe in Timeframe:
        frame = simulated_okx.FRAMES[OKX.candles.intervals[timeframe]]
        assert (frame.size_ms, frame.offset_ms) == (timeframe.milliseconds, 0)


def test_okx_limits() -> None:
    for endpoint, (capacity, window) in simulated_okx.LIMITS.items():
        group = "public" if endpoint in {"time", "instruments"} else "market"
        ((limit, cost),) = OKX.connection.budget.debits(f"{group}/{endpoint}")
        assert (limit.capacity, limit.window_seconds, cost) == (capacity, window, 1)

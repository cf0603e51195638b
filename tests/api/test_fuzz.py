"""Whatever a caller writes into a query, it is answered, or refused with a problem that names the field."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.support import World, at, candle

pytestmark = pytest.mark.integration

_TIMES = st.sampled_from([at(0).isoformat(), at(3).isoformat(), "2199-12-31", "1970-01-01", "0", "1767571200000", "-1"])
_ANYTHING = st.one_of(st.text(max_size=30), st.integers().map(str), st.floats().map(str))
_VALUES: dict[str, st.SearchStrategy[str]] = {
    "exchange": st.sampled_from(["binance", "okx", "Binance", ""]),
    "symbol": st.sampled_from(["BTC/USDT", "BTCUSDT", "'; DROP TABLE raw.candles; --"]),
    "timeframe": st.sampled_from(["1m", "5m", "1d", "7m"]),
    "start": _TIMES,
    "end": _TIMES,
    "open_time": _TIMES,
    "as_of": _TIMES,
    "limit": st.sampled_from(["1", "2", "5000", "0"]),
    "cursor": st.text(max_size=20),
    "min_quality": st.sampled_from(["0", "1", "0.5", "-0", "1e-300", "Infinity"]),
    "origin": st.sampled_from(["venue", "built"]),
    "active": st.sampled_from(["true", "no", "maybe"]),
    "max_gaps": st.sampled_from(["0", "3"]),
}


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]]]:
    path = draw(st.sampled_from(["/v1/candles", "/v1/candles/revisions", "/v1/coverage", "/v1/instruments"]))
    names = draw(st.lists(st.one_of(st.sampled_from(sorted(_VALUES)), st.text(max_size=8)), unique=True, max_size=8))
    wanted = {"/v1/candles": ["exchange", "symbol", "timeframe"]}.get(path, [])
    if draw(st.booleans()):
        names = list(dict.fromkeys([*wanted, *names]))
    values = [(name, draw(st.one_of(_VALUES[name], _ANYTHING) if name in _VALUES else _ANYTHING)) for name in names]
    return path, values


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=queries())
async def test_no_query_is_our_fault(query: tuple[str, list[tuple[str, str]]], filled: httpx.AsyncClient) -> None:
    path, parameters = query
    answer = await filled.get(path, params=[(name, value) for name, value in parameters])
    assert answer.status_code in {200, 404, 409, 422}, (answer.status_code, answer.text)
    if answer.status_code != 200:
        problem: dict[str, Any] = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == answer.status_code
        assert "field" in problem, problem


@pytest.fixture
async def filled(world: World, client: httpx.AsyncClient) -> httpx.AsyncClient:
    await world.list_instruments("BTC/USDT", timeframes=("1m", "5m", "1d"))
    await world.create_marts()
    await world.write([candle(i, observed_at=at(60)) for i in range(5)])
    await world.publish(block={at(1): "positive"})
    return client

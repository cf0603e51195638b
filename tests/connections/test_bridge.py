"""What the bridge makes of a body: everything exactly, or a failure; never silently nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_agent.connections.bridge import create_bridge
from data_agent.connections.exchange import Exchange, current
from data_agent.core.errors import BrokenData
from data_agent.venues.registry import VENUES, product_facts

ASCII_DIGITS = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})([eE][+-]?[0-9]{1,3})?", fullmatch=True)
shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


async def no_courier(_endpoint: str, _send: Any) -> Any:
    raise AssertionError("nothing is sent")


@pytest.fixture(params=sorted(VENUES))
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    facts = product_facts(request.param, "spot").connection
    bridge = create_bridge(facts, no_courier, base_url="http://127.0.0.1:1", timeout_seconds=1)
    yield bridge
    await bridge.close()


def parse(client: Any, body: str, status: int = 200) -> Any:
    token = current.set(Exchange("klines", status=status, body=body))
    try:
        return client.parse_json(body)
    finally:
        current.reset(token)


@shared_fixture
@given(numbers=st.lists(ASCII_DIGITS, max_size=20))
async def test_bare_numbers_keep_their_digits(client: Any, numbers: list[str]) -> None:
    assert parse(client, f"[{','.join(numbers)}]") == numbers


@shared_fixture
@given(number=st.integers(-(10**40), 10**40))
async def test_whole_numbers_of_any_length_stay_whole(client: Any, number: int) -> None:
    assert parse(client, f"[{number}]") == [number]


@shared_fixture
@given(body=st.text(max_size=40) | st.sampled_from(["", "[", "{", "[NaN]", "[1]]", "null", "1", '"a"', "[1,]", "<p>"]))
async def test_no_garbage_becomes_an_answer(client: Any, body: str) -> None:
    try:
        found = parse(client, body)
    except BrokenData as error:
        assert error.is_retryable
    else:
        assert found == json.loads(body, parse_float=str)
        assert isinstance(found, (dict, list))


@pytest.mark.parametrize("body", ["", "<html>", "not json", '"text"'])
async def test_an_error_status_needs_no_json(client: Any, body: str) -> None:
    assert parse(client, body, status=502) in {None, "text"}


async def test_ccxt_s_own_limiter_and_retries_are_off(client: Any) -> None:
    assert client.enableRateLimit is False
    assert client.options.get("maxRetriesOnFailure", 0) == 0


async def test_every_request_goes_through_the_courier(client: Any) -> None:
    with pytest.raises(AssertionError, match="nothing is sent"):
        await client.fetch_time()


async def test_unified_numbers_keep_their_digits(client: Any) -> None:
    assert client.safe_number({"a": "1.10"}, "a") == "1.10"

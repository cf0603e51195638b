"""Every shape a failure takes on the wire, sent over a real socket through real CCXT clients."""

from __future__ import annotations

from datetime import timedelta

import pytest

from data_agent.connections.retry import RetryPolicy
from data_agent.core.errors import (
    Banned,
    BrokenData,
    NetworkFault,
    RateLimited,
    Refused,
    VenueError,
)
from data_agent.core.time import utc_now
from tests.connections.conftest import OpenClient, Reply, WireServer

pytestmark = pytest.mark.integration

HTML = b"<!DOCTYPE html><html><body>Checking your browser</body></html>"
ROWS = b'[[1624438800000,"1","1","1","1","1",1624438859999,"1",1,"1","1","0"]]'
OKX_ROWS = b'{"code":"0","msg":"","data":[["1624438800000","1","1","1","1","1","1","1","1"]]}'
METHODS = {"binance": ("publicGetKlines", {"symbol": "X"}), "okx": ("publicGetMarketCandles", {"instId": "X"})}

CASES: list[tuple[str, Reply, type[VenueError]]] = [
    # nothing readable came back
    ("binance", Reply(is_reset=True), NetworkFault),
    ("okx", Reply(is_reset=True), NetworkFault),
    ("binance", Reply(body=ROWS, delay=1), NetworkFault),
    ("binance", Reply(503, HTML), NetworkFault),
    ("binance", Reply(500, b'{"code":-1001,"msg":"Internal error"}'), NetworkFault),
    ("okx", Reply(503, b'{"code":"50001","msg":"Service temporarily unavailable"}'), NetworkFault),
    ("okx", Reply(200, b'{"code":"50001","msg":"Service temporarily unavailable","data":[]}'), NetworkFault),
    ("okx", Reply(502, HTML), NetworkFault),
    ("binance", Reply(408, b""), NetworkFault),
    # slow down
    ("binance", Reply(429, b'{"code":-1003,"msg":"Too much request weight used"}'), RateLimited),
    ("okx", Reply(429, b'{"code":"50011","msg":"Too Many Requests","data":[]}'), RateLimited),
    ("okx", Reply(429, b'{"msg":"Too Many Requests"}'), RateLimited),
    ("okx", Reply(429, HTML), RateLimited),
    ("okx", Reply(200, b'{"code":"50011","msg":"Too Many Requests","data":[]}'), RateLimited),
    # shut out
    ("binance", Reply(418, b'{"code":-1003,"msg":"banned until"}', {"Retry-After": "7"}), Banned),
    ("okx", Reply(418, b"", {"Retry-After": "7"}), Banned),
    # understood, and no
    ("binance", Reply(400, b'{"code":-1121,"msg":"Invalid symbol."}'), Refused),
    ("binance", Reply(200, b'{"code":-1121,"msg":"Invalid symbol."}'), Refused),
    ("binance", Reply(451, b'{"code":0,"msg":"Service unavailable from a restricted location"}'), Refused),
    ("binance", Reply(403, HTML), Refused),
    ("binance", Reply(404, HTML), Refused),
    ("okx", Reply(200, b'{"code":"51001","msg":"Instrument ID does not exist","data":[]}'), Refused),
    ("okx", Reply(400, b'{"code":"50014","msg":"Parameter bar can not be empty"}'), Refused),
    ("okx", Reply(200, b'{"code":"99999","msg":"an error nobody has heard of","data":[]}'), Refused),
    # an answer that cannot be meant
    ("binance", Reply(200, HTML), BrokenData),
    ("okx", Reply(200, HTML), BrokenData),
    ("binance", Reply(200, b""), BrokenData),
    ("okx", Reply(200, b""), BrokenData),
    ("binance", Reply(200, ROWS[:-5]), BrokenData),
    ("okx", Reply(200, OKX_ROWS[:-5]), BrokenData),
    ("binance", Reply(200, ROWS, cut=20), BrokenData),
    ("okx", Reply(200, OKX_ROWS, cut=20), BrokenData),
    ("binance", Reply(200, b"[NaN]"), BrokenData),
    ("binance", Reply(200, b'"maintenance"'), BrokenData),
    ("okx", Reply(200, b"[]"), BrokenData),
    ("okx", Reply(200, b"{}"), BrokenData),
    ("binance", Reply(200, ROWS, {"Content-Encoding": "gzip"}), BrokenData),
]


@pytest.mark.parametrize(
    ("venue", "reply", "expected"),
    [pytest.param(*case, id=f"{case[0]}-{case[1].status}-{case[2].__name__}-{i}") for i, case in enumerate(CASES)],
)
async def test_each_failure_has_its_type(
    venue: str, reply: Reply, expected: type[VenueError], wire: WireServer, client_of: OpenClient
) -> None:
    wire.script(reply)
    method, params = METHODS[venue]
    async with client_of(venue) as client:
        client._retry = RetryPolicy(attempts=1)
        with pytest.raises(VenueError) as caught:
            await client.request(method, params)
    assert type(caught.value) is expected, str(caught.value)
    assert caught.value.venue == venue
    assert caught.value.endpoint.endswith(("klines", "candles"))


async def test_a_ban_says_until_when(wire: WireServer, client_of: OpenClient) -> None:
    wire.script(Reply(418, b"", {"Retry-After": "120"}))
    async with client_of() as client:
        with pytest.raises(Banned) as caught:
            await client.request("publicGetKlines", {"symbol": "X"})
    assert abs(caught.value.until - utc_now() - timedelta(seconds=120)) < timedelta(seconds=5)


async def test_a_rate_limit_says_for_how_long(wire: WireServer, client_of: OpenClient) -> None:
    wire.script(Reply(429, b"", {"Retry-After": "300"}))
    async with client_of() as client:
        with pytest.raises(RateLimited) as caught:
            await client.request("publicGetKlines", {"symbol": "X"})
    assert caught.value.retry_after == timedelta(seconds=300)
    assert len(wire.paths) == 1, "a wait longer than we have is not begun"


async def test_no_secret_reaches_an_error_text(wire: WireServer, client_of: OpenClient) -> None:
    wire.script(Reply(400, b'{"code":-2014,"msg":"bad request apiKey=hunter2&signature=abcdef"}'))
    async with client_of() as client:
        with pytest.raises(Refused) as caught:
            await client.request("publicGetKlines", {"symbol": "X"})
    assert "hunter2" not in str(caught.value)
    assert "abcdef" not in str(caught.value)


async def test_nobody_listens(client_of: OpenClient) -> None:
    async with client_of(base_url="http://127.0.0.1:1") as client:
        client._retry = RetryPolicy(attempts=1)
        with pytest.raises(NetworkFault):
            await client.request("publicGetKlines", {"symbol": "X"})


async def test_a_mistake_of_ours_is_not_blamed_on_the_venue(client_of: OpenClient) -> None:
    async with client_of() as client:
        with pytest.raises(AttributeError):
            await client.request("publicGetNothingLikeThis", {})

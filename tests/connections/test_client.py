"""The client over a real socket: exact digits, retries, bans, base URL, markets."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data_agent.connections.retry import RetryPolicy
from data_agent.core.errors import Banned, BrokenData, NetworkFault, RateLimited, Refused, VenueError
from data_agent.core.time import from_milliseconds
from tests.connections.conftest import OpenClient, Reply, WireServer

pytestmark = pytest.mark.integration

FAST = RetryPolicy(attempts=3, first_wait=timedelta(seconds=0.01), longest_wait=timedelta(seconds=0.02))
KLINES = ("publicGetKlines", {"symbol": "BTCUSDT", "interval": "1m"})


async def test_digits_survive_the_whole_way(wire: WireServer, client_of: OpenClient) -> None:
    body = b'[[1624438800000, "1.10", 1.10, 0.12345678901234567890, 9.121E-7, 123456789012345678901234567890]]'
    wire.script(Reply(body=body))
    async with client_of() as client:
        answer = await client.request(*KLINES)
    assert answer.payload == [
        [1624438800000, "1.10", "1.10", "0.12345678901234567890", "9.121E-7", 123456789012345678901234567890]
    ]


async def test_times_of_an_answer(wire: WireServer, client_of: OpenClient) -> None:
    wire.script(Reply(delay=0.2))
    async with client_of() as client:
        answer = await client.request(*KLINES)
    assert answer.observed_at - answer.sent_at >= timedelta(seconds=0.2)
    # The venue's clock when the request was sent, not when its answer came.
    age = answer.venue_time - from_milliseconds(wire.time_ms)
    assert timedelta(0) <= age + timedelta(milliseconds=1) < timedelta(seconds=0.2)


@pytest.mark.parametrize("prefix", ["", "/some/prefix"])
@pytest.mark.parametrize(
    ("venue", "method", "path"),
    [("binance", "publicGetKlines", "/api/v3/klines"), ("okx", "publicGetMarketCandles", "/api/v5/market/candles")],
)
async def test_base_url_with_and_without_a_prefix(
    venue: str, method: str, path: str, prefix: str, wire: WireServer, client_of: OpenClient
) -> None:
    wire.script(Reply(body=b'{"code":"0","data":[]}' if venue == "okx" else b"[]"))
    async with client_of(venue, base_url=wire.url + prefix) as client:
        await client.request(method, {"symbol": "X", "instId": "X"})
    assert wire.paths == [prefix + path]


@pytest.mark.parametrize(
    "failure",
    [
        Reply(is_reset=True),
        Reply(502),
        Reply(body=b"<html>"),
        Reply(429, headers={"Retry-After": "1"}),
        Reply(body=b"[1]", cut=1),
    ],
)
async def test_what_may_pass_is_tried_again(failure: Reply, wire: WireServer, client_of: OpenClient) -> None:
    wire.script(failure, failure, Reply(body=b"[1]"))
    async with client_of() as client:
        client._retry = FAST
        assert (await client.request(*KLINES)).payload == [1]
    assert len(wire.paths) == 3


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Reply(502), NetworkFault),
        (Reply(body=b""), BrokenData),
        (Reply(429, headers={"Retry-After": "1"}), RateLimited),
    ],
)
async def test_trying_again_is_bounded(
    failure: Reply, expected: type[VenueError], wire: WireServer, client_of: OpenClient
) -> None:
    wire.script(failure)
    async with client_of() as client:
        client._retry = FAST
        with pytest.raises(expected):
            await client.request(*KLINES)
    assert len(wire.paths) == FAST.attempts


async def test_what_the_venue_refused_is_never_tried_again(wire: WireServer, client_of: OpenClient) -> None:
    wire.script(Reply(400, b'{"code":-1121,"msg":"Invalid symbol."}'))
    async with client_of() as client:
        client._retry = FAST
        with pytest.raises(Refused):
            await client.request(*KLINES)
    assert len(wire.paths) == 1


async def test_a_wait_the_venue_asked_for_is_kept(wire: WireServer, client_of: OpenClient) -> None:
    wire.script(Reply(429, b"", {"Retry-After": "1"}), Reply(body=b"[1]"))
    async with client_of() as client:
        client._retry = FAST
        assert (await client.request(*KLINES)).payload == [1]
    assert wire.moments[1] - wire.moments[0] >= 1.0


async def test_a_429_without_a_word_empties_the_budget(wire: WireServer, client_of: OpenClient) -> None:
    wire.script(Reply(429, b'{"msg":"Too Many Requests"}'), Reply(body=b'{"code":"0","data":[]}'))
    async with client_of("okx") as client:
        client._retry = FAST
        await client.request("publicGetMarketCandles", {"instId": "X"})
    assert wire.moments[1] - wire.moments[0] >= 1.9, "the window of two seconds was not waited for"


async def test_nothing_is_sent_inside_a_ban_and_something_after_it(wire: WireServer, client_of: OpenClient) -> None:
    wire.script(Reply(418, b"", {"Retry-After": "1"}), Reply(body=b"[1]"))
    async with client_of() as client:
        client._retry = FAST
        for _ in range(3):
            with pytest.raises(Banned):
                await client.request(*KLINES)
        assert len(wire.paths) == 1, "a request went out inside the ban"
        await asyncio.sleep(1.05)
        assert (await client.request(*KLINES)).payload == [1]
    assert len(wire.paths) == 2


async def test_a_ban_met_by_one_request_stops_those_waiting_beside_it(wire: WireServer, client_of: OpenClient) -> None:
    wire.script(Reply(502, delay=0.05), Reply(418, b"", {"Retry-After": "5"}))
    async with client_of() as client:
        client._retry = RetryPolicy(attempts=5, first_wait=timedelta(seconds=0.2))
        results = await asyncio.gather(*(client.request(*KLINES) for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results] == [Banned, Banned]
    assert len(wire.paths) == 2


async def test_many_tasks_share_one_client_without_mixing_answers(wire: WireServer, client_of: OpenClient) -> None:
    replies = [Reply(body=json.dumps([number]).encode(), delay=0.05 - number / 1000) for number in range(30)]
    wire.script(*replies)
    async with client_of() as client:
        answers = await asyncio.gather(*(client.request(*KLINES) for _ in replies))
    assert sorted(answer.payload[0] for answer in answers) == list(range(30))
    assert all(answer.sent_at < answer.observed_at for answer in answers)


EXCHANGE_INFO = {
    "timezone": "UTC",
    "serverTime": 1,
    "rateLimits": [],
    "exchangeFilters": [],
    "symbols": [
        {
            "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "baseAssetPrecision": 8,
            "quoteAsset": "USDT", "quotePrecision": 8, "quoteAssetPrecision": 8, "isSpotTradingAllowed": True,
            "permissions": ["SPOT"],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01000000"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001000"},
            ],
        }
    ],
}  # fmt: skip


async def test_markets_are_asked_for_once_by_all_processes(wire: WireServer, client_of: OpenClient) -> None:
    wire.script(Reply(body=json.dumps(EXCHANGE_INFO).encode()))
    found = []
    for _ in range(3):
        async with client_of() as client:
            found += [await client.markets(), await client.markets()]
    assert wire.paths == ["/api/v3/exchangeInfo"]
    assert all(markets == found[0] for markets in found)
    assert found[0]["BTC/USDT"]["info"]["filters"][0]["tickSize"] == "0.01000000"


async def test_markets_without_redis_and_with_a_damaged_cache(
    wire: WireServer, client_of: OpenClient, redis_url: str
) -> None:
    import redis

    wire.script(Reply(body=json.dumps(EXCHANGE_INFO).encode()))
    async with client_of(redis_url=None) as client:
        assert "BTC/USDT" in await client.markets()
    async with client_of() as client:
        await client.markets()
    with redis.Redis.from_url(redis_url) as store:
        (key,) = store.keys("*:markets:*")
        store.set(key, b"not compressed")
    async with client_of() as client:
        assert "BTC/USDT" in await client.markets()
    assert len(wire.paths) == 3


async def test_fresh_markets_are_asked_for_again(wire: WireServer, client_of: OpenClient) -> None:
    wire.script(Reply(body=json.dumps(EXCHANGE_INFO).encode()))
    async with client_of() as client:
        await client.markets()
        await client.markets(fresh=True)
    assert len(wire.paths) == 2


def recorded_klines(recordings: Path) -> bytes:
    cassette = recordings / "ex_binance/fixture/vcr_cassettes/spot/public/klines_symbol_interval_ok.json"
    body: str = json.loads(cassette.read_text())[0]["response"]["body"]
    return body.encode()


@pytest.mark.recordings
async def test_a_recorded_answer_comes_through_untouched(
    wire: WireServer, client_of: OpenClient, recordings: Path
) -> None:
    body = recorded_klines(recordings)
    wire.script(Reply(body=body))
    async with client_of() as client:
        answer = await client.request(*KLINES)
    assert json.dumps(answer.payload, separators=(",", ":")).encode() == body
    assert answer.observed_at > datetime(2020, 1, 1, tzinfo=UTC)

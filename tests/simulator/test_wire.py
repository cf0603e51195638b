"""What only a socket shows: headers, limits, bans and broken answers."""

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator.testing import RunningSimulator, SimulatorError
from simulator.times import parse_instant
from tests.simulator.conftest import MINUTE, NOW_MS

pytestmark = pytest.mark.integration

KLINES = "/binance/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=3"
CANDLES = "/okx/api/v5/market/candles?instId=BTC-USDT&limit=3"
Start = Callable[..., RunningSimulator]


def get(simulator: RunningSimulator, path: str, timeout: float = 5) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection(urlsplit(simulator.url).netloc, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def counts(simulator: RunningSimulator) -> dict[str, int]:
    return {row["status"]: row["count"] for row in simulator.requests()["requests"]}


def test_weights_are_in_the_headers(start: Start) -> None:
    simulator = start()
    used = [get(simulator, path)[0].headers["X-MBX-USED-WEIGHT-1M"] for path in ("/binance/api/v3/time", KLINES)]
    assert used == ["1", "3"]
    answer, _ = get(simulator, "/binance/api/v3/exchangeInfo")
    assert answer.headers["x-mbx-used-weight"] == "23"
    assert answer.headers["Content-Type"].startswith("application/json")


def test_binance_warns_then_bans(start: Start) -> None:
    simulator = start(limits_scale=0.001, ban_after=2)  # 6 a minute: three times klines
    until_full = MINUTE / 1000 - time.time() % (MINUTE / 1000)
    if until_full < 3:
        time.sleep(until_full + 0.1)  # the limit is of the clock's minute, and the test needs one
    answers = [get(simulator, KLINES) for _ in range(7)]
    assert [answer.status for answer, _ in answers] == [200] * 3 + [429] * 2 + [418] * 2
    over, body = answers[3]
    assert 1 <= int(over.headers["Retry-After"]) <= 61
    assert json.loads(body) == {
        "code": -1003,
        "msg": "Too much request weight used; current limit is 6 request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
    }
    banned, body = answers[-1]
    assert 110 <= int(banned.headers["Retry-After"]) <= 121
    message = json.loads(body)["msg"]
    until = int(message.split("IP banned until ")[1].split(".")[0])
    assert message.startswith("Way too much request weight used; IP banned until ")
    assert until > NOW_MS
    summary = simulator.requests()
    assert (summary["over_limit"]["binance"], summary["inside_ban"]["binance"]) == (2, 2)
    assert get(simulator, CANDLES)[0].status == 200


def test_okx_refuses_the_41st(start: Start) -> None:
    simulator = start()
    connection = HTTPConnection(urlsplit(simulator.url).netloc, timeout=5)
    answers = []
    began = time.monotonic()
    for _ in range(41):
        connection.request("GET", CANDLES)
        answer = connection.getresponse()
        answers.append((answer.status, answer.read()))
    connection.close()
    assert time.monotonic() - began < 2
    assert [status for status, _ in answers] == [200] * 40 + [429]
    assert json.loads(answers[-1][1]) == {"msg": "Too Many Requests", "code": "50011"}
    assert simulator.requests()["over_limit"]["okx"] == 1


def test_limits_can_be_off(start: Start) -> None:
    simulator = start(limits="off", limits_scale=0.0001)
    assert {get(simulator, KLINES)[0].status for _ in range(20)} == {200}


def test_unknown_paths(start: Start) -> None:
    simulator = start()
    answer, body = get(simulator, "/binance/api/v3/nope")
    assert (answer.status, body) == (404, b"<html><body><h2>404 Not found</h2></body></html>")
    answer, body = get(simulator, "/okx/api/v5/nope")
    assert (answer.status, json.loads(body)["error_code"]) == (404, "404")
    answer, body = get(simulator, "/kraken/0/public/Time")
    assert (answer.status, "/binance/" in json.loads(body)["error"]) == (404, True)


def test_a_single_venue_is_at_the_root_as_well(start: Start) -> None:
    simulator = start(venues="okx")
    assert get(simulator, "/api/v5/public/time")[1] == get(simulator, "/okx/api/v5/public/time")[1]


@pytest.mark.parametrize("path", [KLINES, CANDLES])
@pytest.mark.parametrize(
    ("fault", "status", "begins"),
    [
        ({"kind": "http_5xx"}, 503, b'{"code":'),
        ({"kind": "http_5xx", "status": 502, "body": "html"}, 502, b"<!DOCTYPE"),
        ({"kind": "http_429", "retry_after_seconds": 7}, 429, b"{"),
        ({"kind": "html"}, 200, b"<!DOCTYPE"),
        ({"kind": "html", "status": 403}, 403, b"<!DOCTYPE"),
        ({"kind": "empty_body"}, 200, b""),
    ],
)
def test_false_answers(start: Start, path: str, fault: dict[str, Any], status: int, begins: bytes) -> None:
    simulator = start()
    [added] = simulator.faults({**fault, "count": 1})
    answer, body = get(simulator, path)
    assert answer.status == status
    assert body.startswith(begins)
    assert (body == b"") == (begins == b"")
    assert answer.headers["Retry-After"] == ("7" if status == 429 else None)
    assert get(simulator, path)[0].status == 200
    assert simulator.fault_report() == [{**added, "injected": 1, "candles": []}]


def test_latency_and_its_end(start: Start) -> None:
    simulator = start()
    simulator.faults({"kind": "latency", "seconds": 0.3, "venue": "binance", "endpoint": "ohlcv"})
    began = time.monotonic()
    get(simulator, CANDLES)
    assert time.monotonic() - began < 0.25
    get(simulator, KLINES)
    assert time.monotonic() - began >= 0.3
    assert simulator.clear_faults() == 1
    assert simulator.faults() == []


def test_a_forced_ban_counts_who_goes_on(start: Start) -> None:
    simulator = start()
    simulator.faults({"kind": "http_418", "venue": "binance", "retry_after_seconds": 2, "count": 1})
    statuses = [get(simulator, KLINES)[0].status for _ in range(3)]
    assert statuses == [418, 418, 418]
    assert simulator.requests()["inside_ban"]["binance"] == 2
    time.sleep(2.1)
    assert get(simulator, KLINES)[0].status == 200


def test_timeout_ends_when_it_is_switched_off(start: Start) -> None:
    simulator = start()
    simulator.faults({"kind": "timeout", "venue": "okx"})
    with pytest.raises(TimeoutError):
        get(simulator, CANDLES, timeout=0.3)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(get, simulator, CANDLES, 10)
        time.sleep(0.3)
        assert not waiting.done()
        simulator.clear_faults()
        with pytest.raises(ConnectionError):
            waiting.result(5)
    assert counts(simulator)["timeout"] == 2


def test_reset_is_a_reset(start: Start) -> None:
    simulator = start()
    simulator.faults({"kind": "reset", "count": 1})
    with pytest.raises(ConnectionResetError):
        get(simulator, KLINES)
    assert get(simulator, KLINES)[0].status == 200


@pytest.mark.parametrize("mode", ["content_length", "chunked"])
def test_truncated(start: Start, mode: str) -> None:
    simulator = start()
    simulator.faults({"kind": "truncated", "mode": mode, "keep": 0.5, "count": 1})
    with pytest.raises(IncompleteRead) as caught:
        get(simulator, KLINES)
    whole = get(simulator, KLINES)[1]
    assert caught.value.partial in (whole[: len(whole) // 2], b"")


def test_malformed_json_is_a_complete_answer(start: Start) -> None:
    simulator = start()
    simulator.faults({"kind": "malformed_json", "endpoint": "ohlcv"})
    for path in (KLINES, CANDLES):
        answer, body = get(simulator, path)
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) == len(body)
        with pytest.raises(json.JSONDecodeError):
            json.loads(body)


def test_clock_skew(start: Start) -> None:
    simulator = start()
    simulator.faults({"kind": "clock_skew", "venue": "binance", "seconds": -90})
    assert json.loads(get(simulator, "/binance/api/v3/time")[1])["serverTime"] == NOW_MS - 90_000
    assert json.loads(get(simulator, KLINES)[1])[-1][0] == (NOW_MS - 90_000) // MINUTE * MINUTE
    assert json.loads(get(simulator, "/okx/api/v5/public/time")[1])["data"][0]["ts"] == str(NOW_MS)


def test_held_over_the_boundary(start: Start) -> None:
    close = parse_instant("2026-01-05T10:21:00Z")
    simulator = start(clock=close - 15_000)
    simulator.faults({"kind": "stale", "seconds": 0.1, "window_seconds": 20})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(get, simulator, KLINES)
        time.sleep(0.3)
        assert not waiting.done()
        simulator.set_clock(close + 100)
        last = json.loads(waiting.result(5)[1])[-1]
    assert last[6] == close - 1  # received after its close, and yet not the final candle:
    assert last != json.loads(get(simulator, f"{KLINES}&endTime={close - 1}")[1])[-1]


def test_far_from_a_boundary_nothing_is_held(start: Start) -> None:
    simulator = start()
    simulator.faults({"kind": "stale"})
    assert get(simulator, KLINES)[0].status == 200
    assert simulator.faults()[0]["injected"] == 0


def test_cached_from_before_the_boundary(start: Start) -> None:
    simulator = start()
    simulator.faults({"kind": "stale", "mode": "cached", "seconds": 1, "venue": "okx"})
    newest = json.loads(get(simulator, CANDLES)[1])["data"][0]
    assert int(newest[0]) == NOW_MS // MINUTE * MINUTE - MINUTE
    assert newest[8] == "0"


def test_refusals_say_why(start: Start) -> None:
    simulator = start()
    with pytest.raises(SimulatorError, match=r"400.*earthquake"):
        simulator.faults({"kind": "earthquake"})
    with pytest.raises(SimulatorError, match=r"400.*nonsense"):
        simulator.set_clock("nonsense")
    for wrong in ({"venue": "x"}, {"symbol": "x"}, {"timeframe": "x"}):
        with pytest.raises(SimulatorError, match=r"400.*unknown"):
            simulator.ledger(**({"venue": "okx", "symbol": "BTC/USDT", "timeframe": "1m"} | wrong))
    with pytest.raises(SimulatorError, match=r"400.*start"):
        simulator.ledger("okx", "BTC/USDT", "1m", start="soon")


def test_ports_of_single_venues(start: Start) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    simulator = start(port_okx=port)
    alone = RunningSimulator(f"http://127.0.0.1:{port}")
    assert get(alone, "/api/v5/public/time")[1] == get(simulator, "/okx/api/v5/public/time")[1]

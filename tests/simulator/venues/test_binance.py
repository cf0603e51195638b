"""Binance spot's wire, against its published documents."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from tests.simulator.conftest import MIDNIGHT_MS, MINUTE, NOW_MS, Asker

KLINES = "/api/v3/klines?symbol=BTCUSDT&interval=1m"


def klines(ask: Asker, **parameters: Any) -> list[list[Any]]:
    more = "".join(f"&{name}={value}" for name, value in parameters.items())
    return ask.json("binance", KLINES + more)


def opened(rows: list[list[Any]]) -> list[int]:
    return [row[0] for row in rows]


def test_time_and_ping(ask: Asker) -> None:
    assert ask.json("binance", "/api/v3/time") == {"serverTime": NOW_MS}
    assert ask.json("binance", "/api/v3/ping") == {}


def test_a_kline_has_the_documented_shape(ask: Asker) -> None:
    row = klines(ask, limit=1, endTime=MIDNIGHT_MS)[0]
    assert [type(value) for value in row] == [int, *[str] * 5, int, str, int, str, str, str]
    assert row[6] == row[0] + MINUTE - 1
    assert row[11] == "0"
    texts = [*row[1:6], row[7], row[9], row[10]]
    assert all(len(text.partition(".")[2]) == 8 for text in texts)
    assert Decimal(row[3]) <= Decimal(row[1]) <= Decimal(row[2])


def test_without_bounds_the_latest_500_end_with_the_running_one(ask: Asker) -> None:
    rows = klines(ask)
    running = NOW_MS - NOW_MS % MINUTE
    assert opened(rows) == list(range(running - 499 * MINUTE, running + 1, MINUTE))


def test_a_start_gives_the_first_and_an_end_the_last(ask: Asker) -> None:
    assert opened(klines(ask, startTime=MIDNIGHT_MS + 1, limit=2)) == [MIDNIGHT_MS + MINUTE, MIDNIGHT_MS + 2 * MINUTE]
    assert opened(klines(ask, startTime=MIDNIGHT_MS, limit=1)) == [MIDNIGHT_MS]
    assert opened(klines(ask, endTime=MIDNIGHT_MS, limit=2)) == [MIDNIGHT_MS - MINUTE, MIDNIGHT_MS]
    both = klines(ask, startTime=MIDNIGHT_MS, endTime=MIDNIGHT_MS + 3 * MINUTE - 1)
    assert opened(both) == [MIDNIGHT_MS, MIDNIGHT_MS + MINUTE, MIDNIGHT_MS + 2 * MINUTE]


def test_bounds_may_be_microseconds(ask: Asker) -> None:
    assert klines(ask, startTime=MIDNIGHT_MS * 1000, limit=2) == klines(ask, startTime=MIDNIGHT_MS, limit=2)


def test_outside_the_market_there_is_nothing(ask: Asker) -> None:
    assert klines(ask, startTime=NOW_MS + MINUTE) == []
    assert klines(ask, endTime=ask.simulator.market_start_ms - 1) == []
    assert opened(klines(ask, startTime=0, limit=1)) == [ask.simulator.market_start_ms]
    assert klines(ask, startTime=MIDNIGHT_MS, endTime=MIDNIGHT_MS - 1) == []


def test_more_than_the_maximum_is_cut(ask: Asker) -> None:
    assert len(klines(ask, limit=1001)) == 1000


def test_days_in_another_zone(ask: Asker) -> None:
    path = "/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=1"
    assert ask.json("binance", f"{path}&timeZone=8")[0][0] == MIDNIGHT_MS - 8 * 60 * MINUTE
    assert ask.json("binance", f"{path}&timeZone=-1:30")[0][0] == MIDNIGHT_MS + 90 * MINUTE


PARAMETER = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("klines?interval=1m", -1102, PARAMETER.format("symbol")),
        ("klines?symbol=&interval=1m", -1102, PARAMETER.format("symbol")),
        ("klines?symbol=BTCUSDT", -1102, PARAMETER.format("interval")),
        ("klines?symbol=NOPE&interval=1m", -1121, "Invalid symbol."),
        ("klines?symbol=BTCUSDT&interval=1H", -1120, "Invalid interval."),
        ("klines?symbol=BTC/USDT&interval=1m", -1100, None),
        ("klines?symbol=BTCUSDT&interval=1m&startTime=x", -1100, None),
        ("klines?symbol=BTCUSDT&interval=1m&limit=-1", -1100, None),
        ("klines?symbol=BTCUSDT&interval=1m&limit=0", -1130, "Data sent for parameter 'limit' is not valid."),
        ("klines?symbol=BTCUSDT&interval=1m&timeZone=15", -1130, None),
        (
            "klines?symbol=BTCUSDT&interval=1m&since=1",
            -1104,
            "Not all sent parameters were read; read '2' parameter(s) but was sent '3'.",
        ),
        ("klines?symbol=BTCUSDT&symbol=ETHUSDT&interval=1m", -1101, "Duplicate values for a parameter detected."),
        ("exchangeInfo?symbol=NOPE", -1121, "Invalid symbol."),
        ("exchangeInfo?symbol=BTCUSDT&permissions=SPOT", -1128, None),
        ("aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", -1128, "Combination of optional parameters invalid."),
        ("time?x=1", -1104, None),
    ],
)
def test_errors_have_the_documented_code_and_message(ask: Asker, path: str, code: int, message: str | None) -> None:
    answer = ask.answer("binance", f"/api/v3/{path}")
    error = json.loads(answer.body)
    assert answer.status == 400
    assert list(error) == ["code", "msg"]
    assert error["code"] == code
    assert message in (None, error["msg"])


def test_unknown_paths_are_a_page(ask: Asker) -> None:
    answer = ask.simulator.exchanges["binance"].venue.unknown_path("/api/v3/nope")
    assert (answer.status, answer.content_type) == (404, "text/html")


def test_exchange_info_lists_every_symbol_with_its_filters(ask: Asker) -> None:
    info = ask.json("binance", "/api/v3/exchangeInfo")
    assert {limit["rateLimitType"] for limit in info["rateLimits"]} == {"REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS"}
    assert len(info["symbols"]) >= 6
    bitcoin = next(symbol for symbol in info["symbols"] if symbol["symbol"] == "BTCUSDT")
    filters = {each["filterType"]: each for each in bitcoin["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
    assert {"NOTIONAL", "ICEBERG_PARTS", "PERCENT_PRICE_BY_SIDE", "MARKET_LOT_SIZE"} <= set(filters)


@pytest.mark.parametrize(
    ("query", "symbols"),
    [
        ("symbol=ETHUSDT", ["ETHUSDT"]),
        ("symbols=" + quote('["BTCUSDT","ETHBTC"]'), ["BTCUSDT", "ETHBTC"]),
        ("permissions=TRD_GRP_004", []),
    ],
)
def test_exchange_info_of_some(ask: Asker, query: str, symbols: list[str]) -> None:
    info = ask.json("binance", f"/api/v3/exchangeInfo?{query}")
    assert [symbol["symbol"] for symbol in info["symbols"]] == symbols


def test_trades_make_their_kline(ask: Asker) -> None:
    kline = klines(ask, startTime=MIDNIGHT_MS, limit=1)[0]
    path = f"/api/v3/aggTrades?symbol=BTCUSDT&startTime={MIDNIGHT_MS}&endTime={MIDNIGHT_MS + MINUTE - 1}"
    trades = ask.json("binance", path)
    assert [trades[0]["p"], trades[-1]["p"]] == [kline[1], kline[4]]
    assert sum(Decimal(trade["q"]) for trade in trades) == Decimal(kline[5])
    assert len(trades) == kline[8]
    by_id = ask.json("binance", f"/api/v3/aggTrades?symbol=BTCUSDT&fromId={trades[0]['a']}&limit={len(trades)}")
    assert by_id == trades
    whole = ask.json("binance", f"/api/v3/historicalTrades?symbol=BTCUSDT&fromId={trades[0]['f']}&limit=1")[0]
    assert (whole["price"], whole["qty"], whole["time"]) == (trades[0]["p"], trades[0]["q"], trades[0]["T"])
    assert whole["id"] != trades[0]["a"]


def test_recent_trades_end_now(ask: Asker) -> None:
    recent = ask.json("binance", "/api/v3/trades?symbol=DASHUSDT&limit=100")
    assert len(recent) == 100
    assert NOW_MS - 10 * MINUTE < recent[-1]["time"] <= NOW_MS
    assert ask.json("binance", "/api/v3/aggTrades?symbol=DASHUSDT&limit=1")[0]["l"] == recent[-1]["id"]

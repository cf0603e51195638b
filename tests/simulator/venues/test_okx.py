"""OKX spot's wire, against its published documents."""

import json
from typing import Any

import pytest

from tests.simulator.conftest import MIDNIGHT_MS, MINUTE, NOW_MS, Asker

CANDLES, HISTORY = "/api/v5/market/candles", "/api/v5/market/history-candles"
RUNNING = NOW_MS - NOW_MS % MINUTE


def page(ask: Asker, path: str = CANDLES, **parameters: Any) -> list[list[str]]:
    query = "&".join(f"{name}={value}" for name, value in ({"instId": "BTC-USDT"} | parameters).items())
    answer = ask.json("okx", f"{path}?{query}")
    assert (answer["code"], answer["msg"]) == ("0", "")
    return answer["data"]


def opened(rows: list[list[str]]) -> list[int]:
    return [int(row[0]) for row in rows]


def test_time(ask: Asker) -> None:
    assert ask.json("okx", "/api/v5/public/time") == {"code": "0", "msg": "", "data": [{"ts": str(NOW_MS)}]}


def test_a_candle_is_nine_strings(ask: Asker) -> None:
    row = page(ask, limit=2)[1]
    assert len(row) == 9
    assert all(isinstance(value, str) for value in row)
    assert row[6] == row[7]
    assert all(not value.endswith("0") for value in row[1:8] if "." in value)


def test_newest_first_with_the_unfinished_one(ask: Asker) -> None:
    rows = page(ask)
    assert opened(rows) == list(range(RUNNING, RUNNING - 100 * MINUTE, -MINUTE))
    assert [row[8] for row in rows[:3]] == ["0", "1", "1"]


def test_history_holds_only_completed_candles(ask: Asker) -> None:
    rows = page(ask, HISTORY, limit=2)
    assert opened(rows) == [RUNNING - MINUTE, RUNNING - 2 * MINUTE]
    assert {row[8] for row in rows} == {"1"}


@pytest.mark.parametrize("path", [CANDLES, HISTORY])
def test_after_is_earlier_and_before_is_newer_both_exclusive(ask: Asker, path: str) -> None:
    assert opened(page(ask, path, after=MIDNIGHT_MS, limit=2)) == [MIDNIGHT_MS - MINUTE, MIDNIGHT_MS - 2 * MINUTE]
    between = page(ask, path, after=MIDNIGHT_MS + 3 * MINUTE, before=MIDNIGHT_MS)
    assert opened(between) == [MIDNIGHT_MS + 2 * MINUTE, MIDNIGHT_MS + MINUTE]
    newest = page(ask, path, before=MIDNIGHT_MS, limit=1)
    assert opened(newest)[0] >= RUNNING - MINUTE


def test_candles_hold_the_latest_1440_entries(ask: Asker) -> None:
    oldest = RUNNING - 1439 * MINUTE
    assert opened(page(ask, after=oldest + MINUTE)) == [oldest]
    assert page(ask, after=oldest) == []
    assert opened(page(ask, HISTORY, after=oldest, limit=1)) == [oldest - MINUTE]


@pytest.mark.parametrize("path", [CANDLES, HISTORY])
def test_pages_are_100_and_at_most_300(ask: Asker, path: str) -> None:
    asked: list[dict[str, Any]] = [{}, {"limit": 300}, {"limit": 301}, {"limit": ""}]
    assert [len(page(ask, path, **limit)) for limit in asked] == [100, 300, 300, 100]


@pytest.mark.parametrize(("bar", "hour"), [("1D", 16), ("1Dutc", 0), ("12H", 4), ("12Hutc", 0), ("6H", 10), ("4H", 8)])
def test_large_bars_open_by_hong_kong_unless_utc(ask: Asker, bar: str, hour: int) -> None:
    newest = opened(page(ask, bar=bar, limit=1))[0]
    assert newest // (60 * MINUTE) % 24 == hour
    assert newest <= NOW_MS


@pytest.mark.parametrize(
    ("path", "status", "code", "message"),
    [
        (f"{CANDLES}?instId=NO-PE", 200, "51001", "Instrument ID, Instrument ID code or Spread ID doesn't exist."),
        (f"{CANDLES}?instId=BTC-USDT&bar=1h", 400, "51000", "Parameter bar error"),
        (f"{CANDLES}?instId=BTC-USDT&after=x", 400, "51000", "Parameter after error"),
        (f"{HISTORY}?instId=BTC-USDT&limit=0", 400, "51000", "Parameter limit error"),
        (f"{HISTORY}?bar=1m", 400, "50014", "Parameter instId can not be empty."),
        ("/api/v5/public/instruments", 400, "50014", "Parameter instType can not be empty."),
        ("/api/v5/public/instruments?instType=X", 400, "51000", "Parameter instType error"),
        ("/api/v5/public/instruments?instType=SPOT&instId=NO-PE", 200, "51001", None),
    ],
)
def test_errors_have_the_documented_status_and_code(
    ask: Asker, path: str, status: int, code: str, message: str | None
) -> None:
    answer = ask.answer("okx", path)
    error = json.loads(answer.body)
    assert (answer.status, error["code"], error["data"]) == (status, code, [])
    assert message in (None, error["msg"])


def test_unknown_paths_have_the_gateways_shape(ask: Asker) -> None:
    answer = ask.simulator.exchanges["okx"].venue.unknown_path("/api/v5/nope")
    assert answer.status == 404
    assert json.loads(answer.body)["error_message"] == "Not Found"


def test_instruments(ask: Asker) -> None:
    listed = ask.json("okx", "/api/v5/public/instruments?instType=SPOT")["data"]
    assert len(listed) >= 6
    bitcoin = next(each for each in listed if each["instId"] == "BTC-USDT")
    assert (bitcoin["tickSz"], bitcoin["lotSz"], bitcoin["state"]) == ("0.1", "0.00000001", "live")
    one = ask.json("okx", "/api/v5/public/instruments?instType=SPOT&instId=BTC-USDT")["data"]
    assert one == [bitcoin]


@pytest.mark.parametrize("kind", ["MARGIN", "SWAP", "FUTURES", "OPTION"])
def test_other_instrument_types_are_valid_and_empty(ask: Asker, kind: str) -> None:
    assert ask.json("okx", f"/api/v5/public/instruments?instType={kind}")["data"] == []

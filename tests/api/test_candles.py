from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.candles.schemas import CandlesAnswer
from data_agent.core.time import Span
from tests.api.conftest import serve
from tests.api.support import MIDNIGHT, MINUTE, World, at, candle

pytestmark = pytest.mark.integration
BTC = {"exchange": "binance", "symbol": "BTC/USDT", "timeframe": "1m"}


def asked(start: int, end: int, **more: Any) -> dict[str, Any]:
    return BTC | {"start": at(start).isoformat(), "end": at(end).isoformat()} | more


@pytest.fixture(autouse=True)
async def listed(world: World) -> None:
    await world.list_instruments("BTC/USDT", "ETH/USDT")


async def get(client: httpx.AsyncClient, parameters: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get("/v1/candles", params=parameters)
    assert answer.status_code == 200, answer.text
    CandlesAnswer.model_validate(answer.json())
    found: dict[str, Any] = answer.json()
    return found


def statuses(answer: dict[str, Any]) -> list[str]:
    return [row["status"] for row in answer["data"]]


async def test_an_answer_to_the_letter(world: World, client: httpx.AsyncClient) -> None:
    await world.create_marts()
    seen = at(10)
    rows = [candle(0, observed_at=seen, close="100.10", volume="0.00000001"), candle(2, observed_at=seen)]
    await world.write(rows, span=Span(at(0), at(3)))
    await world.publish()
    answer = await client.get("/v1/candles", params=asked(0, 4))
    assert "x-simulated" not in answer.headers
    found = answer.json()
    as_of = found.pop("as_of")
    assert as_of.endswith("Z")
    assert list(found) == ["data", "coverage", "next_cursor", "simulated"]
    assert found["data"][0] == {
        "open_time": "2026-01-05T00:00:00Z",
        "close_time": "2026-01-05T00:01:00Z",
        "open": "100.00",
        "high": "101.50",
        "low": "99.90",
        "close": "100.10",
        "volume": "0.00000001",
        "is_closed": True,
        "status": "final",
        "source": "rest",
        "quality": 1,
    }
    assert found["coverage"] == {
        "expected": 4,
        "present": 2,
        "ratio": 0.5,
        "gaps": [
            {
                "start": "2026-01-05T00:01:00Z",
                "end": "2026-01-05T00:02:00Z",
                "status": "pending",
                "cause": "no candle in the venue's answer",
            },
            {
                "start": "2026-01-05T00:03:00Z",
                "end": "2026-01-05T00:04:00Z",
                "status": "unknown",
                "cause": "not fetched yet",
            },
        ],
    }
    assert (found["next_cursor"], found["simulated"]) == (None, False)


async def test_before_dbt_ran_everything_is_provisional(world: World, client: httpx.AsyncClient) -> None:
    await world.write([candle(0, observed_at=at(5))])
    found = await get(client, asked(0, 1))
    assert statuses(found) == ["provisional"]
    assert found["data"][0]["quality"] == 0.5
    built = await get(client, asked(0, 5, timeframe="5m", origin="built"))
    assert built["data"] == []
    assert built["coverage"]["gaps"][0]["status"] == "unknown"


async def test_digits_are_never_changed(world: World, client: httpx.AsyncClient) -> None:
    digits = ["0.000000000000000001", "123456789012345678901234567890.10", "1E-7", "10", "1.0"]
    await world.write([candle(i, observed_at=at(9), close=text) for i, text in enumerate(digits)])
    found = await get(client, asked(0, 5))
    assert [row["close"] for row in found["data"]] == [*digits[:2], "0.0000001", *digits[3:]]


async def test_a_revision_is_provisional_until_it_is_judged(world: World, client: httpx.AsyncClient) -> None:
    await world.create_marts()
    await world.write([candle(i, observed_at=at(5)) for i in range(3)])
    await world.publish()
    await world.write([candle(1, observed_at=at(6), close="100.20")])
    found = await get(client, asked(0, 3))
    assert statuses(found) == ["final", "provisional", "final"]
    assert found["data"][1]["close"] == "100.20"
    await world.publish()
    assert statuses(await get(client, asked(0, 3))) == ["final"] * 3


async def test_what_the_gate_blocks_is_a_gap_with_the_rule(world: World, client: httpx.AsyncClient) -> None:
    await world.create_marts()
    await world.write([candle(i, observed_at=at(5)) for i in range(3)])
    await world.publish(block={at(1): "positive"}, warn={at(2): "jump"})
    found = await get(client, asked(0, 3))
    assert [row["open_time"] for row in found["data"]] == ["2026-01-05T00:00:00Z", "2026-01-05T00:02:00Z"]
    assert [row["quality"] for row in found["data"]] == [1, 0.9]
    [gap] = found["coverage"]["gaps"]
    assert (gap["status"], gap["cause"]) == ("unverified", "failed rule positive")
    await world.write([candle(1, observed_at=at(6), close="100.20")])
    found = await get(client, asked(0, 3))
    assert statuses(found) == ["final", "provisional", "final"], "a newer version has not been judged"
    assert found["coverage"]["gaps"] == []


async def test_a_late_older_observation_never_becomes_the_latest(world: World, client: httpx.AsyncClient) -> None:
    await world.write([candle(0, observed_at=at(9), close="100.20")])
    await world.write([candle(0, observed_at=at(3), close="100.30")])
    assert (await get(client, asked(0, 1)))["data"][0]["close"] == "100.20"


async def test_pages_make_up_the_range_and_share_one_state(world: World, client: httpx.AsyncClient) -> None:
    await world.create_marts()
    await world.write([candle(i, observed_at=at(60)) for i in range(10) if i != 4], span=Span(at(0), at(10)))
    await world.publish(block={at(6): "positive"})
    whole = await get(client, asked(0, 10))
    pages, cursor = [], None
    while True:
        page = await get(client, asked(0, 10, limit=3) | ({"cursor": cursor} if cursor else {}))
        assert page["coverage"] == whole["coverage"]
        assert page["as_of"] == whole["as_of"]
        assert len(page["data"]) <= 3
        pages += page["data"]
        cursor = page["next_cursor"]
        if len(pages) == 3:
            await world.write([candle(8, observed_at=at(61), close="100.99")])  # the pages to come do not change
        if cursor is None:
            break
    assert pages == whole["data"]
    assert len(pages) == 8


async def test_a_page_that_ends_with_the_range_has_no_next(world: World, client: httpx.AsyncClient) -> None:
    await world.write([candle(i, observed_at=at(60)) for i in range(4)])
    assert (await get(client, asked(0, 4, limit=4)))["next_cursor"] is None
    assert (await get(client, asked(0, 9, limit=4)))["next_cursor"] is None
    assert (await get(client, asked(0, 4, limit=3)))["next_cursor"] is not None


async def test_a_cursor_of_another_query_is_refused(world: World, client: httpx.AsyncClient) -> None:
    await world.write([candle(i, observed_at=at(60)) for i in range(4)])
    cursor = (await get(client, asked(0, 4, limit=1)))["next_cursor"]
    answer = await client.get("/v1/candles", params=asked(0, 3, cursor=cursor))
    assert (answer.status_code, answer.json()["field"]) == (422, "cursor")
    assert "another query" in answer.json()["detail"]


async def test_without_a_range_the_last_candles_up_to_now(world: World, client: httpx.AsyncClient) -> None:
    await world.write([candle(0, observed_at=at(1))])
    found = await get(client, BTC | {"limit": 5})
    assert found["coverage"]["expected"] == 5
    before = await get(client, BTC | {"limit": 5, "end": at(3).isoformat()})
    assert (before["coverage"]["expected"], before["coverage"]["present"]) == (5, 1)


async def test_nothing_is_expected_before_the_listing(world: World, client: httpx.AsyncClient) -> None:
    await world.list_instruments("NEW/USDT", venue="okx", listed_at=at(2))
    found = await get(client, asked(0, 4, exchange="okx", symbol="NEW/USDT"))
    assert found["coverage"]["expected"] == 2


@pytest.mark.parametrize(
    ("parameters", "status", "field", "near"),
    [
        ({"exchange": "binnance"}, 404, "exchange", "binance"),
        ({"symbol": "btc-usdt"}, 404, "symbol", "BTC/USDT"),
        ({"timeframe": "3m"}, 422, "timeframe", "1m"),
        ({"timeframe": "1h"}, 404, "timeframe", "1m"),
        ({"start": "soon"}, 422, "start", None),
        ({"start": "2026-01-06", "end": "2026-01-05"}, 422, "end", None),
        ({"start": "2199-01-01"}, 422, "start", None),
        ({"limit": "0"}, 422, "limit", None),
        ({"limit": "5001"}, 422, "limit", None),
        ({"limit": "many"}, 422, "limit", None),
        ({"strat": "2026-01-05"}, 422, "strat", "start"),
        ({"as_of": "2199-01-01"}, 422, "as_of", None),
        ({"min_quality": "1.1"}, 422, "min_quality", None),
        ({"min_quality": "nan"}, 422, "min_quality", None),
        ({"origin": "guess"}, 422, "origin", None),
        ({"cursor": "abc"}, 422, "cursor", None),
        ({"symbol": "BTC\x00USDT"}, 422, "symbol", None),
        ({"timeframe": "5m", "origin": "built", "as_of": "2026-01-05"}, 422, "as_of", None),
    ],
)
async def test_a_problem_names_its_field(
    client: httpx.AsyncClient, parameters: dict[str, str], status: int, field: str, near: str | None
) -> None:
    answer = await client.get("/v1/candles", params=BTC | parameters)
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (status, field), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.keys() >= {"type", "title", "status", "detail", "instance"}
    assert near is None or near in problem["near_matches"]


async def test_a_missing_parameter_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/candles", params={"exchange": "binance", "symbol": "BTC/USDT"})
    assert (answer.status_code, answer.json()["field"]) == (422, "timeframe")


async def test_a_misspelt_parameter_is_recognised(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/candles", params={"exchange": "binance", "symbl": "BTC/USDT", "timeframe": "1m"})
    assert (answer.json()["field"], answer.json()["near_matches"]) == ("symbl", ["symbol"])


async def test_min_quality_refuses_rather_than_serving_doubt(world: World, client: httpx.AsyncClient) -> None:
    await world.create_marts()
    await world.write([candle(i, observed_at=at(5)) for i in range(3)])
    await world.publish(warn={at(1): "jump"})
    assert len((await get(client, asked(0, 3, min_quality="0.9")))["data"]) == 3
    refused = await client.get("/v1/candles", params=asked(0, 3, min_quality="0.95"))
    assert refused.status_code == 409
    assert refused.json()["first_below"] == "2026-01-05T00:01:00Z"
    holey = await client.get("/v1/candles", params=asked(0, 4, min_quality="0.9"))
    assert holey.status_code == 409
    assert "unknown, not fetched yet" in holey.json()["detail"]
    assert holey.json()["coverage"]["present"] == 3


async def test_simulated_data_say_so(world: World, database_url: str, redis_url: str) -> None:
    async with serve(database_url=database_url, redis_url=redis_url, simulated=True) as client:
        answer = await client.get("/v1/candles", params=asked(0, 3))
    assert answer.headers["x-simulated"] == "true"
    assert answer.json()["simulated"] is True


async def test_built_candles_are_final_until_a_minute_changes(world: World, client: httpx.AsyncClient) -> None:
    await world.create_marts()
    minutes = [candle(i, observed_at=at(30)) for i in range(15)]
    written = await world.write(minutes, span=Span(at(0), at(15)))
    built = world.series(timeframe="5m", origin="built")
    async with world.pool.connection() as connection:
        for start in (0, 5):
            await connection.execute(
                "INSERT INTO marts.candles (series_id, open_time, close_time, open, high, low, close, volume, source,"
                " ingest_id, quality, slice_day, slice_version)"
                " VALUES (%s, %s, %s, 1, 2, 1, 2, 7.50, 'built', %s, 1, %s, %s)",
                [built.series_id, at(start), at(start + 5), written.ingest_id, MIDNIGHT.date(), written.ingest_id],
            )
    five = asked(0, 15, timeframe="5m", origin="built")
    found = await get(client, five)
    assert statuses(found) == ["final", "final"]
    assert found["data"][0]["source"] == "built"
    [gap] = found["coverage"]["gaps"]
    assert (gap["start"], gap["status"]) == ("2026-01-05T00:10:00Z", "pending")
    await world.write([candle(6, observed_at=at(31), close="100.70")])
    assert statuses(await get(client, five)) == ["final", "provisional"]


async def test_the_history_of_one_candle(world: World, client: httpx.AsyncClient) -> None:
    await world.create_marts()
    await world.write([candle(0, observed_at=at(5))], run_id="first")
    await world.publish(block={at(0): "positive"})
    await world.write([candle(0, observed_at=at(7), close="100.20")], run_id="second")
    await world.write([candle(0, observed_at=at(6), close="100.30")], run_id="late")
    await world.publish()
    answer = await client.get("/v1/candles/revisions", params=BTC | {"open_time": at(0).isoformat()})
    found = answer.json()
    assert found["status"] == "final"
    first, second, late = found["data"]
    assert (first["run_id"], first["reason"], first["verdict"]["outcome"]) == ("first", "first seen", "failed")
    assert first["verdict"]["rules"] == [{"rule": "positive", "severity": "block", "detail": "positive was broken"}]
    assert (second["changed"], second["is_latest"], second["verdict"]["outcome"]) == (["close"], True, "passed")
    assert (late["is_superseded"], late["is_latest"], late["verdict"]) == (True, False, None)
    assert [row["close"] for row in found["data"]] == ["100.10", "100.20", "100.30"]
    assert first["observed_at"] == "2026-01-05T00:05:00Z"


@pytest.mark.parametrize(
    ("moment", "status", "near"),
    [(at(50), 404, None), (at(0) + timedelta(seconds=1), 422, "2026-01-05T00:01:00Z")],
)
async def test_a_candle_that_never_was(client: httpx.AsyncClient, moment: Any, status: int, near: str | None) -> None:
    answer = await client.get("/v1/candles/revisions", params=BTC | {"open_time": moment.isoformat()})
    assert (answer.status_code, answer.json()["field"]) == (status, "open_time")
    assert near is None or near in answer.json()["near_matches"]


async def test_coverage_agrees_with_what_candles_say(world: World, client: httpx.AsyncClient) -> None:
    await world.create_marts()
    await world.write([candle(i, observed_at=at(60)) for i in range(10) if i not in {3, 4}], span=Span(at(0), at(10)))
    await world.publish(block={at(7): "positive"})
    one = await get(client, asked(0, 12))
    answer = await client.get("/v1/coverage", params=asked(0, 12))
    [series] = answer.json()["data"]
    assert {name: series[name] for name in ("expected", "present", "ratio", "gaps")} == one["coverage"]
    assert series["watermark"] == "2026-01-05T00:03:00Z"
    assert series["newest_open_time"] == "2026-01-05T00:09:00Z"
    assert (series["dirty_slices"], series["count_gaps"]) == (0, 3)


async def test_coverage_of_everything_page_by_page(world: World, client: httpx.AsyncClient) -> None:
    await world.list_instruments("BTC/USDT", venue="okx")
    await world.write([candle(0, observed_at=at(60))])
    names, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = (await client.get("/v1/coverage", params={"limit": 2} | more)).json()
        names += [(row["exchange"], row["symbol"], row["timeframe"]) for row in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(names) == len(set(names)) == 6
    never = [row for row in page["data"] if row["exchange"] == "okx"]
    assert all(row["ratio"] is None and row["watermark"] is None for row in never)


async def test_instruments_are_filtered_and_paged(world: World, client: httpx.AsyncClient) -> None:
    await world.list_instruments("BTC/USDT", "OLD/USDT", venue="okx", inactive=["OLD/USDT"])
    page = (await client.get("/v1/instruments", params={"limit": 3})).json()
    rest = (await client.get("/v1/instruments", params={"limit": 3, "cursor": page["next_cursor"]})).json()
    names = [(row["exchange"], row["symbol"]) for row in page["data"] + rest["data"]]
    assert names == [("binance", "BTC/USDT"), ("binance", "ETH/USDT"), ("okx", "BTC/USDT"), ("okx", "OLD/USDT")]
    assert rest["next_cursor"] is None
    assert page["data"][0]["price_increment"] == "0.0100"
    assert page["data"][0]["amount_increment"] == "0.00000001"
    assert page["data"][0]["timeframes"] == ["1m", "5m"]
    dead = (await client.get("/v1/instruments", params={"active": "false"})).json()
    assert [row["symbol"] for row in dead["data"]] == ["OLD/USDT"]
    answer = await client.get("/v1/instruments", params={"exchange": "okex"})
    assert (answer.status_code, answer.json()["near_matches"]) == (404, ["okx"])


async def test_only_closed_candles_are_expected(world: World, client: httpx.AsyncClient) -> None:
    found = await get(client, BTC | {"start": MIDNIGHT.isoformat(), "limit": 1})
    last = found["coverage"]["gaps"][-1]
    future = await get(client, BTC | {"start": MIDNIGHT.isoformat(), "end": "2199-01-01", "limit": 1})
    assert future["coverage"]["gaps"][-1]["end"] >= last["end"]
    assert future["coverage"]["expected"] - found["coverage"]["expected"] in (0, 1)
    assert MINUTE * found["coverage"]["expected"] > timedelta(days=1)

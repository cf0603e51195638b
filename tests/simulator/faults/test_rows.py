"""Faults of single candles, without a socket."""

from typing import Any

import pytest

from simulator.faults.kinds import DuplicateRows, LateRevision, MalformedRow, MissingCandles, OffGrid
from simulator.ledger import ledger_rows
from tests.simulator.conftest import MIDNIGHT_MS, MINUTE, NOW_MS, Asker

TIMES = [MIDNIGHT_MS + number * MINUTE for number in range(5)]
HIT = TIMES[2]
ONE = {"venue": "binance", "symbol": "BTC/USDT", "timeframe": "1m", "open_times": (HIT,)}


def rows(ask: Asker, limit: int = 5) -> list[list[Any]]:
    path = f"/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={MIDNIGHT_MS}&limit={limit}"
    return ask.faulty("binance", path, "klines", "BTC/USDT")


def okx_rows(ask: Asker) -> list[list[Any]]:
    path = f"/api/v5/market/history-candles?instId=BTC-USDT&after={TIMES[-1] + MINUTE}&limit=5"
    return ask.faulty("okx", path, "history-candles", "BTC/USDT")["data"]


def ledger(ask: Asker, as_of_ms: int = NOW_MS) -> dict[int, dict[str, Any]]:
    exchange = ask.simulator.exchanges["binance"]
    found = ledger_rows(exchange, "BTC/USDT", "1m", start_ms=TIMES[0], end_ms=TIMES[-1] + MINUTE, as_of_ms=as_of_ms)
    return {row["open_time"]: row for row in found}


def opened(found: list[list[Any]]) -> list[int]:
    return [int(row[0]) for row in found]


def test_missing_for_some_answers_and_the_page_is_filled_up(ask: Asker) -> None:
    [fault] = ask.simulator.faults.add([MissingCandles(**ONE, count=2)])
    for _ in range(2):
        assert opened(rows(ask)) == [*TIMES[:2], *TIMES[3:], TIMES[-1] + MINUTE]
    assert opened(rows(ask)) == TIMES
    [report] = ask.simulator.faults.report()
    assert (report["id"], report["injected"]) == (fault["id"], 2)
    candle = {"venue": "binance", "symbol": "BTC/USDT", "timeframe": "1m", "open_time": HIT, "answers": 2}
    assert report["candles"] == [candle]


def test_missing_until_an_instant(ask: Asker) -> None:
    ask.simulator.faults.add([MissingCandles(**ONE, active_until=NOW_MS + MINUTE)])
    assert HIT not in opened(rows(ask))
    ask.simulator.clock.set(now_ms=NOW_MS + MINUTE)
    assert HIT in opened(rows(ask))
    assert "missing" not in ledger(ask)[HIT]


def test_missing_for_good_is_in_the_ledger_and_outlives_the_others(ask: Asker) -> None:
    ask.simulator.faults.add([MissingCandles(**ONE, for_good=True)])
    assert ask.simulator.faults.remove() == 0
    assert HIT not in opened(rows(ask))
    found = ledger(ask)
    assert [open_time for open_time, row in found.items() if row.get("missing") == "for_good"] == [HIT]
    assert found[HIT]["close"]
    assert ask.simulator.faults.remove(for_good=True) == 1
    assert HIT in opened(rows(ask))
    assert "missing" not in ledger(ask)[HIT]


def test_a_share_of_a_range_is_drawn_once_and_for_all(ask: Asker) -> None:
    ask.simulator.faults.add([MissingCandles(venue="binance", start=MIDNIGHT_MS, share=0.3)])
    first, second = opened(rows(ask, 300)), opened(rows(ask, 300))
    assert first == second
    hidden = (first[-1] - first[0]) // MINUTE + 1 - len(first)
    assert 0.2 < hidden / (hidden + 300) < 0.4


def test_other_series_are_left_alone(ask: Asker) -> None:
    ask.simulator.faults.add([MissingCandles(**ONE), OffGrid(**ONE)])
    assert opened(okx_rows(ask)) == TIMES[::-1]
    path = f"/api/v3/klines?symbol=BTCUSDT&interval=5m&startTime={MIDNIGHT_MS}&limit=1"
    five = ask.faulty("binance", path, "klines", "BTC/USDT")
    assert opened(five) == [MIDNIGHT_MS]


def test_duplicates(ask: Asker) -> None:
    ask.simulator.faults.add([DuplicateRows(**ONE)])
    found = rows(ask)
    assert opened(found) == sorted([*TIMES, HIT])
    assert found[2] == found[3]


def test_without_a_choice_the_middle_row_is_hit(ask: Asker) -> None:
    ask.simulator.faults.add([DuplicateRows(venue="binance")])
    assert opened(rows(ask)) == sorted([*TIMES, HIT])


def test_off_grid(ask: Asker) -> None:
    ask.simulator.faults.add([OffGrid(**ONE, shift_ms=1500), OffGrid(**(ONE | {"venue": "okx"}), shift_ms=-10)])
    moved = rows(ask)[2]
    assert (moved[0], moved[6]) == (HIT + 1500, HIT + 1500 + MINUTE - 1)
    assert okx_rows(ask)[2][0] == str(HIT - 10)


@pytest.mark.parametrize(
    ("defect", "field", "position", "value"),
    [
        ("null", "close", 4, None),
        ("nan", "open", 1, "NaN"),
        ("text", "volume", 5, "abc"),
        ("empty", "open_time", 0, ""),
        ("zero_price", "close", 4, "0"),
    ],
)
def test_single_values_are_spoiled(ask: Asker, defect: Any, field: Any, position: int, value: Any) -> None:
    ask.simulator.faults.add([MalformedRow(**ONE, defect=defect, field=field)])
    spoiled = rows(ask)[2]
    assert spoiled[position] == value
    assert rows(ask)[1][position] not in (value, None)


def test_short_rows(ask: Asker) -> None:
    ask.simulator.faults.add([MalformedRow(**ONE, defect="short_row", field="close")])
    assert len(rows(ask)[2]) == 4


def test_poison_parses_and_is_impossible(ask: Asker) -> None:
    ask.simulator.faults.add([MalformedRow(**ONE, defect="high_below_low")])
    assert float(rows(ask)[2][2]) < float(rows(ask)[2][3])
    ask.simulator.faults.remove()
    ask.simulator.faults.add([MalformedRow(**ONE, defect="negative_volume", count=1)])
    assert float(rows(ask)[2][5]) < 0
    assert float(rows(ask)[2][5]) >= 0


def test_spoiled_for_good_is_in_the_ledger(ask: Asker) -> None:
    ask.simulator.faults.add([MalformedRow(**ONE, for_good=True)])
    assert ask.simulator.faults.remove() == 0
    assert rows(ask)[2][4] is None
    assert ledger(ask)[HIT]["malformed"] == "for_good"
    assert ledger(ask)[HIT]["close"] == ledger(ask)[TIMES[2]]["close"] != ""


def test_a_late_revision_changes_answers_and_ledger_from_its_instant_on(ask: Asker) -> None:
    at = NOW_MS + MINUTE
    before = rows(ask)
    ask.simulator.faults.add([LateRevision(**ONE, at=at, changes={"close": "1.00000000", "volume": "2.00000000"})])
    assert rows(ask) == before
    ask.simulator.clock.set(now_ms=at)
    changed = rows(ask)
    assert [row for row in changed if row not in before] == [changed[2]]
    assert (changed[2][4], changed[2][5]) == ("1.00000000", "2.00000000")
    assert ledger(ask, at)[HIT]["close"] == "1.00000000"
    assert ledger(ask, at - 1)[HIT]["close"] == before[2][4]
    assert ask.simulator.faults.report()[0]["candles"][0]["open_time"] == HIT


def test_revisions_follow_each_other_and_can_return(ask: Asker) -> None:
    original = rows(ask)[2]
    ask.simulator.faults.add([
        LateRevision(**ONE, at=NOW_MS + 1),
        LateRevision(**ONE, at=NOW_MS + 2, changes={"close": original[4]}),
    ])  # fmt: skip
    seen = []
    for moment in range(3):
        ask.simulator.clock.set(now_ms=NOW_MS + moment)
        seen.append(rows(ask)[2])
    assert seen[0] == seen[2] == original
    assert seen[1] != original


def test_probability_is_seeded(ask: Asker) -> None:
    def luck() -> list[bool]:
        asker = Asker(type(ask.simulator)(ask.simulator.config))
        asker.simulator.faults.add([MissingCandles(**ONE, probability=0.5)])
        return [HIT in opened(rows(asker)) for _ in range(30)]

    first = luck()
    assert first == luck()
    assert 5 < sum(first) < 25


def test_rows_come_out_the_same_through_the_slow_way(ask: Asker) -> None:
    plain = rows(ask, 200)
    ask.simulator.faults.add([DuplicateRows(**(ONE | {"open_times": (1,)}))])
    assert rows(ask, 200) == plain

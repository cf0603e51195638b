"""The publication: what it shows, and that neither a crash nor a race changes that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from data_agent.storage.postgres.slices import PublicationBusy
from orchestration.publish import STEPS, Publication, open_publication
from orchestration.transform import TransformError
from tests.expectations.fixtures import warehouse
from tests.expectations.warehouse import Instrument, Warehouse, at

__all__ = ["warehouse"]
pytestmark = pytest.mark.integration

STEP: dict[str, Callable[[Publication], object]] = {
    "freeze": Publication.freeze,
    "candidates": Publication.build_candidates,
    "gate": Publication.judge,
    "ledger": Publication.tell_ledger,
    "marts": Publication.publish_marts,
}


def run_steps(warehouse: Warehouse, *steps: str) -> None:
    """Run some steps, and go as a killed process goes: without another word."""
    with open_publication(warehouse.url, warehouse.paths, is_simulated=True, dbt=warehouse.dbt) as publication:
        for step in steps:
            STEP[step](publication)


def closes(coin: Instrument, timeframe: str = "1m", origin: str = "venue") -> dict[float, str]:
    return {minute: str(row["close"]) for minute, row in coin.served(timeframe, origin).items()}


def ledger(warehouse: Warehouse, coin: Instrument) -> list[tuple[Any, ...]]:
    return warehouse.connection.execute(
        "SELECT lower(span), upper(span), status, cause, attempts FROM ops.coverage WHERE series_id = %s ORDER BY span",
        [coin.venue["1m"]],
    ).fetchall()


def test_candles_are_served_digit_by_digit_with_their_origin(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    version = coin.fill(10)
    # trailing zeros and all: more digits than a float holds
    exact = {
        "open": "0.000000012300",
        "high": "63000.10",
        "low": "0.0000000000000000010",
        "close": "1.10",
        "volume": "0.00",
    }
    revised = coin.revise({3: exact})
    warehouse.publish()
    row = coin.served()[3]
    (shown,) = warehouse.connection.execute(
        "SELECT ARRAY[open, high, low, close, volume]::text[] FROM marts.candles"
        " WHERE series_id = %s AND open_time = %s",
        [coin.venue["1m"], at(3)],
    ).fetchone() or (None,)
    assert shown == list(exact.values())
    assert (row["symbol"], row["exchange"], row["timeframe"], row["origin"]) == (coin.symbol, "binance", "1m", "venue")
    assert (row["source"], row["ingest_id"], row["slice_version"]) == ("rest", revised, revised)
    assert row["close_time"] == at(4)
    assert coin.served()[0]["ingest_id"] == version
    built = coin.served("5m", "built")[0]
    assert (str(built["close"]), str(built["volume"]), built["source"]) == ("100.50", "6.000", "built")
    assert (built["ingest_id"], built["trade_count"]) == (revised, None)


def test_a_candle_with_a_minute_missing_is_not_built(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(9)
    result = warehouse.publish()
    assert set(coin.served("5m", "built")) == {0}
    assert coin.served("15m", "built") == {}
    assert result.count_dirty_left == 0
    assert set(result.seconds) == set(STEPS)


def test_a_failed_row_never_shows_until_a_good_revision_comes(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(5)
    warehouse.publish()
    coin.revise({2: {"high": "1"}})
    warehouse.publish()
    assert set(coin.served()) == {0, 1, 3, 4}
    coin.revise({2: {"close": "100.90"}})
    warehouse.publish()
    assert closes(coin)[2] == "100.90"
    assert closes(coin, "5m", "built") == {0: "100.50"}


def test_a_slice_whose_rows_all_fail_loses_its_old_rows(warehouse: Warehouse) -> None:
    coin, neighbour = warehouse.instrument(), warehouse.instrument()
    coin.fill(5)
    neighbour.fill(5)
    warehouse.publish()
    assert len(coin.served()) == 5
    coin.revise({minute: {"volume": "-1"} for minute in range(5)})
    warehouse.publish()
    assert coin.served() == coin.served("5m", "built") == {}
    assert len(neighbour.served()) == 5


def test_the_same_answer_back_again_is_served_as_the_latest(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(2)
    for close in ("100.60", "100.50"):
        version = coin.revise({1: {"close": close}})
    warehouse.publish()
    assert closes(coin)[1] == "100.50"
    assert coin.served()[1]["ingest_id"] == version


def test_what_commits_after_the_freeze_is_published_next_time(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(5)
    with warehouse.connect() as writer:
        # begun before the publication, and changing the very slice it is about to publish
        late = coin.ingest()
        writer.execute(
            "INSERT INTO raw.candles_revisions VALUES (%s, %s, clock_timestamp(), 100, 102, 99, 101.99, 1, NULL, NULL,"
            " FALSE, %s)",
            [coin.venue["1m"], at(2), late],
        )
        writer.execute("UPDATE ops.dirty_slices SET version = %s WHERE series_id = %s", [late, coin.venue["1m"]])
        run_steps(warehouse, *STEPS)
        assert closes(coin)[2] == "100.50"
        writer.commit()
    assert coin.is_dirty()
    warehouse.publish()
    assert closes(coin)[2] == "101.99"
    assert not coin.is_dirty()


@pytest.mark.parametrize("after", ["freeze", "candidates", "gate"])
def test_a_slice_that_changes_meanwhile_stays_dirty(warehouse: Warehouse, after: str) -> None:
    coin = warehouse.instrument()
    first = coin.fill(3)
    with open_publication(warehouse.url, warehouse.paths, is_simulated=True, dbt=warehouse.dbt) as publication:
        for step in STEPS:
            STEP[step](publication)
            if step == after:
                second = coin.revise({1: {"close": "100.70"}})
    assert closes(coin)[1] == "100.50"
    assert coin.served()[1]["slice_version"] == first
    assert coin.is_dirty()
    warehouse.publish()
    assert (closes(coin)[1], coin.served()[0]["slice_version"]) == ("100.70", second)
    assert not coin.is_dirty()


@pytest.mark.parametrize("count_steps", range(1, len(STEPS)))
def test_killed_between_any_two_steps_and_run_again(warehouse: Warehouse, count_steps: int) -> None:
    coin, stranger = warehouse.instrument(), warehouse.instrument()
    coin.fill(6)
    warehouse.publish()
    version = coin.revise({1: {"close": "100.70"}, 2: {"volume": "-1"}})
    run_steps(warehouse, *STEPS[:count_steps])
    assert closes(coin)[1] == "100.50", "nothing shows before the last step"
    # another slice is dirty by now, so that the next freeze is not the one that was left
    stranger.fill(2)
    warehouse.publish()
    assert closes(coin) == {0: "100.50", 1: "100.70", 3: "100.50", 4: "100.50", 5: "100.50"}
    assert coin.verdict(version)["published_at"] is not None
    assert not coin.is_dirty()
    assert ledger(warehouse, coin) == [(at(2), at(3), "unverified", "failed rule volume_not_negative", 1)]


def test_the_last_step_alone_never_empties_what_was_not_judged(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(4)
    warehouse.publish()
    coin.mark(coin.verdict(coin.served()[0]["slice_version"])["version"])
    # frozen at a version that has a verdict, while the candidates are still those of nothing at all
    run_steps(warehouse, "freeze")
    warehouse.connection.execute("TRUNCATE intermediate.int_candles__candidates")
    run_steps(warehouse, "marts")
    assert len(coin.served()) == 4
    assert coin.is_dirty()
    warehouse.publish()
    assert len(coin.served()) == 4


def test_rows_verdicts_and_clean_slices_appear_in_one_transaction(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(3)
    warehouse.publish()
    version = coin.revise({1: {"close": "100.70"}})
    warehouse.connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no clean slices today'; END $$;"
        "CREATE TRIGGER refuse BEFORE DELETE ON ops.dirty_slices EXECUTE FUNCTION refuse()"
    )
    try:
        with pytest.raises(TransformError, match="no clean slices today") as refused:
            warehouse.publish()
    finally:
        warehouse.connection.execute("DROP FUNCTION refuse CASCADE")
    assert refused.value.node == "candles"
    assert closes(coin)[1] == "100.50"
    assert coin.verdict(version)["published_at"] is None
    warehouse.publish()
    assert closes(coin)[1] == "100.70"
    assert coin.verdict(version)["published_at"] is not None


def test_of_two_publications_at_once_one_works_and_one_leaves(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(30)
    outcomes: list[object] = []

    def one() -> None:
        try:
            outcomes.append(warehouse.publish())
        except PublicationBusy as busy:
            outcomes.append(busy)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sum(isinstance(outcome, PublicationBusy) for outcome in outcomes) == 1
    assert len(coin.served()) == 30


def test_a_publication_is_bounded_and_goes_on(warehouse: Warehouse) -> None:
    coins = [warehouse.instrument() for _ in range(3)]
    for coin in coins:
        coin.fill(2)
    result = warehouse.publish(limit_instrument_days=1, max_rounds=2)
    assert (result.count_rounds, result.count_dirty_left) == (2, 1)
    assert warehouse.publish().count_dirty_left == 0
    assert [len(coin.served()) for coin in coins] == [2, 2, 2]


def test_the_ledger_is_told_once_per_version(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(5)
    coin.revise({2: {"volume": "-1"}})
    warehouse.publish()
    told = (at(2), at(3), "unverified", "failed rule volume_not_negative")
    assert ledger(warehouse, coin) == [(*told, 1)]

    # repair has asked again since, and the venue said the same
    warehouse.connection.execute("UPDATE ops.coverage SET attempts = 4 WHERE series_id = %s", [coin.venue["1m"]])
    coin.revise({4: {"close": "100.60"}})
    warehouse.publish()
    assert ledger(warehouse, coin) == [(*told, 4)]

    coin.revise({2: {"volume": "-2"}})
    warehouse.publish()
    assert ledger(warehouse, coin) == [(*told, 1)], "another answer, and as bad: its attempts begin anew"
    (sources,) = warehouse.connection.execute(
        "SELECT count(*) FROM ops.ingests WHERE series_id = %s AND source = 'gate'", [coin.venue["1m"]]
    ).fetchone() or (None,)
    assert sources == 2


def test_a_clean_day_mate_is_published_again_unchanged(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(10)
    fives = coin.fill(2, "5m")
    warehouse.publish()
    before, judged = coin.served("5m"), coin.verdict(fives, "5m")
    coin.revise({1: {"close": "100.60"}})
    warehouse.publish()
    version = coin.served("5m")[0]["slice_version"]
    assert version > fives
    assert coin.served("5m") == {minute: {**row, "slice_version": version} for minute, row in before.items()}
    assert coin.verdict(fives, "5m") == judged, "what was published stays as it was, or as_of could not be repeated"
    assert coin.served("5m")[0]["quality"] == Decimal(1)


def test_a_reader_never_sees_half_a_slice(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(1440)
    warehouse.publish()
    seen: set[tuple[int, int]] = set()
    stop = threading.Event()

    def read() -> None:
        with psycopg.connect(warehouse.url, autocommit=True) as reader:
            while not stop.is_set():
                found = reader.execute(
                    "SELECT count(*), count(DISTINCT slice_version) FROM marts.candles WHERE series_id = %s",
                    [coin.venue["1m"]],
                ).fetchone()
                seen.add(found or (0, 0))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        coin.revise({1: {"close": "100.60"}})
        warehouse.publish()
    finally:
        stop.set()
        thread.join(30)
    assert seen == {(1440, 1)}

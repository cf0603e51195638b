"""The judge: every rule finds its row, and no other."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from data_agent.core.errors import DataAgentError
from orchestration.publish import open_publication
from tests.expectations.warehouse import Warehouse, at

pytestmark = pytest.mark.integration

# One bad candle each, at a minute of its own: what it looks like, and what is to be said of it.
POISON = {
    10: ({"high": "100.20"}, {"high_is_highest"}),
    20: ({"low": "100.30"}, {"low_is_lowest"}),
    30: ({"open": "0"}, {"positive_price", "low_is_lowest"}),
    40: ({"close": "-100.50"}, {"positive_price", "low_is_lowest"}),
    50: ({"low": "-1"}, {"positive_price"}),
    60: ({"high": "NaN"}, {"finite"}),
    65: ({"close": "NaN", "high": "NaN"}, {"finite"}),
    70: ({"high": "Infinity"}, {"finite"}),
    75: ({"low": "-Infinity"}, {"finite", "positive_price"}),
    80: ({"volume": "-0.001"}, {"volume_not_negative"}),
    90: ({"volume": "NaN"}, {"finite"}),
    100: ({"observed_at": str(at(98))}, {"not_from_the_future"}),
    110: ({"close": "1000", "high": "1000"}, {"jump"}),
    120: ({"close": "10", "low": "10"}, {"jump"}),
}


def test_every_rule_finds_its_row_and_no_other(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(1440)
    # first seen before it had closed, so that no later version hides it
    warehouse.connection.execute(
        "UPDATE raw.candles SET observed_at = %s WHERE series_id = %s AND open_time = %s",
        [at(97), coin.venue["1m"], at(100)],
    )
    version = coin.revise({minute: columns for minute, (columns, _) in POISON.items()})

    result = warehouse.publish()

    assert coin.rules(version) == {minute: rules for minute, (_, rules) in POISON.items()}
    withheld = {minute for minute, (_, rules) in POISON.items() if rules != {"jump"}}
    assert set(range(1440)) - set(coin.served()) == withheld
    assert result.count_warned == 2
    verdict = coin.verdict(version)
    assert (verdict["count_rows"], verdict["count_failed"], verdict["count_warned"]) == (1440, 12, 2)
    assert not verdict["is_passed"]
    assert verdict["quality"] == (Decimal(1428) / 1440).quantize(Decimal("0.0001"))


def test_a_candle_off_the_grid_is_withheld(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(5)
    ingest_id = coin.ingest()
    warehouse.connection.execute(
        "INSERT INTO raw.candles SELECT series_id, open_time + interval '7 seconds', open, high, low, close, volume,"
        " quote_volume, trade_count, observed_at, %s FROM raw.candles WHERE series_id = %s AND open_time = %s",
        [ingest_id, coin.venue["1m"], at(2)],
    )
    coin.mark(ingest_id)
    warehouse.publish()
    off_grid = timedelta(minutes=2, seconds=7) / timedelta(minutes=1)
    assert coin.rules(ingest_id) == {off_grid: {"on_grid"}}
    assert set(coin.served()) == {0, 1, 2, 3, 4}


def test_more_bad_rows_than_a_library_likes_to_name_are_all_named(warehouse: Warehouse) -> None:
    # Great Expectations names 20 keys unless told otherwise, and no more than 200 values at any time.
    coin = warehouse.instrument()
    coin.fill(1440)
    version = coin.revise({minute: {"volume": "-1"} for minute in range(300)})
    warehouse.publish()
    assert set(coin.rules(version)) == set(range(300))
    assert set(coin.served()) == set(range(300, 1440))


def test_a_verdict_tells_the_digits_as_sent(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(3)
    coin.revise({1: {"high": "100.4000000000000000001"}})
    warehouse.publish()
    (detail,) = warehouse.connection.execute(
        "SELECT detail FROM ops.row_verdicts WHERE series_id = %s", [coin.venue["1m"]]
    ).fetchone()
    assert detail == "high 100.4000000000000000001, close 100.50"


def test_after_a_lone_spike_the_sound_candle_is_not_blamed_but_a_new_level_is_news_once(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(60)
    level = {"open": "150", "high": "150", "low": "150", "close": "150"}
    version = coin.revise({10: {"close": "200", "high": "200"}, **dict.fromkeys(range(30, 60), level)})
    warehouse.publish()
    assert coin.rules(version) == {10: {"jump"}, 30: {"jump"}}


def test_the_first_candle_of_a_day_is_compared_with_the_day_before(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    version = coin.fill(3)
    warehouse.connection.execute(
        "INSERT INTO raw.candles SELECT %s, moment, 50, 50, 50, 50, 1, NULL, NULL, moment, %s"
        " FROM unnest(ARRAY[%s, %s]) AS moment",
        [coin.venue["1m"], version, at(-1), at(-2)],
    )
    warehouse.publish()
    assert coin.rules(version) == {0: {"jump"}}


def test_a_built_candle_that_holds_a_withheld_minute_is_withheld(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(60)
    # the five-minute candle around it would look sound: its highest minute hides this one
    version = coin.revise({7: {"high": "99.90"}})
    warehouse.publish()
    assert coin.rules(version, "5m", "built") == {5: {"made_of_failed"}}
    assert set(coin.served("5m", "built")) == set(range(0, 60, 5)) - {5}
    assert set(coin.served("15m", "built")) == {15, 30, 45}
    assert coin.served("1h", "built") == {}


def test_twins_that_differ_are_doubtful_on_both_sides_and_recorded(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    minutes = coin.fill(60)
    coin.fill(12, "5m")
    fives = coin.revise({20: {"volume": "7.501", "close": "100.40"}}, "5m")
    warehouse.publish()
    assert coin.rules(fives, "5m") == {20: {"built_differs"}}
    assert coin.rules(minutes, "5m", "built") == {20: {"built_differs"}}
    assert coin.served("5m")[20]["quality"] == Decimal("0.9")
    assert coin.served("5m")[20]["warnings"] == ["built_differs"]
    recorded = warehouse.connection.execute(
        "SELECT open_time, venue_close, built_close, venue_volume, built_volume FROM marts.candle_differences"
        " WHERE instrument_id = %s",
        [coin.instrument_id],
    ).fetchall()
    assert recorded == [(at(20), Decimal("100.40"), Decimal("100.50"), Decimal("7.501"), Decimal("7.500"))]


def test_completeness_follows_the_calendar_the_listing_and_the_ledger(warehouse: Warehouse) -> None:
    whole, listed, quiet = (
        warehouse.instrument(),
        warehouse.instrument(listed_at=at(30)),
        warehouse.instrument(),
    )
    versions = [coin.fill(60, settled_minutes=90) for coin in (whole, listed, quiet)]
    warehouse.connection.execute(
        "INSERT INTO ops.coverage (series_id, span, status, ingest_id) VALUES"
        " (%s, tstzrange(%s, %s), 'empty_market', 1)",
        [quiet.venue["1m"], at(60), at(75)],
    )
    result = warehouse.publish()
    expected = [
        coin.verdict(version)["count_expected"] for coin, version in zip((whole, listed, quiet), versions, strict=True)
    ]
    assert expected == [90, 60, 75]
    assert whole.verdict(versions[0])["quality"] == (Decimal(60) / 90).quantize(Decimal("0.0001"))
    assert listed.verdict(versions[1])["quality"] == 1
    assert result.count_incomplete > 0
    assert whole.verdict(versions[0])["is_passed"], "an incomplete slice is served, with less quality"


def test_a_slice_without_a_row_has_a_verdict_too(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    version = coin.ingest(until=at(10))
    coin.mark(version)
    warehouse.publish()
    verdict = coin.verdict(version)
    assert (verdict["count_rows"], verdict["count_expected"], verdict["quality"]) == (0, 10, 0)
    assert not coin.is_dirty()


def test_judging_the_same_version_again_replaces_the_verdict(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(5)
    version = coin.revise({1: {"volume": "-1"}, 3: {"volume": "-1"}})
    with open_publication(warehouse.url, warehouse.paths, is_simulated=True, dbt=warehouse.dbt) as publication:
        publication.freeze()
        publication.build_candidates()
        publication.judge()
    before = coin.verdict(version)
    warehouse.publish(run_id="again")
    after = coin.verdict(version)
    assert after["run_id"] == "again"
    assert {**before, "run_id": 0, "decided_at": 0, "published_at": 0} == {
        **after, "run_id": 0, "decided_at": 0, "published_at": 0,
    }  # fmt: skip
    assert coin.rules(version) == {1: {"volume_not_negative"}, 3: {"volume_not_negative"}}


def test_a_published_verdict_is_never_rewritten(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    version = coin.fill(5)
    warehouse.publish()
    before = coin.verdict(version)
    coin.mark(version)
    warehouse.publish(run_id="again")
    assert coin.verdict(version) == before
    assert coin.verdict(coin.served()[0]["slice_version"])["run_id"] == "again"
    assert not coin.is_dirty()


def test_candidates_that_cannot_be_judged_are_not_published(warehouse: Warehouse) -> None:
    coin = warehouse.instrument()
    coin.fill(2)
    with open_publication(warehouse.url, warehouse.paths, is_simulated=True, dbt=warehouse.dbt) as publication:
        publication.freeze()
        publication.build_candidates()
        warehouse.connection.execute("ALTER TABLE intermediate.int_candles__candidates DROP COLUMN close CASCADE")
        with pytest.raises(DataAgentError, match="close") as failed:
            publication.judge()
    assert type(failed.value).__name__ == "GateError"
    assert "hunter2" not in str(failed.value)
    warehouse.publish()
    assert len(coin.served()) == 2


def test_no_secret_is_left_behind(warehouse: Warehouse) -> None:
    warehouse.instrument().fill(2)
    warehouse.publish()
    root = warehouse.paths.gate_store.parent
    written = [path for path in root.rglob("*") if path.is_file()]
    assert written
    assert [path for path in written if b"hunter2" in path.read_bytes()] == []


def test_the_report_is_complete_in_itself(warehouse: Warehouse) -> None:
    warehouse.instrument().fill(2)
    result = warehouse.publish(run_id="report/of one run")
    report = warehouse.paths.quality_report
    assert len(result.pages) == 2
    pages = [report / "index.html", *(report / page for page in result.pages)]
    assert all("report-of-one-run" in str(page) for page in pages[1:])
    for page in pages:
        text = page.read_text()
        assert "Simulated data" in text
        assert _loads(text, page, report) == []


def _loads(text: str, page: Path, root: Path) -> list[str]:
    """Everything the page loads that is not a file of the report."""
    import re

    loads = re.findall(r"""<(?:script|img|source)\b[^>]*\bsrc=["']([^"']+)|<link\b[^>]*\bhref=["']([^"']+)""", text)
    loads += [(found, "") for found in re.findall(r"""url\(['"]?((?!data:)[^)'"]+)""", text)]
    names = [one or other for one, other in loads]
    assert names
    return [
        name
        for name in names
        if ":" in name
        or not (page.parent / name.partition("?")[0]).resolve().is_relative_to(root)
        or not (page.parent / name.partition("?")[0]).exists()
    ]


def test_great_expectations_is_imported_by_a_judgement_only() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, orchestration.publish; print('great_expectations' in sys.modules)"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert loaded.stdout.strip() == "False"

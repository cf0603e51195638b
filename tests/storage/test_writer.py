"""The writer and its traps. Each test names the way in which others lose or corrupt data."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from data_agent.core.records import CandlePage, Reject
from data_agent.core.time import Span
from data_agent.storage.postgres.database import create_pool
from data_agent.storage.postgres.ingests import Ingest, begin_ingest, end_ingest
from data_agent.storage.postgres.layout import MonthlyPartitions, month_of, months_of
from data_agent.storage.postgres.series import Series
from data_agent.storage.postgres.writer import CandleWriter

from .conftest import SEEN, START, Store, at, candle, page, seen

pytestmark = pytest.mark.integration


async def test_digits_are_stored_exactly_as_sent(store: Store) -> None:
    await store.write(
        candle(0, "63000.10"), candle(1, "0.00000000"), candle(2, "123456789012345678.123456789012345678")
    )
    rows = await store.rows("SELECT close::text, quote_volume::text, volume::text FROM raw.candles ORDER BY open_time")
    assert rows == [
        ("63000.10", "0.00000000", "1.50"),
        ("0.00000000", "0.00000000", "1.50"),
        ("123456789012345678.123456789012345678", "0.00000000", "1.50"),
    ]


async def test_a_b_a_is_three_versions(store: Store) -> None:
    for second, close in enumerate(["100", "101", "100"]):
        await store.write(candle(0, close, observed_at=seen(second)))
    assert await store.versions(0) == [("100", False), ("101", False), ("100", False)]


async def test_the_same_number_in_other_digits_is_no_revision(store: Store) -> None:
    await store.write(candle(0, "100.10"))
    result = await store.write(candle(0, "100.1", observed_at=seen(9)))
    assert (result.count_inserted, result.count_revised) == (0, 0)


async def test_writing_the_same_page_again_changes_nothing(store: Store) -> None:
    written = page(*(candle(minute) for minute in range(30)))
    await store.write_page(written)
    dirty = await store.dirty()
    result = await store.write_page(written)
    assert (result.count_inserted, result.count_revised, result.count_rejected) == (0, 0, 0)
    assert await store.dirty() == dirty
    assert await store.rows("SELECT count(*) FROM raw.candles") == [(30,)]


async def test_a_retry_of_an_older_version_is_a_no_op_after_a_revision(store: Store) -> None:
    first = page(candle(0, "100", observed_at=seen(1)))
    await store.write_page(first)
    await store.write(candle(0, "101", observed_at=seen(2)))
    result = await store.write_page(first)
    assert (result.count_revised, result.count_rejected) == (0, 0)
    assert await store.versions(0) == [("100", False), ("101", False)]


async def test_a_late_older_observation_never_becomes_the_latest(store: Store) -> None:
    await store.write(candle(0, "100", observed_at=seen(1)))
    await store.write(candle(0, "102", observed_at=seen(3)))
    await store.write(candle(0, "101", observed_at=seen(2)))
    assert await store.versions(0) == [("100", False), ("101", True), ("102", False)]


async def test_a_late_observation_older_than_what_confirmed_its_candle_never_becomes_the_latest(store: Store) -> None:
    await store.write(candle(0, "100", observed_at=seen(1)))
    await store.write(candle(0, "100", observed_at=seen(3)))  # no new version, but the answer of second 3 said so
    await store.write(candle(0, "101", observed_at=seen(2)))
    assert await store.latest(0) == "100"
    await store.write(candle(0, "101", observed_at=seen(4)))
    assert await store.latest(0) == "101"


async def test_two_values_observed_at_the_same_moment_are_a_contradiction_not_a_choice(store: Store) -> None:
    await store.write(candle(0, "100"), candle(1, "200"))
    result = await store.write(candle(0, "101"), candle(1, "200"))
    assert (result.count_revised, result.count_rejected) == (0, 1)
    [(reason, payload)] = await store.rows("SELECT reason, payload FROM raw.rejects")
    assert reason == "contradiction"
    assert '"close":101' in payload


async def test_one_bad_row_never_costs_its_batch(store: Store) -> None:
    reject = Reject('["x"]', "not_a_number", "close: 'x'", SEEN, at(1))
    written = page(candle(0), candle(2), rejects=(reject,))
    assert (await store.write_page(written)).count_rejected == 1
    assert (await store.write_page(written)).count_inserted == 0
    assert await store.rows("SELECT payload, reason, count_seen FROM raw.rejects") == [('["x"]', "not_a_number", 1)]
    assert await store.rows("SELECT count(*) FROM raw.candles") == [(2,)]
    [(status, cause)] = await store.rows("SELECT status, cause FROM ops.coverage WHERE span @> %s", at(1))
    assert (status, "not_a_number" in cause) == ("pending", True)


async def test_the_same_bad_row_seen_again_is_counted_not_stored_twice(store: Store) -> None:
    for second in range(3):
        reject = Reject('["x"]', "not_a_number", "", seen(second), at(1))
        await store.write_page(page(candle(0, observed_at=seen(second)), rejects=(reject,)))
    assert await store.rows("SELECT count_seen, last_observed_at FROM raw.rejects") == [(3, seen(2))]


async def test_two_writers_on_one_series_at_once_lose_nothing(store: Store, database_url: str) -> None:
    """Overlapping pages in random order from two processes' worth of pools: one row per candle, one ledger."""
    async with create_pool(database_url, max_size=6) as other:
        writers = [store.writer, CandleWriter(other)]
        starts = list(range(0, 300, 10)) * 2
        random.Random(7).shuffle(starts)
        await asyncio.gather(
            *(
                writers[number % 2].write(
                    store.series,
                    page(*(candle(minute, observed_at=seen(number)) for minute in range(start, start + 20))),
                    run_id=str(number),
                    source="rest",
                    empty_interval="carried",
                )
                for number, start in enumerate(starts)
            )
        )
    assert await store.rows("SELECT count(*), count(DISTINCT open_time) FROM raw.candles") == [(310, 310)]
    assert await store.rows("SELECT count(*) FROM raw.candles_revisions") == [(0,)]
    assert await store.rows("SELECT lower(span), upper(span), status FROM ops.coverage") == [
        (at(0), at(310), "complete")
    ]


async def test_two_writers_that_disagree_leave_the_newest_observation_as_the_latest(store: Store) -> None:
    await asyncio.gather(*(store.write(candle(0, str(100 + n), observed_at=seen(n))) for n in range(12)))
    assert await store.latest(0) == "111"
    assert len(await store.versions(0)) == 12


async def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    broken = Series(**{**{f: getattr(store.series, f) for f in store.series.__struct_fields__}, "series_id": 999_999})
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await store.write(candle(0), series=broken)
    for table in ("raw.candles", "ops.coverage", "ops.ingests", "ops.dirty_slices"):
        assert await store.rows(f"SELECT count(*) FROM {table}") == [(0,)]


async def test_dirty_slices_carry_the_last_ingest_that_changed_them(store: Store) -> None:
    first = await store.write(candle(1439), candle(1440))
    assert await store.dirty() == {"2026-01-05": first.ingest_id, "2026-01-06": first.ingest_id}
    second = await store.write(candle(1440, "7", observed_at=seen(1)))
    assert await store.dirty() == {"2026-01-05": first.ingest_id, "2026-01-06": second.ingest_id}


async def test_ingests_of_one_series_follow_the_order_of_commits(store: Store) -> None:
    await asyncio.gather(*(store.write(candle(n, observed_at=seen(n))) for n in range(40)))
    rows = await store.rows("SELECT ingest_id, committed_at FROM ops.ingests ORDER BY committed_at")
    assert [ingest_id for ingest_id, _ in rows] == sorted(ingest_id for ingest_id, _ in rows)


async def test_whoever_sees_an_ingest_sees_all_before_it(store: Store) -> None:
    """Readers beside many writers of several series: no ingest ever appears behind one that was seen already."""
    series = list(store.all_series.values())

    async def read() -> list[list[tuple[object]]]:
        query = "SELECT committed_at FROM ops.ingests ORDER BY committed_at"
        return [await store.rows(query) for _ in range(60)]

    async def write(number: int) -> None:
        chosen = series[number % len(series)]
        start = chosen.timeframe.ceil(at(0)) + number * chosen.timeframe.duration
        one = candle(0)
        shifted = type(one)(**{**{f: getattr(one, f) for f in one.__struct_fields__}, "open_time": start})
        span = Span(start, start + chosen.timeframe.duration)
        await store.write_page(CandlePage(span, span.end, (shifted,), (), None, SEEN), series=chosen)

    seen_by_readers, *_ = await asyncio.gather(read(), *(write(number) for number in range(80)))
    final = await store.rows("SELECT committed_at FROM ops.ingests ORDER BY committed_at")
    assert len(final) == 80
    assert any(0 < len(each) < 80 for each in seen_by_readers)
    assert all(each == final[: len(each)] for each in seen_by_readers)


async def test_a_transaction_that_began_earlier_and_committed_later_is_still_dirty(
    store: Store, database_url: str
) -> None:
    """The slow writer draws its id first; what a faster one of another series commits meanwhile hides nothing."""
    slow_series, fast_series = store.all_series["BTC/USDT", "1m"], store.all_series["ETH/USDT", "1m"]
    async with await psycopg.AsyncConnection.connect(database_url) as slow:
        slow_id = await begin_ingest(slow, slow_series.series_id)
        await slow.execute(
            "INSERT INTO ops.dirty_slices (series_id, day, version) VALUES (%s, %s, %s)",
            [slow_series.series_id, START.date(), slow_id],
        )
        fast = await store.write(candle(0), series=fast_series)
        assert fast.ingest_id > slow_id
        assert [row[0] for row in await store.rows("SELECT series_id FROM ops.dirty_slices")] == [fast_series.series_id]
        committed_at = await end_ingest(
            slow, Ingest(slow_id, "slow", "rest", slow_series.series_id, Span(at(0), at(1)), SEEN)
        )
        await slow.commit()
    assert committed_at > fast.committed_at
    assert len(await store.rows("SELECT 1 FROM ops.dirty_slices")) == 2


async def test_the_history_of_the_ledger_is_kept(store: Store) -> None:
    hole = Span(at(0), at(3))
    first = await store.write_page(page(candle(0), candle(2), span=hole))
    second = await store.write_page(page(candle(1, observed_at=seen(60)), span=Span(at(1), at(2))))
    assert await store.rows("SELECT span, status FROM ops.coverage") == [
        (psycopg.types.range.TimestamptzRange(at(0), at(3)), "complete")
    ]
    history = await store.rows(
        "SELECT lower(span), status, ingest_id, replaced_by_ingest_id FROM ops.coverage_history ORDER BY span"
    )
    assert history == [
        (at(0), "complete", first.ingest_id, second.ingest_id),
        (at(1), "pending", first.ingest_id, second.ingest_id),
        (at(2), "complete", first.ingest_id, second.ingest_id),
    ]


async def test_a_row_the_gate_failed_stays_doubtful_while_the_venue_repeats_it_and_heals_when_it_does_not(
    store: Store,
) -> None:
    first = await store.write(candle(0), candle(1))
    async with store.pool.connection() as connection:
        await connection.execute(
            "INSERT INTO ops.slice_verdicts VALUES (%s, %s, %s, TRUE, 2, 1, 0, 2, 0.5, 'test', now(), now())",
            [store.series.series_id, START.date(), first.ingest_id],
        )
        await connection.execute(
            "INSERT INTO ops.row_verdicts VALUES (%s, %s, %s, 'high_is_highest', 'block', 'x')",
            [store.series.series_id, at(1), first.ingest_id],
        )
        await connection.execute("DELETE FROM ops.coverage")
    await store.write(candle(0, observed_at=seen(1)), candle(1, observed_at=seen(1)))
    assert ("unverified", "failed rule high_is_highest") in await store.rows("SELECT status, cause FROM ops.coverage")
    await store.write(candle(1, "99", observed_at=seen(9)))
    assert await store.rows("SELECT status FROM ops.coverage") == [("complete",)]


async def test_a_thousand_past_months_asked_for_at_once(store: Store) -> None:
    months = months_of(Span(START - timedelta(days=30 * 1_000), START))
    assert len(months) > 980
    racers = [MonthlyPartitions("raw", "candles") for _ in range(3)]

    async def ensure(partitions: MonthlyPartitions) -> int:
        async with store.pool.connection() as connection:
            await connection.set_autocommit(True)
            return await partitions.ensure(connection, months)

    assert sum(await asyncio.gather(*map(ensure, racers))) == len(months)
    await store.write(candle(0))
    assert await store.rows("SELECT count(*) FROM raw.candles") == [(1,)]


def test_months_of_a_span_end_before_a_month_it_does_not_touch() -> None:
    span = Span(START.replace(year=2025, month=12), START.replace(month=2, day=1))
    assert [month.isoformat() for month in months_of(span)] == ["2025-12-01", "2026-01-01"]
    assert months_of(Span(START, START)) == []
    assert month_of(START).isoformat() == "2026-01-01"


async def test_numbers_that_no_venue_should_send_are_the_gates_business_not_the_writers(store: Store) -> None:
    bad = candle(0, "-1")
    assert bad.close == Decimal(-1)
    assert (await store.write(bad)).count_inserted == 1

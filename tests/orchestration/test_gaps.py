"""Which run fills which gaps: newest first, bounded, whole days or scattered holes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from data_agent.core.time import DAY, Span, Timeframe
from data_agent.storage.postgres.series import Series
from orchestration.gaps import DayRange, Gap, Scattered, choose_pages, plan_run
from orchestration.ingest.repair_sensor import pause_after

START = datetime(2026, 1, 1, tzinfo=UTC)
SERIES = Series(1, "binance", "spot", "BTCUSDT", "BTC/USDT", Timeframe.M1, "venue", None)


def days(first: float, last: float) -> Span:
    return Span(START + first * DAY, START + last * DAY)


def gap(*spans: Span, page_size: int = 1000) -> Gap:
    return Gap(Timeframe.M1, page_size, list(spans), SERIES)


def test_nothing_missing_is_no_run() -> None:
    assert plan_run([]) is None


def test_days_that_follow_each_other_are_a_range_of_partitions() -> None:
    assert plan_run([gap(days(0, 2.5)), gap(days(1, 3))]) == DayRange(date(2026, 1, 1), date(2026, 1, 3))


def test_holes_far_apart_are_not_a_thousand_partitions() -> None:
    minute = timedelta(minutes=1)
    holes = [Span(START + n * DAY, START + n * DAY + minute) for n in (0, 500, 1000)]
    assert plan_run([gap(*holes)]) == Scattered(3)


def test_a_long_history_is_filled_from_its_newest_days_in_bounded_runs() -> None:
    plan = plan_run([gap(days(0, 1000))], limit_requests=30)
    assert isinstance(plan, DayRange)
    assert plan.last == date(2026, 1, 1) + timedelta(days=999)
    assert (plan.last - plan.first).days + 1 == 20, "29 pages of 1,000 minutes"


def test_one_day_is_always_possible() -> None:
    assert plan_run([gap(days(0, 3), page_size=1)], limit_requests=10) == DayRange(date(2026, 1, 3), date(2026, 1, 3))


def test_the_newest_pages_come_first_and_no_more_than_allowed() -> None:
    work = choose_pages([gap(days(0, 10))], limit_requests=3)
    assert [each.wanted.end for each in work] == sorted((each.wanted.end for each in work), reverse=True)
    assert len(work) == 3
    assert work[0].wanted.end == START + 10 * DAY


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 20)), min_size=1, max_size=8), st.integers(1, 60))
def test_filling_what_is_planned_comes_to_an_end(spans: list[tuple[int, int]], limit: int) -> None:
    """Each run fills at least one day with a gap, and none without."""
    missing = {date(2026, 1, 1) + timedelta(days=first + n) for first, length in spans for n in range(length)}
    while missing:
        plan = plan_run([gap(*(Span(_at(day), _at(day) + DAY) for day in sorted(missing)))], limit_requests=limit)
        assert plan is not None
        if isinstance(plan, Scattered):
            filled = set(sorted(missing, reverse=True)[: plan.count_days])
        else:
            filled = {plan.first + timedelta(days=n) for n in range((plan.last - plan.first).days + 1)}
        assert filled <= missing
        assert filled
        missing -= filled


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def test_the_pause_after_failed_runs_grows_and_ends_growing() -> None:
    pauses = [pause_after(count) for count in range(12)]
    assert pauses[:3] == [timedelta(), timedelta(seconds=15), timedelta(seconds=30)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(minutes=10)

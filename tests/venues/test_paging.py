"""What an answer proves, checked against the simplest statement of it: an interval at a time."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_agent.core.records import Candle, Reject
from data_agent.core.time import Span, Timeframe
from data_agent.venues.binance.facts import SPOT as BINANCE
from data_agent.venues.okx.facts import SPOT as OKX
from data_agent.venues.paging import Assembled, CandleAnswer, Row, assemble

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SEEN = datetime(2026, 1, 5, 13, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def candle(minutes: int, close: str = "1") -> Candle:
    one = Decimal(1)
    return Candle(NOON + MINUTE * minutes, one, one, one, Decimal(close), one, one, 1, SEEN)


def row(minutes: int, close: str = "1", is_closed: bool | None = None) -> Row:
    return Row([minutes, close], candle(minutes, close), is_closed)


def stretch(first: int, last: int) -> Span:
    return Span(NOON + MINUTE * first, NOON + MINUTE * last)


def ascending(rows: list[Row], asked: Span, venue_time: datetime = LATER) -> Assembled:
    return assemble(CandleAnswer(rows, venue_time, SEEN), asked, Timeframe.M1, BINANCE.candles, newest_first=False)


def descending(rows: list[Row], asked: Span, venue_time: datetime = LATER, *, proves_absence: bool = True) -> Assembled:
    answer = CandleAnswer(rows, venue_time, SEEN, proves_absence)
    return assemble(answer, asked, Timeframe.M1, OKX.candles, newest_first=True)


def minutes(found: Assembled) -> list[int]:
    return [(each.open_time - NOON) // MINUTE for each in found.page.candles]


def test_a_whole_answer_settles_the_stretch() -> None:
    found = ascending([row(i) for i in range(10)], stretch(0, 10))
    assert found.page.span == stretch(0, 10)
    assert found.unsettled.is_empty
    assert minutes(found) == list(range(10))


def test_a_hole_in_the_middle_is_a_hole() -> None:
    found = ascending([row(i) for i in range(10) if i != 4], stretch(0, 10))
    assert found.page.span == stretch(0, 10)
    assert 4 not in minutes(found)


def test_a_short_answer_is_no_proof_of_a_hole() -> None:
    found = ascending([row(i) for i in range(6)], stretch(0, 10))
    assert found.page.span == stretch(0, 6)
    assert found.unsettled == stretch(6, 10)


def test_a_short_answer_newest_first_leaves_the_other_end() -> None:
    found = descending([row(i, is_closed=True) for i in range(9, 3, -1)], stretch(0, 10))
    assert found.page.span == stretch(4, 10)
    assert found.unsettled == stretch(0, 4)


def test_nothing_at_all_proves_absence_only_where_memory_reaches() -> None:
    assert ascending([], stretch(0, 10)).page.span == stretch(0, 10)
    assert descending([], stretch(0, 10)).page.span == stretch(0, 10)
    forgetful = descending([], stretch(0, 10), proves_absence=False)
    assert forgetful.page.span.is_empty
    assert forgetful.unsettled == stretch(0, 10)


def test_closed_by_the_clock_when_sent_not_when_received() -> None:
    # Sent 50 ms before minute 3 began, received after: row 2 was unfinished when it was computed.
    found = ascending([row(i) for i in range(4)], stretch(0, 4), NOON + MINUTE * 3 - timedelta(milliseconds=50))
    assert minutes(found) == [0, 1]
    assert found.page.span == stretch(0, 2)
    assert found.page.running == candle(3)


def test_without_a_flag_the_newest_row_is_closed_only_by_a_later_one() -> None:
    just_after = NOON + MINUTE * 3 + timedelta(seconds=1)
    assert minutes(ascending([row(0), row(1), row(2)], stretch(0, 3), just_after)) == [0, 1]
    assert minutes(ascending([row(0), row(1), row(2), row(3)], stretch(0, 3), just_after)) == [0, 1, 2]


def test_without_a_flag_the_newest_row_is_closed_once_it_has_settled() -> None:
    settled = NOON + MINUTE * 3 + BINANCE.candles.settle_after
    assert minutes(ascending([row(0), row(1), row(2)], stretch(0, 3), settled)) == [0, 1, 2]


def test_a_row_the_venue_calls_unfinished_ends_what_is_closed() -> None:
    rows = [row(4, is_closed=False), row(3, is_closed=False), row(2, is_closed=True), row(1, is_closed=True)]
    found = descending(rows, stretch(1, 5))
    assert found.page.span == stretch(1, 3)
    assert minutes(found) == [1, 2]
    assert found.page.running == candle(4)


def test_settled_until_lies_behind_the_clock() -> None:
    venue_time = NOON + MINUTE * 3 + timedelta(seconds=2)
    found = descending([row(i, is_closed=True) for i in (2, 1, 0)], stretch(0, 3), venue_time)
    assert minutes(found) == [0, 1, 2]
    assert found.page.settled_until == NOON + MINUTE * 2


def test_identical_rows_collapse_and_conflicting_ones_are_all_rejects() -> None:
    found = ascending([row(0), row(1), row(1), row(2), row(2, "7"), row(2), row(3)], stretch(0, 4))
    assert minutes(found) == [0, 1, 3]
    assert [reject.reason for reject in found.page.rejects] == ["conflicting_duplicate"] * 3
    assert {reject.open_time for reject in found.page.rejects} == {NOON + MINUTE * 2}
    assert sorted(reject.payload for reject in found.page.rejects) == ['[2,"1"]', '[2,"1"]', '[2,"7"]']


def test_rows_that_disagree_only_in_their_flag_conflict() -> None:
    found = descending([row(0, is_closed=True), row(0, is_closed=False)], stretch(0, 1))
    assert [reject.reason for reject in found.page.rejects] == ["conflicting_duplicate"] * 2


def test_a_row_of_the_future_is_a_reject() -> None:
    found = ascending([row(0), row(1), row(30)], stretch(0, 60), NOON + MINUTE + timedelta(seconds=5))
    assert [reject.reason for reject in found.page.rejects] == ["in_future"]
    assert found.page.running == candle(1)


def test_rows_outside_are_counted_and_left_out() -> None:
    found = ascending([row(-2), row(-1), *[row(i) for i in range(5)], row(7)], stretch(0, 5))
    assert minutes(found) == list(range(5))
    assert found.count_outside == 3


def test_a_reject_with_a_time_counts_as_an_answer_about_it() -> None:
    bad = Row([9], Reject("[9]", "not_a_number", "", SEEN, NOON + MINUTE * 9))
    found = ascending([*[row(i) for i in range(9)], bad], stretch(0, 10))
    assert found.page.span == stretch(0, 10)
    assert found.page.rejects == (bad.parsed,)


def test_a_last_row_without_a_readable_time_does_not_loop_for_ever() -> None:
    bad = Row([None], Reject("[null]", "missing_field", "", SEEN, None))
    found = ascending([*[row(i) for i in range(9)], bad], stretch(0, 10))
    assert found.unsettled == stretch(9, 10)
    again = ascending([bad], found.unsettled)
    assert again.unsettled.is_empty


@given(
    present=st.sets(st.integers(-3, 25)),
    order=st.randoms(use_true_random=False),
    copies=st.integers(1, 3),
    seconds=st.integers(0, 25 * 60),
    newest_first=st.booleans(),
)
def test_order_and_copies_never_matter_and_only_the_closed_is_given(
    present: set[int], order: random.Random, copies: int, seconds: int, newest_first: bool
) -> None:
    venue_time = NOON + timedelta(seconds=seconds)
    running = seconds // 60
    present = {i for i in present if i <= running + 1}
    rows = [row(i, is_closed=i < running) if newest_first else row(i) for i in sorted(present)]
    shuffled = rows * copies
    order.shuffle(shuffled)
    judge = descending if newest_first else ascending
    asked = stretch(0, 20)
    found, plain = judge(shuffled, asked, venue_time), judge(rows, asked, venue_time)
    assert found.page == plain.page
    assert found.unsettled == plain.unsettled
    span = found.page.span
    assert span.is_empty or (asked.start <= span.start and span.end <= asked.end)
    assert all(each.open_time in span and each.open_time + MINUTE <= venue_time for each in found.page.candles)
    # Whatever is present and inside the span is given: an answer never loses a row.
    assert minutes(found) == sorted(i for i in present if NOON + MINUTE * i in span)
    assert span.intersect(found.unsettled).is_empty


@pytest.mark.parametrize("newest_first", [True, False])
@given(cap=st.integers(1, 9), holes=st.sets(st.integers(0, 19), max_size=8))
def test_asking_for_the_rest_ends_and_settles_everything(newest_first: bool, cap: int, holes: set[int]) -> None:
    """A venue that gives fewer rows than asked, and has holes: the pages together settle the stretch exactly once."""
    rest, spans, given_minutes = stretch(0, 20), [], []
    for _ in range(40):
        inside = [i for i in range(20) if NOON + MINUTE * i in rest and i not in holes]
        if newest_first:
            found = descending([row(i, is_closed=True) for i in inside[::-1][:cap]], rest)
        else:
            found = ascending([row(i) for i in inside[:cap]], rest)
        spans.append(found.page.span)
        given_minutes += minutes(found)
        rest = found.unsettled
        if rest.is_empty:
            break
    spans = sorted(span for span in spans if not span.is_empty)
    assert rest.is_empty
    assert (spans[0].start, spans[-1].end) == stretch(0, 20)
    assert all(before.end == after.start for before, after in itertools.pairwise(spans))
    assert sorted(given_minutes) == [i for i in range(20) if i not in holes]

"""The composition of an answer's coverage, held against an oracle that looks at every single candle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.coverage.composition import NOT_BUILT, NOT_FETCHED, ROW_ABSENT, Coverage, Gap, compose, expected_span
from data_agent.core.time import Span, Timeframe
from data_agent.coverage.ledger import Entry, Status

START = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
M1, M5 = Timeframe.M1, Timeframe.M5


def at(minutes: int) -> datetime:
    return START + minutes * MINUTE


def span(start: int, end: int) -> Span:
    return Span(at(start), at(end))


def test_a_full_range_has_no_gaps() -> None:
    found = compose(span(0, 5), M1, present=[span(0, 5)], entries=[], withheld={})
    assert found == Coverage(5, 5, ())
    assert found.ratio == 1


def test_what_the_ledger_does_not_cover_is_unknown() -> None:
    found = compose(span(0, 5), M1, present=[span(1, 3)], entries=[], withheld={})
    assert found.gaps == (Gap(at(0), at(1), "unknown", NOT_FETCHED), Gap(at(3), at(5), "unknown", NOT_FETCHED))
    assert found.ratio == 0.4


def test_a_hole_has_the_ledgers_status_and_cause() -> None:
    entries = [
        Entry(span(0, 3), Status.COMPLETE),
        Entry(span(3, 6), Status.EXCHANGE_OUTAGE, "the venue was down"),
        Entry(span(6, 7), Status.PENDING, "asked"),
    ]
    found = compose(span(0, 8), M1, present=[span(0, 3), span(7, 8)], entries=entries, withheld={})
    assert [(gap.status, gap.cause) for gap in found.gaps] == [
        ("exchange_outage", "the venue was down"),
        ("pending", "asked"),
    ]


def test_a_candle_the_gate_keeps_back_is_unverified_and_names_the_rule() -> None:
    found = compose(
        span(0, 3),
        M1,
        present=[span(0, 1), span(2, 3)],
        entries=[Entry(span(0, 3), Status.COMPLETE)],
        withheld={at(1): "high_is_highest"},
    )
    assert found.gaps == (Gap(at(1), at(2), "unverified", "failed rule high_is_highest"),)


def test_a_row_the_ledger_promises_and_nobody_has_is_not_passed_over() -> None:
    found = compose(span(0, 2), M1, present=[span(0, 1)], entries=[Entry(span(0, 2), Status.COMPLETE)], withheld={})
    assert found.gaps == (Gap(at(1), at(2), "unverified", ROW_ABSENT),)


def test_a_built_candle_is_as_known_as_the_worst_of_its_minutes() -> None:
    entries = [Entry(span(0, 7), Status.COMPLETE), Entry(span(8, 20), Status.COMPLETE)]
    found = compose(span(0, 20), M5, present=[span(0, 5)], entries=entries, withheld={}, is_built=True)
    assert found.gaps == (
        Gap(at(5), at(10), "unknown", NOT_FETCHED),
        Gap(at(10), at(20), "pending", NOT_BUILT),
    )


def test_a_candle_outside_what_was_expected_counts_on_both_sides() -> None:
    found = compose(span(2, 4), M1, present=[span(0, 5)], entries=[], withheld={})
    assert found == Coverage(5, 5, ())


def test_one_missing_candle_of_many_never_rounds_up_to_all() -> None:
    assert Coverage(1_000_000, 999_999, ()).ratio == 0.9999


@pytest.mark.parametrize(
    ("asked", "listed_at", "expected"),
    [
        (span(0, 30), None, span(0, 10)),  # the clock stands at minute 10 and a half
        (span(0, 3), None, span(0, 3)),
        (span(0, 30), at(4) + timedelta(seconds=20), span(4, 10)),  # trading begins inside a candle
        (Span(at(0) + timedelta(seconds=1), at(3) + timedelta(seconds=1)), None, span(1, 4)),  # off the grid
        (span(20, 30), None, Span(at(20), at(20))),  # the future
    ],
)
def test_expected_is_what_is_closed_and_listed(asked: Span, listed_at: datetime | None, expected: Span) -> None:
    assert expected_span(asked, M1, clock=at(10) + timedelta(seconds=30), listed_at=listed_at) == expected


_LENGTH = 40
_SLOTS = st.lists(st.booleans(), min_size=_LENGTH, max_size=_LENGTH)
_STATUSES = st.lists(
    st.sampled_from([None, *Status]), min_size=_LENGTH, max_size=_LENGTH
)  # None: the ledger says nothing


def _runs(slots: list[bool]) -> list[Span]:
    runs: list[Span] = []
    for index, is_there in enumerate(slots):
        if is_there and runs and runs[-1].end == at(index):
            runs[-1] = Span(runs[-1].start, at(index + 1))
        elif is_there:
            runs.append(span(index, index + 1))
    return runs


@given(slots=_SLOTS, statuses=_STATUSES, bad=st.sets(st.integers(0, _LENGTH - 1)), start=st.integers(0, 20))
def test_gaps_and_present_make_up_expected(
    slots: list[bool], statuses: list[Status | None], bad: set[int], start: int
) -> None:
    expected = span(start, start + 20)
    slots = [is_there and index not in bad for index, is_there in enumerate(slots)]
    slots = [is_there and start <= index < start + 20 for index, is_there in enumerate(slots)]
    entries = [
        Entry(span(index, index + 1), status, f"cause {index // 7}")
        for index, status in enumerate(statuses)
        if status is not None
    ]
    withheld = {at(index): "rule" for index in bad}
    found = compose(expected, M1, present=_runs(slots), entries=entries, withheld=withheld)

    told: dict[datetime, Gap] = {}
    for gap in found.gaps:
        for moment in Span(gap.start, gap.end).open_times(M1):
            assert moment not in told, "gaps overlap"
            told[moment] = gap
    present = {at(index) for index, is_there in enumerate(slots) if is_there}
    assert told.keys().isdisjoint(present)
    assert told.keys() | present == set(expected.open_times(M1))
    assert (found.expected, found.present) == (20, len(present))
    for moment, gap in told.items():
        index = (moment - START) // MINUTE
        status = statuses[index]
        if index in bad:
            settled = status is Status.UNRECOVERABLE
            assert (gap.status, gap.cause) == ("unrecoverable" if settled else "unverified", "failed rule rule")
        elif status is None:
            assert (gap.status, gap.cause) == ("unknown", NOT_FETCHED)
        elif status is Status.COMPLETE:
            assert (gap.status, gap.cause) == ("unverified", ROW_ABSENT)
        else:
            assert (gap.status, gap.cause) == (status, f"cause {index // 7}")
    for left, right in zip(found.gaps, found.gaps[1:], strict=False):
        assert (left.end, left.status, left.cause) != (right.start, right.status, right.cause), "not coalesced"


@given(statuses=_STATUSES, slots=st.lists(st.booleans(), min_size=8, max_size=8))
def test_built_gaps_speak_for_the_first_thing_that_is_not_complete(
    statuses: list[Status | None], slots: list[bool]
) -> None:
    entries = [
        Entry(span(index, index + 1), status, status) for index, status in enumerate(statuses) if status is not None
    ]
    present = [span(5 * index, 5 * index + 5) for index, is_there in enumerate(slots) if is_there]
    found = compose(span(0, _LENGTH), M5, present=present, entries=entries, withheld={}, is_built=True)
    told = {moment: gap for gap in found.gaps for moment in Span(gap.start, gap.end).open_times(M5)}
    for index, is_there in enumerate(slots):
        if is_there:
            assert at(5 * index) not in told
            continue
        minutes = statuses[5 * index : 5 * index + 5]
        first = next((status for status in minutes if status is not Status.COMPLETE), "built")
        wanted = "pending" if first == "built" else "unknown" if first is None else first
        assert told[at(5 * index)].status == wanted

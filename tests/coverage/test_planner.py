from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from data_agent.core.time import Span, Timeframe
from data_agent.coverage.ledger import Entry, Status
from data_agent.coverage.planner import bridge, join, missing, pages

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def test_unknown_and_due_stretches_are_missing_and_nothing_else() -> None:
    entries = [
        Entry(Span(at(0), at(10)), Status.COMPLETE),
        Entry(Span(at(10), at(12)), Status.PENDING, retry_at=at(50)),
        Entry(Span(at(20), at(25)), Status.UNRECOVERABLE, "gone", 5),
        Entry(Span(at(30), at(31)), Status.PENDING, retry_at=at(90)),
    ]
    assert missing(entries, Span(at(0), at(40)), at(60)) == [
        Span(at(10), at(20)),
        Span(at(25), at(30)),
        Span(at(31), at(40)),
    ]


@given(st.integers(0, 5_000), st.integers(1, 1_500))
def test_pages_cut_without_a_gap_or_an_overlap(length: int, page_size: int) -> None:
    cut = list(pages(Span(at(0), at(length)), Timeframe.M1, page_size))
    assert [span.end for span in cut[:-1]] == [span.start for span in cut[1:]]
    assert all(0 < span.count(Timeframe.M1) <= page_size for span in cut)
    assert sum(span.count(Timeframe.M1) for span in cut) == length


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 20)), max_size=20), st.integers(1, 200))
def test_bridging_covers_everything_in_no_more_requests(holes: list[tuple[int, int]], page_size: int) -> None:
    spans = [Span(at(start), at(start + length)) for start, length in holes]
    bridged = bridge(spans, Timeframe.M1, page_size)
    asked = {moment for span in bridged for moment in span.open_times(Timeframe.M1)}
    assert asked >= {moment for span in spans for moment in span.open_times(Timeframe.M1)}
    assert len(bridged) <= len(join(spans))
    assert bridged == sorted(bridged)


def test_scattered_holes_within_one_page_cost_one_request() -> None:
    holes = [Span(at(minute), at(minute + 1)) for minute in range(0, 100, 10)]
    assert bridge(holes, Timeframe.M1, 300) == [Span(at(0), at(91))]

"""The ledger's algebra, against a model that keeps one answer per minute."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from data_agent.core.time import Span
from data_agent.coverage.ledger import Entry, Status, clip, coalesce, overlay, unknown, watermark

START = datetime(2026, 1, 1, tzinfo=UTC)
LENGTH = 40


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def minutes(entries: list[Entry]) -> dict[int, Status]:
    """The model: what is said of each minute; fails where two entries speak of the same one."""
    said: dict[int, Status] = {}
    for entry in entries:
        for minute in range(LENGTH):
            if at(minute) in entry.span:
                assert minute not in said, "entries overlap"
                said[minute] = entry.status
    return said


@st.composite
def ledgers(draw: st.DrawFn) -> list[Entry]:
    cuts = sorted(draw(st.sets(st.integers(0, LENGTH), max_size=12)))
    said = [draw(st.sampled_from([None, *Status])) for _ in cuts[1:]]
    return [
        Entry(Span(at(start), at(end)), status)
        for start, end, status in zip(cuts, cuts[1:], said, strict=False)
        if status is not None
    ]


@given(ledgers(), ledgers())
def test_overlay_replaces_where_the_news_speak_and_keeps_the_rest(before: list[Entry], news: list[Entry]) -> None:
    after = overlay(before, news)
    assert minutes(after) == minutes(before) | minutes(news)


@given(ledgers(), ledgers())
def test_overlay_is_coalesced_and_idempotent(before: list[Entry], news: list[Entry]) -> None:
    after = overlay(before, news)
    assert after == coalesce(after)
    assert all(not (a.span.end == b.span.start and a.says_the_same_as(b)) for a, b in itertools.pairwise(after))
    assert overlay(after, news) == after


@given(ledgers(), st.integers(0, LENGTH), st.integers(0, LENGTH))
def test_unknown_is_what_no_entry_covers(entries: list[Entry], start: int, end: int) -> None:
    wanted = Span(at(start), at(end))
    holes = {m for span in unknown(entries, wanted) for m in range(LENGTH) if at(m) in span}
    assert holes == {m for m in range(start, end) if m not in minutes(entries)}
    assert set(minutes(clip(entries, wanted))) == {m for m in minutes(entries) if start <= m < end}


@given(ledgers())
def test_the_watermark_never_passes_a_hole(entries: list[Entry]) -> None:
    said = minutes(entries)
    reached = 0
    while reached < LENGTH and reached in said and Entry(Span(START, at(1)), said[reached]).is_known:
        reached += 1
    assert watermark(entries, START) == at(reached)


def test_the_watermark_is_not_the_greatest_time() -> None:
    entries = [Entry(Span(at(0), at(5)), Status.COMPLETE), Entry(Span(at(6), at(30)), Status.COMPLETE)]
    assert watermark(entries, START) == at(5)


def test_neighbours_that_differ_in_cause_stay_apart() -> None:
    entries = [
        Entry(Span(at(0), at(5)), Status.PENDING, "no answer"),
        Entry(Span(at(5), at(9)), Status.PENDING, "row rejected"),
    ]
    assert coalesce(entries) == entries

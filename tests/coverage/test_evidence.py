"""What one answer lets us say: each rule, and that repeated doubt ends in a named status instead of a loop."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from data_agent.core.records import Candle, CandlePage, Reject
from data_agent.core.time import Span, Timeframe
from data_agent.coverage.evidence import ENOUGH_ATTEMPTS, EmptyInterval, assess_candles, retry_pause
from data_agent.coverage.ledger import Entry, Status, overlay, unknown

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(hours=2)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def candle(minute: int) -> Candle:
    one = Decimal(1)
    return Candle(at(minute), one, one, one, one, one, None, None, NOW)


def page(
    present: list[int],
    *,
    end: int = 10,
    settled: int = 10,
    rejects: tuple[Reject, ...] = (),
    observed_at: datetime = NOW,
) -> CandlePage:
    return CandlePage(Span(at(0), at(end)), at(settled), tuple(map(candle, present)), rejects, None, observed_at)


def assess(
    answer: CandlePage,
    known: list[Entry] | None = None,
    failed: dict[datetime, str] | None = None,
    empty_interval: EmptyInterval = "carried",
) -> list[Entry]:
    entries = assess_candles(
        answer, Timeframe.M1, known=known or [], failed=failed or {}, empty_interval=empty_interval
    )
    assert unknown(entries, answer.span) == [], "the whole answered span is spoken of"
    return entries


def test_a_full_settled_page_is_complete() -> None:
    assert assess(page(list(range(10)))) == [Entry(Span(at(0), at(10)), Status.COMPLETE)]


def test_candles_that_may_still_change_are_read_again() -> None:
    complete, fresh = assess(page(list(range(10)), settled=8))
    assert complete == Entry(Span(at(0), at(8)), Status.COMPLETE)
    assert (fresh.span, fresh.status) == (Span(at(8), at(10)), Status.UNVERIFIED)
    assert fresh.retry_at is not None


def test_a_candle_that_was_not_given_is_pending_and_asked_again_later() -> None:
    hole = next(entry for entry in assess(page([0, 1, 2, 4, 5, 6, 7, 8, 9])) if entry.status is not Status.COMPLETE)
    assert (hole.span, hole.status, hole.attempts) == (Span(at(3), at(4)), Status.PENDING, 1)
    assert hole.retry_at == NOW + retry_pause(1)


def test_a_rejected_row_names_its_reason() -> None:
    reject = Reject("[]", "not_a_number", "", NOW, at(3))
    hole = next(e for e in assess(page([0, 1, 2, *range(4, 10)], rejects=(reject,))) if e.status is Status.PENDING)
    assert "not_a_number" in hole.cause


@pytest.mark.parametrize(
    ("empty_interval", "status", "answers"),
    [("carried", Status.UNRECOVERABLE, ENOUGH_ATTEMPTS), ("omitted", Status.EMPTY_MARKET, 2)],
)
def test_enough_agreeing_answers_settle_a_hole(empty_interval: EmptyInterval, status: Status, answers: int) -> None:
    known: list[Entry] = []
    observed_at, asked = NOW, 0
    while not known or not all(entry.is_known for entry in known):
        asked += 1
        assert asked <= answers
        known = overlay(known, assess(page([], observed_at=observed_at), known, empty_interval=empty_interval))
        observed_at += timedelta(hours=2)
    assert asked == answers
    assert [entry.status for entry in known] == [status]


def test_answers_within_the_pause_do_not_count_twice() -> None:
    known: list[Entry] = []
    for _ in range(20):
        known = overlay(known, assess(page([]), known))
    assert [(entry.status, entry.attempts) for entry in known] == [(Status.PENDING, 1)]


def test_a_candle_that_comes_late_heals_the_hole_whatever_was_said_before() -> None:
    known = [Entry(Span(at(0), at(10)), Status.UNRECOVERABLE, "the venue gave no candle in 5 answers", 5)]
    assert assess(page(list(range(10))), known) == [Entry(Span(at(0), at(10)), Status.COMPLETE)]


def test_an_answer_without_a_candle_does_not_undo_what_we_have() -> None:
    known = [Entry(Span(at(0), at(10)), Status.COMPLETE)]
    assert assess(page([]), known) == known


def test_a_candle_that_failed_the_gate_is_doubtful_until_the_venue_insists() -> None:
    known: list[Entry] = [Entry(Span(at(0), at(10)), Status.COMPLETE)]
    failed = {at(3): "high_is_highest"}
    known = overlay(known, [Entry(Span(at(3), at(4)), Status.UNVERIFIED, "failed rule high_is_highest")])
    for answer in range(ENOUGH_ATTEMPTS):
        when = NOW + timedelta(hours=2 * answer)
        known = overlay(known, assess(page(list(range(10)), observed_at=when), known, failed))
    doubt = next(entry for entry in known if entry.span.start == at(3))
    assert (doubt.status, doubt.cause) == (Status.UNRECOVERABLE, "failed rule high_is_highest")


def test_pauses_grow_to_an_hour() -> None:
    pauses = [retry_pause(attempts) for attempts in range(1, 60)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=30)
    assert pauses[-1] == timedelta(hours=1)

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from data_agent.core.time import DAY, EPOCH, Span, Timeframe, day_span, from_milliseconds, to_milliseconds

moments = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds
timeframes = st.sampled_from(Timeframe)
offsets = st.sampled_from([timedelta(), timedelta(hours=16), timedelta(minutes=7)])


@given(st.integers(0, 4_102_444_800_000))
def test_milliseconds_round_trip_exactly(milliseconds: int) -> None:
    assert to_milliseconds(from_milliseconds(milliseconds)) == milliseconds


def test_milliseconds_of_another_zone_are_the_same_moment() -> None:
    zone = timezone(timedelta(hours=8))
    assert to_milliseconds(datetime(1970, 1, 1, 8, tzinfo=zone)) == 0


@given(moments, timeframes, offsets)
def test_every_moment_lies_in_exactly_one_candle(moment: datetime, timeframe: Timeframe, offset: timedelta) -> None:
    opened = timeframe.floor(moment, offset)
    assert opened <= moment < opened + timeframe.duration
    assert timeframe.is_on_grid(opened, offset)
    assert timeframe.ceil(opened, offset) == opened
    assert timeframe.ceil(moment, offset) in {opened, opened + timeframe.duration}


def test_a_day_that_starts_in_another_zone() -> None:
    opened = Timeframe.D1.floor(datetime(2026, 1, 5, 15, tzinfo=UTC), timedelta(hours=16))
    assert opened == datetime(2026, 1, 4, 16, tzinfo=UTC)


@given(moments, moments, timeframes)
def test_an_aligned_span_holds_the_open_times_and_no_others(
    start: datetime, end: datetime, timeframe: Timeframe
) -> None:
    span = Span(start, min(end, start + 400 * timeframe.duration))
    aligned = span.aligned(timeframe)
    times = list(aligned.open_times(timeframe))
    assert len(times) == aligned.count(timeframe)
    assert all(moment in span for moment in times)
    if not span.is_empty:
        assert aligned.start - timeframe.duration < span.start
        assert aligned.end - timeframe.duration < span.end


def test_the_days_of_a_span_end_before_midnight() -> None:
    start = datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert list(Span(start, start + timedelta(hours=1)).days()) == [date(2026, 1, 31)]
    assert list(Span(start, start + timedelta(hours=1, microseconds=1)).days()) == [date(2026, 1, 31), date(2026, 2, 1)]
    assert list(Span(start, start).days()) == []
    assert day_span(date(2026, 1, 31)) == Span(datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))


def test_spans_that_do_not_meet_intersect_in_nothing() -> None:
    first, second = Span(EPOCH, EPOCH + DAY), Span(EPOCH + DAY, EPOCH + 2 * DAY)
    assert first.intersect(second).is_empty
    assert EPOCH + DAY not in first
    assert EPOCH + DAY in second

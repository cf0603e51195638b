from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.times import parse_time, render_time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENTS = st.integers(0, 7_250_000_000_000_000).map(lambda number: _EPOCH + timedelta(microseconds=number))


@given(_MOMENTS)
def test_what_is_rendered_reads_back_exactly(moment: datetime) -> None:
    assert parse_time(render_time(moment)) == moment


@given(st.integers(min_value=10_000, max_value=7_000_000_000_000))
def test_integer_milliseconds_are_exact(milliseconds: int) -> None:
    moment = parse_time(str(milliseconds))
    assert (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1) == milliseconds


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-01-05", "2026-01-05T00:00:00Z"),
        ("2026-01-05T02:00:00+02:00", "2026-01-05T00:00:00Z"),
        ("2026-01-05T00:00:00", "2026-01-05T00:00:00Z"),
        (" 1767571200000 ", "2026-01-05T00:00:00Z"),
    ],
)
def test_other_spellings(text: str, same_as: str) -> None:
    assert render_time(parse_time(text)) == same_as


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yesterday", "ISO-8601"),
        ("2026-13-01", "ISO-8601"),
        ("1969-12-31", "between 1970 and 2200"),
        ("2200-01-01", "between 1970 and 2200"),
        ("0001-01-01T00:00:00+14:00", "between 1970 and 2200"),
        ("9999999999999999", "between 1970 and 2200"),
        ("2026-01-05T00:00:00 02:00", "%2B"),
    ],
)
def test_what_cannot_be_a_time_is_refused_with_a_hint(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_time(text)


@pytest.mark.parametrize(
    ("microsecond", "rendered"),
    [(0, "2026-01-05T00:00:00Z"), (120_000, "2026-01-05T00:00:00.120Z"), (123_456, "2026-01-05T00:00:00.123456Z")],
)
def test_fractions_are_shown_only_where_there_are_any(microsecond: int, rendered: str) -> None:
    assert render_time(datetime(2026, 1, 5, microsecond=microsecond, tzinfo=UTC)) == rendered

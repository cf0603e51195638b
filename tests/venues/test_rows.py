from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_agent.core.records import Candle, Reject
from data_agent.core.time import Timeframe, to_milliseconds
from data_agent.venues.binance import rest as binance
from data_agent.venues.okx import rest as okx
from data_agent.venues.rows import CandleLayout, Unreadable, read_candle, read_count, read_decimal, read_milliseconds

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SEEN = NOON + timedelta(minutes=5)
MS = to_milliseconds(NOON)
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?", fullmatch=True)
PARSERS = {"binance": binance.parse_candle, "okx": okx.parse_candle}


def row_of(venue: str, numbers: list[str], open_time: int = MS) -> list[Any]:
    if venue == "binance":
        return [open_time, *numbers[:5], open_time + 59_999, numbers[5], 52, "1", "1", "0"]
    return [str(open_time), *numbers[:5], "7", numbers[5], "1"]


@pytest.mark.parametrize("venue", PARSERS)
@given(numbers=st.lists(NUMBERS, min_size=6, max_size=6))
def test_digits_are_exactly_those_sent(venue: str, numbers: list[str]) -> None:
    candle = PARSERS[venue](row_of(venue, numbers), Timeframe.M1, SEEN)
    assert isinstance(candle, Candle)
    fields = (candle.open, candle.high, candle.low, candle.close, candle.volume, candle.quote_volume)
    assert [format(value, "f") for value in fields if value is not None] == numbers
    assert (candle.open_time, candle.observed_at) == (NOON, SEEN)


@pytest.mark.parametrize("venue", PARSERS)
@given(
    position=st.integers(0, 5),
    garbage=st.none()
    | st.text(max_size=8).filter(lambda text: not text.replace(".", "").lstrip("-").isdecimal())
    | st.sampled_from(["NaN", "Infinity", "-inf", "1_000", " 1", "1 ", "0x1", "1e999", "١", "1,5", "+1", "--1", "."])
    | st.booleans()
    | st.lists(st.integers(), max_size=1)
    | st.dictionaries(st.text(max_size=1), st.none(), max_size=1),
)
def test_garbage_in_any_field_is_a_reject_that_holds_the_row(venue: str, position: int, garbage: Any) -> None:
    row = row_of(venue, ["1"] * 6)
    row[position] = garbage
    found = PARSERS[venue](row, Timeframe.M1, SEEN)
    assert isinstance(found, Reject)
    assert found.reason in {"missing_field", "not_a_number", "off_grid", "impossible_time"}
    assert json.loads(found.payload) == row
    assert found.open_time == (None if position == 0 else NOON)


@pytest.mark.parametrize("venue", PARSERS)
@given(row=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_whatever_the_row_is_the_parser_answers(venue: str, row: Any) -> None:
    assert isinstance(PARSERS[venue](row, Timeframe.M1, SEEN), (Candle, Reject))


@pytest.mark.parametrize("venue", PARSERS)
@pytest.mark.parametrize("numbers", [["1", "1", "2", "1", "1", "1"], ["1", "1", "1", "1", "-5", "1"], ["0"] * 6])
def test_impossible_numbers_go_through(venue: str, numbers: list[str]) -> None:
    assert isinstance(PARSERS[venue](row_of(venue, numbers), Timeframe.M1, SEEN), Candle)


@pytest.mark.parametrize("venue", PARSERS)
def test_a_row_may_grow_but_not_shrink(venue: str) -> None:
    row = row_of(venue, ["1"] * 6)
    assert isinstance(PARSERS[venue]([*row, "new"], Timeframe.M1, SEEN), Candle)
    for length in range(9):
        found = PARSERS[venue](row[:length], Timeframe.M1, SEEN)
        assert isinstance(found, Reject)
        assert found.reason == "missing_field"


@pytest.mark.parametrize("venue", PARSERS)
@pytest.mark.parametrize("timeframe", list(Timeframe))
@given(milliseconds=st.integers(MS - 10**10, MS + 10**10))
def test_off_the_grid(venue: str, timeframe: Timeframe, milliseconds: int) -> None:
    found = PARSERS[venue](row_of(venue, ["1"] * 6, milliseconds), timeframe, SEEN)
    if milliseconds % timeframe.milliseconds == 0:
        assert isinstance(found, Candle)
    else:
        assert isinstance(found, Reject)
        assert found.reason == "off_grid"
        assert found.open_time is not None
        assert to_milliseconds(found.open_time) == milliseconds - milliseconds % timeframe.milliseconds


@pytest.mark.parametrize("milliseconds", [0, -1, 1, 10**15, 10**30, MS * 1000, MS // 1000])
def test_times_that_cannot_be(milliseconds: int) -> None:
    """Seconds, microseconds and worse: the unit is part of the wire's promise."""
    found = binance.parse_candle(row_of("binance", ["1"] * 6, milliseconds), Timeframe.M1, SEEN)
    assert isinstance(found, Reject)
    assert (found.reason, found.open_time) == ("impossible_time", None)


def test_a_day_that_starts_elsewhere() -> None:
    numbers = {"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5}
    layout = CandleLayout(length=6, open_time=0, numbers=numbers, trade_count=None)
    offset = timedelta(hours=16)
    row = [to_milliseconds(datetime(2026, 1, 5, 16, tzinfo=UTC)), "1", "1", "1", "1", "1"]
    assert isinstance(read_candle(row, layout, Timeframe.D1, offset, SEEN), Candle)
    assert isinstance(read_candle(row, layout, Timeframe.D1, timedelta(), SEEN), Reject)


def test_whole_json_numbers_are_numbers() -> None:
    assert read_decimal(12, "x") == Decimal(12)
    assert read_decimal("9.121E-7", "x") == Decimal("9.121E-7")
    assert read_count("52", "x") == read_count(52, "x") == 52
    assert read_milliseconds(str(MS), "x") == NOON


@pytest.mark.parametrize("value", [2**63, 1.5, "1.5", None, True, "-1"])
def test_counts_that_are_none(value: object) -> None:
    with pytest.raises(Unreadable):
        read_count(value, "trade count")


def test_floats_never_pass() -> None:
    with pytest.raises(Unreadable, match=r"price is '1\.1'"):
        read_decimal(1.1, "price")

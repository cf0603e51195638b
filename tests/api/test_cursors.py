from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from api import cursors
from api.problems import BadCursor


class Position(Struct, frozen=True, array_like=True):
    after: datetime
    number: int


QUERY = {"exchange": "binance", "symbol": "BTC/USDT", "start": None}
POSITION = Position(datetime(2026, 1, 5, tzinfo=UTC), 7)


def test_a_cursor_goes_on_where_it_was_made() -> None:
    assert cursors.decode(QUERY, cursors.encode(QUERY, POSITION), Position) == POSITION


def test_a_cursor_of_another_query_is_refused() -> None:
    cursor = cursors.encode(QUERY, POSITION)
    with pytest.raises(BadCursor, match="another query"):
        cursors.decode(QUERY | {"symbol": "ETH/USDT"}, cursor, Position)


@given(st.text(max_size=80))
def test_no_text_passes_for_a_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        cursors.decode(QUERY, text, Position)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_a_changed_cursor_is_refused(place: int, byte: int) -> None:
    cursor = cursors.encode(QUERY, POSITION)
    place %= len(cursor)
    changed = cursor[:place] + chr(byte) + cursor[place + 1 :]
    if changed == cursor:
        return
    try:
        # The last character of base64 holds bits that count for nothing: what is left must then mean the same.
        assert cursors.decode(QUERY, changed, Position) == POSITION
    except BadCursor as error:
        assert error.field == "cursor"

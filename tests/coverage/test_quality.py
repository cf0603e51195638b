from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from data_agent.coverage.quality import PROVISIONAL_QUALITY, row_quality, slice_quality


def test_a_sound_row_is_worth_more_than_one_with_warnings_and_never_less_than_a_provisional_one() -> None:
    assert row_quality(0) == 1
    assert row_quality(1) == Decimal("0.9")
    assert row_quality(99) == PROVISIONAL_QUALITY


@given(st.integers(0, 1440), st.data())
def test_a_slice_is_as_good_as_its_weakest_link(expected: int, data: st.DataObject) -> None:
    present = data.draw(st.integers(0, expected))
    failed = data.draw(st.integers(0, present))
    warned = data.draw(st.integers(0, present - failed))
    quality = slice_quality(expected, present, failed, warned)
    assert 0 <= quality <= 1
    assert (quality == 1) == (present == expected and failed == 0 and warned == 0)


def test_half_a_day_is_worth_half() -> None:
    assert slice_quality(1440, 720, 0, 0) == Decimal("0.5")
    assert slice_quality(1440, 1440, 144, 0) == Decimal("0.9")

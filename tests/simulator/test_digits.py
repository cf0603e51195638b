from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.digits import padded, plain, trimmed

SCALES = st.integers(0, 8)
VALUES = st.integers(0, 10**17)


@pytest.mark.parametrize(
    ("scale", "value", "text"),
    [(2, 9512345, "95123.45000000"), (0, 12, "12.00000000"), (8, 5, "0.00000005"), (5, 0, "0.00000000")],
)
def test_padded(scale: int, value: int, text: str) -> None:
    assert padded(scale)(value) == text


@pytest.mark.parametrize(
    ("scale", "value", "text"),
    [(1, 243440, "24344"), (1, 335286, "33528.6"), (8, 5, "0.00000005"), (3, 0, "0"), (0, 100, "100")],
)
def test_trimmed(scale: int, value: int, text: str) -> None:
    assert trimmed(scale)(value) == text


@given(SCALES, VALUES)
def test_both_manners_write_the_same_number(scale: int, value: int) -> None:
    exact = Decimal(value).scaleb(-scale)
    assert Decimal(padded(scale)(value)) == exact == Decimal(trimmed(scale)(value))


def test_plain_has_no_exponent() -> None:
    assert plain(Decimal("0.00000001")) == "0.00000001"
    assert plain(Decimal("1.10")) == "1.10"

from datetime import timedelta
from email.utils import format_datetime

import pytest

from data_agent.connections.exchange import Exchange
from data_agent.core.time import utc_now


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, None), ({"retry-after": "7"}, timedelta(seconds=7)), ({"retry-after": "soon"}, None)],
)
def test_retry_after_in_seconds(headers: dict[str, str], expected: timedelta | None) -> None:
    assert Exchange("klines", headers=headers).retry_after == expected


def test_retry_after_as_a_date() -> None:
    told = format_datetime(utc_now() + timedelta(seconds=90), usegmt=True)
    found = Exchange("klines", headers={"retry-after": told}).retry_after
    assert found is not None
    assert timedelta(seconds=85) < found <= timedelta(seconds=90)


def test_a_date_in_the_past_means_at_once() -> None:
    told = format_datetime(utc_now() - timedelta(hours=1), usegmt=True)
    assert Exchange("klines", headers={"retry-after": told}).retry_after == timedelta()

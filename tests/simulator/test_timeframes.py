import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.timeframes import timeframe
from simulator.times import HOUR_MS, iso, parse_instant
from simulator.venues.okx.facts import FRAMES as OKX

FRAMES = [timeframe(name) for name in ("1m", "15m", "4h", "1d", "3d", "1w", "1M")] + [OKX["6H"], OKX["1D"], OKX["1M"]]
INSTANTS = st.integers(parse_instant("2017-01-01"), parse_instant("2030-01-01"))


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
@given(instant=INSTANTS)
def test_every_instant_is_in_one_candle_of_one_block(frame, instant: int) -> None:
    opened = frame.floor(instant)
    assert opened <= instant < frame.following(opened)
    assert frame.floor(opened) == opened == frame.ceil(opened)
    start, end = frame.block(instant)
    assert start <= opened
    assert frame.following(opened) <= end
    assert frame.floor(start) == start
    assert frame.floor(end) == end


@pytest.mark.parametrize(
    ("name", "opened"),
    [
        ("4h", "2026-01-07T08:00:00.000Z"),
        ("1d", "2026-01-07T00:00:00.000Z"),
        ("1w", "2026-01-05T00:00:00.000Z"),
        ("1M", "2026-01-01T00:00:00.000Z"),
    ],
)
def test_utc_grids(name: str, opened: str) -> None:
    assert iso(timeframe(name).floor(parse_instant("2026-01-07T11:59:59.999Z"))) == opened


@pytest.mark.parametrize(
    ("bar", "opened"),
    [
        ("6H", "2026-01-07T10:00:00.000Z"),
        ("12H", "2026-01-07T04:00:00.000Z"),
        ("1D", "2026-01-06T16:00:00.000Z"),
        ("1W", "2026-01-04T16:00:00.000Z"),
        ("1M", "2025-12-31T16:00:00.000Z"),
        ("6Hutc", "2026-01-07T06:00:00.000Z"),
        ("1Dutc", "2026-01-07T00:00:00.000Z"),
        ("4H", "2026-01-07T08:00:00.000Z"),
    ],
)
def test_okx_opens_large_bars_by_hong_kong_time(bar: str, opened: str) -> None:
    assert iso(OKX[bar].floor(parse_instant("2026-01-07T11:59:59.999Z"))) == opened


def test_shifted_into_another_zone() -> None:
    tokyo = timeframe("1d").shifted(-9 * HOUR_MS)
    assert iso(tokyo.floor(parse_instant("2026-01-07T16:00:00Z"))) == "2026-01-07T15:00:00.000Z"

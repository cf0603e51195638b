from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from simulator.market.aggregate import aggregate, merge
from simulator.market.model import Bar
from simulator.timeframes import timeframe

MINUTE = 60_000
NUMBERS = st.integers(1, 10**9)


@st.composite
def minutes(draw: st.DrawFn) -> list[Bar[int]]:
    """Consecutive minutes with holes in them."""
    start = draw(st.integers(28_000_000, 29_000_000))
    bars = []
    for offset in draw(st.sets(st.integers(0, 120), min_size=1).map(sorted)):
        low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
        inside = st.integers(low, high)
        bars.append(
            Bar((start + offset) * MINUTE, draw(inside), high, low, draw(inside), draw(NUMBERS), draw(NUMBERS), 3, 1, 2)
        )
    return bars


@given(minutes(), st.sampled_from(["5m", "15m", "1h", "1d"]))
def test_larger_candles_hold_all_smaller_ones(bars: list[Bar[int]], name: str) -> None:
    frame = timeframe(name)
    large = list(aggregate(frame, bars))
    assert [bar.open_time for bar in large] == sorted({frame.floor(bar.open_time) for bar in bars})
    for whole in large:
        parts = [bar for bar in bars if frame.floor(bar.open_time) == whole.open_time]
        assert (whole.open, whole.close) == (parts[0].open, parts[-1].close)
        assert (whole.high, whole.low) == (max(bar.high for bar in parts), min(bar.low for bar in parts))
        assert whole.volume == sum(bar.volume for bar in parts)
        assert whole.trade_count == 3 * len(parts)


@given(minutes())
def test_by_way_of_quarters_or_at_once(bars: list[Bar[int]]) -> None:
    hours = timeframe("1h")
    assert list(aggregate(hours, aggregate(timeframe("15m"), bars))) == list(aggregate(hours, bars))


def test_decimals_keep_their_digits() -> None:
    one = Bar(0, *map(Decimal, ("1.10", "2.00", "1.0", "1.50", "0.30000000", "1")), 1, Decimal(0), Decimal(0))
    two = one._replace(high=Decimal("1.9"), volume=Decimal("0.20000000"))
    merged = merge(0, [one, two])
    assert (str(merged.open), str(merged.high), str(merged.volume)) == ("1.10", "2.00", "0.50000000")

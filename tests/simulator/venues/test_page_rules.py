"""Whatever is asked, a page is the part of the truth that the venue's rule names."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.config import Config
from simulator.simulator import Simulator
from tests.simulator.conftest import MINUTE, NOW_MS, Asker

ASK = Asker(Simulator(Config(clock_start_ms=NOW_MS, clock_speed=0, history_days=3)))
SIZES = {"1m": MINUTE, "15m": 15 * MINUTE, "1h": 60 * MINUTE}
OKX_BARS = {"1m": "1m", "15m": "15m", "1h": "1H"}
INSTANTS = st.integers(NOW_MS - 5 * 1440 * MINUTE, NOW_MS + 120 * MINUTE)
MAYBE = st.none() | INSTANTS
FRAMES = st.sampled_from(sorted(SIZES))


def all_opens(size: int) -> list[int]:
    """Every open time of the market until now."""
    start = ASK.simulator.market_start_ms
    return list(range(start, NOW_MS + 1, size))


def query(**parameters: Any) -> str:
    return "&".join(f"{name}={value}" for name, value in parameters.items() if value is not None)


@settings(max_examples=150, deadline=None)
@given(FRAMES, MAYBE, MAYBE, st.integers(1, 1000))
def test_binance(frame: str, start: int | None, end: int | None, limit: int) -> None:
    asked = query(symbol="SOLUSDT", interval=frame, startTime=start, endTime=end, limit=limit)
    rows = ASK.json("binance", f"/api/v3/klines?{asked}")
    inside = [open_ms for open_ms in all_opens(SIZES[frame]) if (start or 0) <= open_ms <= (end or NOW_MS)]
    expected = inside[-limit:] if start is None else inside[:limit]
    assert [row[0] for row in rows] == expected


@settings(max_examples=150, deadline=None)
@given(FRAMES, MAYBE, MAYBE, st.integers(1, 300), st.booleans())
def test_okx(frame: str, after: int | None, before: int | None, limit: int, is_history: bool) -> None:
    endpoint = "history-candles" if is_history else "candles"
    asked = query(instId="SOL-USDT", bar=OKX_BARS[frame], after=after, before=before, limit=limit)
    rows = ASK.json("okx", f"/api/v5/market/{endpoint}?{asked}")["data"]
    opens = all_opens(SIZES[frame])
    held = opens[:-1] if is_history else opens[-1440:]
    expected = [open_ms for open_ms in held if (before or 0) < open_ms < (after or NOW_MS + MINUTE)]
    assert [int(row[0]) for row in rows] == expected[::-1][:limit]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 1000), INSTANTS)
def test_walking_forward_misses_and_repeats_nothing(limit: int, start: int) -> None:
    found: list[int] = []
    position = max(start, NOW_MS - 2000 * MINUTE)
    while rows := ASK.json("binance", f"/api/v3/klines?symbol=SOLUSDT&interval=1m&startTime={position}&limit={limit}"):
        found += [row[0] for row in rows]
        position = found[-1] + 1
        if len(found) > 10 * limit:
            break
    first = [open_ms for open_ms in all_opens(MINUTE) if open_ms >= max(start, NOW_MS - 2000 * MINUTE)]
    assert found == first[: len(found)]

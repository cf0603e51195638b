import pytest

from simulator.testing import RunningSimulator
from tests.simulator.conftest import MIDNIGHT_MS, MINUTE, NOW_MS, Asker

pytestmark = pytest.mark.integration

DAY = 1440 * MINUTE


def test_rows_of_a_range(start) -> None:
    rows = start().ledger("okx", "BTC/USDT", "1m", start="2026-01-05", end=MIDNIGHT_MS + 2 * MINUTE)
    assert [row["open_time"] for row in rows] == [MIDNIGHT_MS, MIDNIGHT_MS + MINUTE]
    assert list(rows[0]) == [
        "open_time", "open_time_iso", "open", "high", "low", "close", "volume", "quote_volume", "trade_count", "closed",
    ]  # fmt: skip
    assert rows[0]["open_time_iso"] == "2026-01-05T00:00:00.000Z"
    assert all(row["closed"] for row in rows)


def test_the_running_candle_is_not_closed(start) -> None:
    rows = start().ledger("binance", "BTC/USDT", "1h", start=MIDNIGHT_MS)
    assert [row["closed"] for row in rows] == [True] * 10 + [False]


def test_names_may_be_the_venues_or_unified(start) -> None:
    simulator = start()
    days = [
        simulator.ledger("okx", symbol, frame, start=MIDNIGHT_MS - DAY, end=MIDNIGHT_MS)
        for symbol, frame in (("BTC/USDT", "1d"), ("BTC-USDT", "1Dutc"), ("BTC-USDT", "1D"))
    ]
    assert days[0] == days[1] != days[2]


def test_as_of_is_the_venues_clock(start) -> None:
    simulator: RunningSimulator = start()
    early = simulator.ledger("binance", "BTC/USDT", "1m", start=MIDNIGHT_MS, as_of=MIDNIGHT_MS + 90_000)
    assert [row["closed"] for row in early] == [True, False]
    assert simulator.ledger("binance", "BTC/USDT", "1m", start=NOW_MS + MINUTE) == []


def test_faults_of_transport_leave_it_alone(start) -> None:
    simulator: RunningSimulator = start()
    asked = {"venue": "binance", "symbol": "BTC/USDT", "timeframe": "1m", "start": MIDNIGHT_MS}
    before = simulator.ledger(**asked)
    simulator.faults(
        {"kind": "missing_candles"}, {"kind": "duplicate_rows"}, {"kind": "off_grid"}, {"kind": "malformed_row"},
        {"kind": "clock_skew", "seconds": 1000}, {"kind": "stale", "mode": "cached"}, {"kind": "html"},
    )  # fmt: skip
    assert simulator.ledger(**asked) == before


def test_it_agrees_with_the_wire(start, ask: Asker) -> None:
    for row, kline in zip(
        start().ledger("binance", "DASH/USDT", "1m", start=MIDNIGHT_MS, end=MIDNIGHT_MS + 1000 * MINUTE),
        ask.json("binance", f"/api/v3/klines?symbol=DASHUSDT&interval=1m&startTime={MIDNIGHT_MS}&limit=1000"),
        strict=False,
    ):
        told = [row[name] for name in ("open_time", "open", "high", "low", "close", "volume", "quote_volume")]
        assert told == [*kline[:6], kline[7]]


def test_a_range_may_be_long(start) -> None:
    rows = start().ledger("okx", "DASH/USDT", "1m", start=MIDNIGHT_MS - 5 * DAY, end=MIDNIGHT_MS)
    assert len(rows) == 5 * 1440

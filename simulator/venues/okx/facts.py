"""Facts of OKX spot, from its published "OKX API guide" (docs-v5): Market Data, Public Data, Error Code."""

from decimal import Decimal

from simulator.market.model import Instrument
from simulator.timeframes import Timeframe, timeframe
from simulator.times import HOUR_MS

# Market Data, "GET / Candlesticks": 1m to 4H; 6H and more open by UTC+8 unless the name ends in "utc".
# 1s, 2D, 3D and 3M are not simulated.
SMALL_BARS = ("1m", "3m", "5m", "15m", "30m", "1H", "2H", "4H")
LARGE_BARS = ("6H", "12H", "1D", "1W", "1M")
HONG_KONG_MS = -8 * HOUR_MS


def _bar(name: str, offset_ms: int = 0, suffix: str = "") -> Timeframe:
    unified = name if name.endswith(("m", "1M")) else name.lower()
    frame = timeframe(unified, offset_ms)
    return type(frame)(name + suffix, frame.size_ms, frame.offset_ms)


FRAMES = {
    frame.name: frame
    for frame in (
        *(_bar(name) for name in SMALL_BARS),
        *(_bar(name, HONG_KONG_MS) for name in LARGE_BARS),
        *(_bar(name, suffix="utc") for name in LARGE_BARS),
    )
}
# What other tools call a day is a day of UTC.
UNIFIED_FRAMES = {
    "1h": "1H", "2h": "2H", "4h": "4H", "6h": "6Hutc", "12h": "12Hutc", "1d": "1Dutc", "1w": "1Wutc",
}  # fmt: skip

DEFAULT_LIMIT = 100
MAXIMUM_LIMIT = 300
# "This endpoint can retrieve the latest 1,440 data entries."
LATEST_ENTRIES = 1440

# Requests per two seconds, by IP (instruments: by IP and instrument type).
LIMITS = {
    "time": (10, 2.0),
    "instruments": (20, 2.0),
    "candles": (40, 2.0),
    "history-candles": (20, 2.0),
}

ROW_FIELDS = (
    "open_time", "open", "high", "low", "close", "volume", "quote_volume", "quote_volume", "is_closed",
)  # fmt: skip

INSTRUMENTS = (
    Instrument("BTC", "USDT", 1, 8, Decimal(95_000), 7.0, 1_500_000),
    Instrument("ETH", "USDT", 2, 6, Decimal(3_300), 6.0, 300_000),
    Instrument("SOL", "USDT", 2, 6, Decimal(190), 4.0, 9_000_000),
    Instrument("XRP", "USDT", 4, 6, Decimal("2.4"), 4.0, 600_000_000),
    Instrument("DOGE", "USDT", 5, 6, Decimal("0.35"), 3.0, 2_000_000_000),
    Instrument("DASH", "USDT", 2, 6, Decimal(38), 0.5, 2_000_000),
    Instrument("ETH", "BTC", 5, 6, Decimal("0.035"), 1.5, 200_000),
)

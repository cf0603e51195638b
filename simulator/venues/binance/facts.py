"""Facts of Binance spot, from its published "Public Rest API", "Errors" and "Filters" documents."""

from decimal import Decimal

from simulator.market.model import Instrument
from simulator.timeframes import timeframe

# rest-api, "Kline/Candlestick data": supported intervals, case-sensitive. 1s is not simulated.
INTERVALS = (
    "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip
FRAMES = {name: timeframe(name) for name in INTERVALS}

DEFAULT_LIMIT = 500
MAXIMUM_LIMIT = 1000

# rest-api, "LIMITS" and the weight of each endpoint.
REQUEST_WEIGHT_PER_MINUTE = 6000
WEIGHTS = {
    "ping": 1,
    "time": 1,
    "exchangeInfo": 20,
    "klines": 2,
    "aggTrades": 4,
    "trades": 25,
    "historicalTrades": 25,
}

# What each position of a kline holds.
ROW_FIELDS = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trade_count",
    "taker_volume", "taker_quote_volume", None,
)  # fmt: skip

INSTRUMENTS = (
    Instrument("BTC", "USDT", 2, 5, Decimal(95_000), 9.0, 2_000),
    Instrument("ETH", "USDT", 2, 4, Decimal(3_300), 7.0, 4_000),
    Instrument("SOL", "USDT", 2, 3, Decimal(190), 5.0, 12_000),
    Instrument("XRP", "USDT", 4, 1, Decimal("2.4"), 5.0, 8_000),
    Instrument("DOGE", "USDT", 5, 0, Decimal("0.35"), 4.0, 3_000),
    Instrument("DASH", "USDT", 2, 3, Decimal(38), 0.6, 3_000),
    Instrument("ETH", "BTC", 5, 4, Decimal("0.035"), 2.0, 3_000),
)

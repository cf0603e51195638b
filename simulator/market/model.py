"""The records of a market."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, NamedTuple, Protocol, TypeVar

from simulator.timeframes import Timeframe

Number = TypeVar("Number", int, Decimal)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One spot pair of one venue.

    Prices are whole ticks of ``10**-price_scale`` quote units, quantities whole lots of ``10**-lot_scale`` base units.
    ``trades_per_minute`` below 1 makes a quiet pair, with minutes in which nothing trades.
    """

    base: str
    quote: str
    price_scale: int
    lot_scale: int
    start_price: Decimal
    trades_per_minute: float
    typical_lots: int
    is_replayed: bool = False

    @property
    def symbol(self) -> str:
        """The unified name, e.g. ``BTC/USDT``."""
        return f"{self.base}/{self.quote}"


class Bar(NamedTuple, Generic[Number]):
    """A candle in numbers that can be added: ticks, lots and ticks x lots, or Decimals of a recording."""

    open_time: int
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    quote_volume: Number
    trade_count: int
    taker_volume: Number
    taker_quote_volume: Number


@dataclass(slots=True)
class Candle:
    """A candle in the venue's own digits. ``close_time`` is its last millisecond."""

    open_time: int
    close_time: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str
    trade_count: int
    taker_volume: str
    taker_quote_volume: str
    is_closed: bool = True
    # The venue's wire text of this candle, remembered because pages overlap.
    wire: str = ""


class Trade(NamedTuple):
    """One trade, in ticks and lots."""

    trade_id: int
    time_ms: int
    price: int
    quantity: int
    is_buyer_maker: bool


class CandleSource(Protocol):
    """Where an instrument's candles come from. Both iterators yield whole candles, as they are once closed."""

    def ascending(self, frame: Timeframe, start_ms: int, end_ms: int) -> Iterator[Candle]:
        """Candles that open in [start, end), oldest first."""

    def descending(self, frame: Timeframe, start_ms: int, end_ms: int) -> Iterator[Candle]:
        """Candles that open in [start, end), newest first."""

    def running(self, frame: Timeframe, now_ms: int) -> Candle | None:
        """The unfinished candle that contains now, made of what happened until now."""

    def trades(self, first_id: int | None, start_ms: int, end_ms: int) -> Iterator[Trade]:
        """Trades in [start, end), from an id on when given, oldest first."""

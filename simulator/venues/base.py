"""What every venue is made of. A new venue is a folder with a subclass of Venue, named in ``venues/__init__.py``."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, ClassVar

from simulator.digits import Writer
from simulator.limits import Limiter, LimitSettings
from simulator.market.model import Bar, Candle, Instrument
from simulator.rows import RowFaults
from simulator.timeframes import Timeframe
from simulator.truth import Truth

# The parameters of a request in their order of arrival; a name may come twice.
Query = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Answer:
    """An HTTP answer, before it is delivered (well or badly)."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class Refused(Exception):
    """The venue answers with an error of its own."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Question:
    """A request as a venue's endpoint sees it: its parameters, the venue's time, and the candles it may show."""

    query: Query
    now_ms: int
    truth: Truth
    faults: RowFaults

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters by name; of one that came twice, the last."""
        return dict(self.query)

    def oldest(self, symbol: str, frame: Timeframe, start_ms: int, end_ms: int, limit: int) -> list[Candle]:
        """The first candles that open in [start, end), ascending."""
        found = self.truth.ascending(symbol, frame, start_ms, end_ms, self.now_ms)
        return list(islice(self._shown(symbol, frame, found), limit))

    def newest(self, symbol: str, frame: Timeframe, start_ms: int, end_ms: int, limit: int) -> list[Candle]:
        """The last candles that open in [start, end), descending."""
        found = self.truth.descending(symbol, frame, start_ms, end_ms, self.now_ms)
        return list(islice(self._shown(symbol, frame, found), limit))

    def _shown(self, symbol: str, frame: Timeframe, candles: Iterator[Candle]) -> Iterator[Candle]:
        if self.faults.hides_nothing:
            return candles
        return (candle for candle in candles if not self.faults.hides(symbol, frame, candle.open_time))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of a venue. ``group`` is the venue-neutral word for it: time, instruments, ohlcv, trades, ping."""

    name: str
    path: str
    group: str
    answer: Callable[[Question], Answer]


class Venue(ABC):
    """One venue's wire. Subclasses hold the facts as class data and answer questions; they know nothing of sockets."""

    name: ClassVar[str]
    # The venue's own words for its timeframes, and the unified words that mean the same grid.
    frames: ClassVar[Mapping[str, Timeframe]]
    unified_frames: ClassVar[Mapping[str, str]]
    # What stands where in a candle's row, in the words of Candle; None for what has no name there.
    row_fields: ClassVar[tuple[str | None, ...]]
    instruments: ClassVar[tuple[Instrument, ...]]
    # Whether an address that goes on after a 429 is banned with 418.
    bans: ClassVar[bool] = False

    def __init__(self, truth: Truth, instruments: Mapping[str, Instrument], listed_at_ms: int) -> None:
        self.truth = truth
        self.listed = instruments
        self.listed_at_ms = listed_at_ms
        self.symbols = {self.market_id(instrument): symbol for symbol, instrument in instruments.items()}
        self.endpoints = {endpoint.path: endpoint for endpoint in self.make_endpoints()}

    @classmethod
    @abstractmethod
    def market_id(cls, instrument: Instrument) -> str:
        """The venue's own name of an instrument."""

    @classmethod
    @abstractmethod
    def write_number(cls, value: Any) -> str:
        """A Decimal in the venue's manner."""

    @classmethod
    @abstractmethod
    def writer(cls, scale: int) -> Writer:
        """Writes whole numbers of ``10**-scale`` in the venue's manner."""

    @classmethod
    @abstractmethod
    def write_candle(cls, candle: Candle) -> str:
        """A candle as the JSON text of its row."""

    @abstractmethod
    def make_endpoints(self) -> Sequence[Endpoint]:
        """All paths the venue answers."""

    @abstractmethod
    def unknown_path(self, path: str) -> Answer:
        """The venue's own 404."""

    @abstractmethod
    def server_error(self, status: int) -> Answer:
        """The venue's own 5xx."""

    @abstractmethod
    def limiter(self, settings: LimitSettings) -> Limiter:
        """The venue's own request limits."""

    @abstractmethod
    def over_limit(self, retry_after_seconds: int | None, now_ms: int) -> Answer:
        """The venue's own 429."""

    @abstractmethod
    def banned(self, retry_after_seconds: int, now_ms: int) -> Answer:
        """The venue's own 418."""

    def limit_key(self, endpoint: Endpoint, query: Query) -> str:
        """What else, beside address and endpoint, has a limit of its own."""
        return ""

    @abstractmethod
    def symbol_asked(self, query: Query) -> str | None:
        """The unified symbol a request is about, when it names a listed one."""

    @abstractmethod
    def timeframe_asked(self, query: Query) -> Timeframe | None:
        """The timeframe a request is about, when it names one."""

    @classmethod
    def frame(cls, name: str) -> Timeframe:
        """A timeframe by the venue's own word, else by the unified one; KeyError for neither."""
        return cls.frames[name if name in cls.frames else cls.unified_frames[name]]

    @classmethod
    def presenter(cls, instrument: Instrument) -> Callable[[Bar[int], Timeframe], Candle]:
        """Turns bars in ticks and lots into candles in the venue's digits."""
        tick, lot = cls.writer(instrument.price_scale), cls.writer(instrument.lot_scale)
        quote = cls.writer(instrument.price_scale + instrument.lot_scale)

        def present(bar: Bar[int], frame: Timeframe) -> Candle:
            opened, first, high, low, last, volume, quotes, count, taker, taker_quotes = bar
            return Candle(
                opened, frame.following(opened) - 1, tick(first), tick(high), tick(low), tick(last),
                lot(volume), quote(quotes), count, lot(taker), quote(taker_quotes),
            )  # fmt: skip

        return present

    def rows(self, question: Question, symbol: str, frame: Timeframe, candles: Sequence[Candle]) -> str:
        """The candles' rows as the inside of a JSON array, distorted where a fault says so."""
        if question.faults.distorts_nothing:
            return ",".join([candle.wire or self._written(candle) for candle in candles])
        return ",".join(question.faults.distorted(symbol, frame, candles, self._written, self.row_fields))

    def _written(self, candle: Candle) -> str:
        candle.wire = self.write_candle(candle)
        return candle.wire

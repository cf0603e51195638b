"""Every kind of fault, typed. Unknown kinds, unknown fields and impossible values are refused by name."""

from typing import Annotated, ClassVar, Literal

import msgspec

from simulator.selection import Instant, Selection, Share
from simulator.times import parse_instant

Seconds = Annotated[float, msgspec.Meta(ge=0.0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class Fault(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True, omit_defaults=True
):
    """What all faults share: whom they hit, how often, and while the venue's clock shows [active_from, active_until).

    ``endpoint`` is a venue's endpoint (``klines``) or a group of them (``ohlcv``, ``time``, ``instruments``,
    ``trades``). ``count`` is the number of answers the fault may spoil.
    """

    venue: str | None = None
    endpoint: str | None = None
    symbol: str | None = None
    probability: Share = 1.0
    count: Count | None = None
    active_from: Instant | None = None
    active_until: Instant | None = None

    def __post_init__(self) -> None:
        for instant in (self.active_from, self.active_until):
            if instant is not None:
                parse_instant(instant)


class Latency(Fault, frozen=True, kw_only=True, tag="latency"):
    """The answer comes late."""

    seconds: Seconds


class ServerError(Fault, frozen=True, kw_only=True, tag="http_5xx"):
    """The venue's own 5xx, or a gateway's HTML page."""

    status: Annotated[int, msgspec.Meta(ge=500, le=599)] = 503
    body: Literal["venue", "html"] = "venue"


class TooManyRequests(Fault, frozen=True, kw_only=True, tag="http_429"):
    """The venue says 429 although the limit is not reached."""

    retry_after_seconds: Annotated[int, msgspec.Meta(ge=0)] | None = 1


class Ban(Fault, frozen=True, kw_only=True, tag="http_418"):
    """The venue bans the client's address; requests inside the ban are counted. Only venues that ban do it."""

    retry_after_seconds: Annotated[int, msgspec.Meta(ge=1)] = 120


class Timeout(Fault, frozen=True, kw_only=True, tag="timeout"):
    """The request is accepted and never answered (until the client leaves or the time is over)."""

    seconds: Seconds = 3600.0


class Reset(Fault, frozen=True, kw_only=True, tag="reset"):
    """The connection is reset (TCP RST) instead of an answer."""


class Truncated(Fault, frozen=True, kw_only=True, tag="truncated"):
    """The connection ends within the body: a Content-Length too long, or a chunked body without its end."""

    mode: Literal["content_length", "chunked"] = "content_length"
    keep: Share = 0.5


class MalformedJson(Fault, frozen=True, kw_only=True, tag="malformed_json"):
    """A complete answer whose body is not JSON: it stops in the middle."""


class Html(Fault, frozen=True, kw_only=True, tag="html"):
    """An HTML page, by default with status 200."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200


class EmptyBody(Fault, frozen=True, kw_only=True, tag="empty_body"):
    """No body, with status 200."""


class ClockSkew(Fault, frozen=True, kw_only=True, tag="clock_skew"):
    """The venue's clock is off: its time, and with it every answer."""

    seconds: float


class Stale(Fault, frozen=True, kw_only=True, tag="stale"):
    """An answer computed before a candle's close and delivered after it.

    ``held``: requests within ``window_seconds`` before the next close (of the asked timeframe, else of the minute) are
    answered as of their arrival, but only after the close plus ``seconds``. ``cached``: the answer is as of ``seconds``
    before the latest close, delivered at once.
    """

    mode: Literal["held", "cached"] = "held"
    seconds: Seconds = 0.1
    window_seconds: Seconds = 5.0


class RowFault(Fault, frozen=True, kw_only=True):
    """Faults of candles, chosen by any of these (see Selection)."""

    timeframe: str | None = None
    open_times: tuple[Instant, ...] | None = None
    start: Instant | None = None
    end: Instant | None = None
    share: Share = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.selection()

    def selection(self) -> Selection:
        """Which candles it is about."""
        return Selection(
            symbol=self.symbol, timeframe=self.timeframe, open_times=self.open_times,
            start=self.start, end=self.end, share=self.share,
        )  # fmt: skip


class MissingCandles(RowFault, frozen=True, kw_only=True, tag="missing_candles"):
    """Candles are not in the answers: for a time, or for good (then the ledger says so)."""

    for_good: bool = False


class DuplicateRows(RowFault, frozen=True, kw_only=True, tag="duplicate_rows"):
    """Rows come twice in an answer."""


class LateRevision(RowFault, frozen=True, kw_only=True, tag="late_revision"):
    """Closed candles have other values from ``at`` on, in all answers and in the ledger.

    ``changes`` holds new values as the venue writes them; by default the close moves to the high (or to the low, when
    it is there already) and the volume grows by one in its last place.
    """

    at: Instant
    changes: dict[
        Literal["open", "high", "low", "close", "volume", "quote_volume", "taker_volume", "taker_quote_volume"], str
    ] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_instant(self.at)


Garbage = Literal["null", "nan", "text", "empty", "short_row"]
Poison = Literal["negative_volume", "high_below_low", "zero_price"]


class MalformedRow(RowFault, frozen=True, kw_only=True, tag="malformed_row"):
    """Single rows are spoiled: garbage that cannot be parsed, or poison that can but is impossible."""

    GARBAGE: ClassVar[tuple[str, ...]] = ("null", "nan", "text", "empty", "short_row")

    defect: Garbage | Poison = "null"
    field: Literal["open_time", "open", "high", "low", "close", "volume"] = "close"
    for_good: bool = False


class OffGrid(RowFault, frozen=True, kw_only=True, tag="off_grid"):
    """Open times beside the grid."""

    shift_ms: Annotated[int, msgspec.Meta(ge=-86_400_000, le=86_400_000)] = 1234


AnyFault = (
    Latency | ServerError | TooManyRequests | Ban | Timeout | Reset | Truncated | MalformedJson | Html | EmptyBody
    | ClockSkew | Stale | MissingCandles | DuplicateRows | LateRevision | MalformedRow | OffGrid
)  # fmt: skip


def is_for_good(fault: AnyFault) -> bool:
    """Whether the fault changes the venue's history, so that it is in the ledger."""
    return isinstance(fault, LateRevision) or (isinstance(fault, MissingCandles | MalformedRow) and fault.for_good)


class UnknownFault(ValueError):
    """The text says what is wrong with a fault, naming the field."""


def read_faults(body: bytes) -> list[AnyFault]:
    """Faults from JSON: one object or a list. Raises UnknownFault."""
    try:
        if body.lstrip().startswith(b"{"):
            return [msgspec.json.decode(body, type=AnyFault)]
        return msgspec.json.decode(body, type=list[AnyFault])
    except (msgspec.DecodeError, ValueError) as error:
        kinds = ", ".join(sorted(kind.__struct_config__.tag for kind in AnyFault.__args__))
        raise UnknownFault(f"{error} (kinds: {kinds})") from error

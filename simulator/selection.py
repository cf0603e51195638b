"""Which candles something applies to."""

from typing import Annotated

import msgspec

from simulator.market.noise import key
from simulator.times import parse_instant

Instant = int | str
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Selection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Candles by any of: symbol, timeframe (the venue's own name), open times, a range [start, end), a seeded share.

    What is not given does not restrict.
    """

    symbol: str | None = None
    timeframe: str | None = None
    open_times: tuple[Instant, ...] | None = None
    start: Instant | None = None
    end: Instant | None = None
    share: Share = 1.0

    def __post_init__(self) -> None:
        for instant in (self.start, self.end, *(self.open_times or ())):
            if instant is not None:
                parse_instant(instant)

    def bounds(self) -> tuple[int, int]:
        """The range as milliseconds."""
        start = 0 if self.start is None else parse_instant(self.start)
        return start, 1 << 62 if self.end is None else parse_instant(self.end)

    def might_touch(self, symbol: str, timeframe: str) -> bool:
        """Whether any candle of this series can be selected."""
        return self.symbol in (None, symbol) and self.timeframe in (None, timeframe)

    def compiled(self, seed: int, salt: str) -> "Selected":
        """The selection as a quick predicate; the share is drawn from the seed and the salt."""
        return Selected(self, seed, salt)


class Selected:
    """A compiled selection."""

    def __init__(self, selection: Selection, seed: int, salt: str) -> None:
        self.selection = selection
        self._start, self._end = selection.bounds()
        times = selection.open_times
        self._times = None if times is None else frozenset(map(parse_instant, times))
        self._seed, self._salt = seed, salt

    def __call__(self, symbol: str, timeframe: str, open_time: int) -> bool:
        """Whether a candle is selected."""
        if not self._start <= open_time < self._end or not self.selection.might_touch(symbol, timeframe):
            return False
        if self._times is not None and open_time not in self._times:
            return False
        share = self.selection.share
        return share >= 1.0 or key(self._seed, self._salt, symbol, timeframe, open_time) < share * 2.0**64

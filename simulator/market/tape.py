"""The seeded trades of one instrument, readable at any minute."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulator.market.model import Instrument, Trade
from simulator.market.noise import Doubles, Integers, key, uniform, wave
from simulator.times import DAY_MS, HOUR_MS, MINUTE_MS

# Trade ids count from here, so that they look like an exchange's and never turn negative.
FIRST_MINUTE = 1_483_228_800_000 // MINUTE_MS  # 2017-01-01

# (period, amplitude) of the price's waves: months move it by a quarter, a minute by a few hundredths of a per cent.
WORLD_WAVES = (
    (200 * DAY_MS, 0.25),
    (40 * DAY_MS, 0.12),
    (9 * DAY_MS, 0.05),
    (2 * DAY_MS, 0.02),
    (10 * HOUR_MS, 0.008),
    (2 * HOUR_MS, 0.003),
    (30 * MINUTE_MS, 0.0015),
    (7 * MINUTE_MS, 0.0006),
    (MINUTE_MS, 0.0003),
)
SLOW_MS = 30 * MINUTE_MS
# What one venue's price differs from the others': arbitrage keeps it small.
VENUE_WAVE = (45 * MINUTE_MS, 0.0004)


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades as columns, oldest first: minutes since 1970, ids, milliseconds, ticks, lots."""

    minutes: Integers
    ids: Integers
    times: Integers
    prices: Integers
    quantities: Integers
    buyer_is_maker: Integers

    def __iter__(self) -> Iterator[Trade]:
        columns = (self.ids, self.times, self.prices, self.quantities, self.buyer_is_maker.astype(bool))
        return map(Trade._make, zip(*(column.tolist() for column in columns), strict=True))


class Tape:
    """All trades of an instrument on a venue, a pure function of (seed, venue, symbol).

    Venues share the seed's world price and differ by a small wave of their own, by their trades and by their ticks.
    """

    def __init__(self, seed: int, venue: str, instrument: Instrument) -> None:
        self._instrument = instrument
        world = [(key(seed, instrument.symbol, "world", period), (period, size)) for period, size in WORLD_WAVES]
        self._slow = [slow for slow in world if slow[1][0] > SLOW_MS]
        self._fast = [fast for fast in world if fast[1][0] <= SLOW_MS]
        self._venue = key(seed, venue, instrument.symbol, "venue")
        self._streams = {
            name: key(seed, venue, instrument.symbol, name)
            for name in ("count", "time", "price", "quantity", "burst", "side")
        }
        self._start_ticks = float(instrument.start_price.scaleb(instrument.price_scale))

    def first_ids(self, minutes: Integers) -> Integers:
        """The id of the first trade at or after the start of each minute.

        ``floor(rate * (minute + random))`` never falls, so ids are contiguous without counting from the beginning,
        and a minute holds between none and twice ``trades_per_minute`` trades.
        """
        steps = minutes - FIRST_MINUTE + uniform(self._streams["count"], minutes)
        return (steps * self._instrument.trades_per_minute).astype(np.int64)

    def read(self, first_minute: int, end_minute: int) -> Trades:
        """The trades of the minutes [first, end)."""
        minutes = np.arange(first_minute, end_minute + 1, dtype=np.int64)
        bounds = self.first_ids(minutes)
        counts = np.diff(bounds)
        ids = np.arange(bounds[0], bounds[-1], dtype=np.int64)
        minute_of = np.repeat(minutes[:-1], counts)
        slot = ids - np.repeat(bounds[:-1], counts)
        share = (slot + uniform(self._streams["time"], ids)) / np.repeat(counts, counts)
        times = minute_of * MINUTE_MS + (share * MINUTE_MS).astype(np.int64)
        sides = (uniform(self._streams["side"], ids) < 0.5).astype(np.int64)
        prices = self._prices(times, ids, np.repeat(self._slow_level(minutes[:-1] * MINUTE_MS), counts))
        return Trades(minute_of, ids, times, prices, self._quantities(ids), sides)

    def minute_of_id(self, trade_id: int) -> int:
        """A minute at or shortly before the one that holds this trade."""
        return FIRST_MINUTE + int(trade_id / self._instrument.trades_per_minute) - 2

    @property
    def longest_silence(self) -> int:
        """No run of minutes without a trade is as long as this."""
        return int(2 / self._instrument.trades_per_minute) + 3

    def _slow_level(self, minute_times: Integers) -> Doubles:
        """What hardly changes within a minute, once for each minute: a third of the cost of once for each trade."""
        return 1.0 + sum(
            (amplitude * wave(stream, minute_times, period) for stream, (period, amplitude) in self._slow),
            start=VENUE_WAVE[1] * wave(self._venue, minute_times, VENUE_WAVE[0]),
        )

    def _prices(self, times: Integers, ids: Integers, slow_level: Doubles) -> Integers:
        if not len(times):
            return times
        level = slow_level
        for stream, (period, amplitude) in self._fast:
            level = level + amplitude * wave(stream, times, period)
        # A trade lands up to two ticks beside the level: bid and ask.
        beside = (uniform(self._streams["price"], ids) * 5.0).astype(np.int64) - 2
        ticks: Integers = np.maximum((level * self._start_ticks).astype(np.int64) + beside, 1)
        return ticks

    def _quantities(self, ids: Integers) -> Integers:
        """Most trades are small, a few are large."""
        burst: Doubles = uniform(self._streams["burst"], ids)
        size = uniform(self._streams["quantity"], ids) + 20.0 * burst**8
        lots: Integers = 1 + (size * self._instrument.typical_lots).astype(np.int64)
        return lots

"""One venue put together: its market, its truth, its wire and its limits."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from simulator.amendments import Amendments
from simulator.config import Config, Replay
from simulator.limits import Limiter
from simulator.market.files import RecordedCandle, read_recording
from simulator.market.model import CandleSource, Instrument
from simulator.market.replay import ReplaySource
from simulator.market.seeded import SeededSource
from simulator.market.tape import Tape
from simulator.timeframes import Timeframe
from simulator.truth import Truth
from simulator.venues import VENUES
from simulator.venues.base import Venue

Recordings = dict[Timeframe, Sequence[RecordedCandle]]


class Exchange:
    """A venue in play. Raises KeyError for an unknown venue or replayed timeframe, UnreadableRecording for a file."""

    def __init__(self, name: str, config: Config, market_start_ms: int) -> None:
        kind = VENUES[name]
        recordings = _recordings(kind, [replay for replay in config.replays if replay.venue == name])
        listed = {instrument.symbol: instrument for instrument in kind.instruments}
        listed |= {symbol: _recorded_instrument(symbol, rows) for symbol, rows in recordings.items()}
        sources = {
            symbol: _source(kind, config.seed, instrument, recordings.get(symbol), market_start_ms)
            for symbol, instrument in listed.items()
        }
        self.truth = Truth(sources, Amendments([], [], []))
        self.venue: Venue = kind(self.truth, listed, market_start_ms)
        self.limiter: Limiter = self.venue.limiter(config.limits)


def _source(
    kind: type[Venue], seed: int, instrument: Instrument, recorded: Recordings | None, market_start_ms: int
) -> CandleSource:
    if recorded is not None:
        return ReplaySource(recorded, kind.write_number)
    return SeededSource(Tape(seed, kind.name, instrument), market_start_ms, kind.presenter(instrument))


def _recordings(kind: type[Venue], replays: Sequence[Replay]) -> Mapping[str, Recordings]:
    found: dict[str, Recordings] = defaultdict(dict)
    for replay in replays:
        # A spot venue lists a recorded perpetual (BTC/USDT:USDT) as the pair it is of.
        symbol = replay.symbol.partition(":")[0]
        found[symbol][kind.frame(replay.timeframe)] = read_recording(replay.path)
    return found


def _recorded_instrument(symbol: str, recordings: Recordings) -> Instrument:
    """An instrument as fine as the digits of its recording."""
    base, _, quote = symbol.partition("/")
    rows = [row for recorded in recordings.values() for row in recorded]
    return Instrument(
        base, quote,
        price_scale=max(_places(price) for row in rows for price in row[1:5]),
        lot_scale=max(_places(row.volume) for row in rows),
        start_price=Decimal(rows[0].open), trades_per_minute=1.0, typical_lots=1, is_replayed=True,
    )  # fmt: skip


def _places(number: str) -> int:
    return len(number.partition(".")[2].rstrip("0"))

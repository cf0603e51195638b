import pytest

from simulator.config import Config
from simulator.faults.kinds import Latency, LateRevision, UnknownFault, read_faults
from simulator.simulator import Simulator
from tests.simulator.conftest import NOW_MS


def test_one_or_many() -> None:
    assert read_faults(b'{"kind": "latency", "seconds": 0.5}') == [Latency(seconds=0.5)]
    two = read_faults(b'[{"kind": "html"}, {"kind": "late_revision", "at": "2026-01-01", "changes": {"close": "1"}}]')
    assert isinstance(two[1], LateRevision)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"kind": "earthquake"}', "Invalid value 'earthquake'.*kinds: .*latency"),
        (b"{}", "missing required field `kind`"),
        (b'{"kind": "latency"}', "missing required field `seconds`"),
        (b'{"kind": "latency", "seconds": "long"}', r"got `str` - at `\$.seconds`"),
        (b'{"kind": "latency", "seconds": 1, "probability": 2}', r"<= 1.0 - at `\$.probability`"),
        (b'{"kind": "latency", "seconds": 1, "count": 0}', r">= 1 - at `\$.count`"),
        (b'{"kind": "latency", "seconds": 1, "second": 1}', "unknown field `second`"),
        (b'{"kind": "missing_candles", "start": "soon"}', "soon"),
        (b'{"kind": "malformed_row", "defect": "ugly"}', "ugly"),
        (b"[1]", "Expected `object`"),
        (b"nonsense", "malformed"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, reason: str) -> None:
    with pytest.raises(UnknownFault, match=reason):
        read_faults(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"kind": "html", "venue": "mtgox"}', "unknown venue 'mtgox'; known: binance, okx"),
        (b'{"kind": "html", "venue": "okx", "endpoint": "klines"}', "unknown endpoint 'klines'; known: .*candles"),
        (b'{"kind": "html", "symbol": "BTC/GBP"}', "unknown symbol 'BTC/GBP'"),
        (b'{"kind": "off_grid", "timeframe": "7m"}', "unknown timeframe '7m'"),
        (b'{"kind": "http_418", "venue": "okx"}', "okx does not ban"),
        (b'{"kind": "missing_candles", "for_good": true, "count": 3}', "changes history"),
        (b'{"kind": "late_revision", "at": 1, "probability": 0.5}', "changes history"),
    ],
)
def test_what_means_nothing_to_the_venues_is_refused_and_nothing_is_switched_on(body: bytes, reason: str) -> None:
    simulator = Simulator(Config(clock_start_ms=NOW_MS))
    with pytest.raises(UnknownFault, match=reason):
        simulator.faults.add([*read_faults(b'{"kind": "html"}'), *read_faults(body)])
    assert simulator.faults.active() == []


def test_names_are_turned_into_the_venues_own() -> None:
    simulator = Simulator(Config(clock_start_ms=NOW_MS))
    body = b'{"kind": "off_grid", "venue": "okx", "symbol": "BTC-USDT", "timeframe": "1d"}'
    [added] = simulator.faults.add(read_faults(body))
    assert (added["symbol"], added["timeframe"]) == ("BTC/USDT", "1Dutc")

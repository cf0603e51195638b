from datetime import timedelta
from pathlib import Path

import pytest

from data_agent.core.collection import read_collection
from data_agent.core.errors import ConfigurationError
from data_agent.core.settings import PROJECT_ROOT
from data_agent.core.time import Timeframe

GOOD = """
history: 3d
timeframes: [1m, 1h]
venues:
  binance:
    spot:
      instruments: [BTC/USDT, ETH/USDT]
  okx:
    spot:
      instruments: [BTC/USDT]
      timeframes: [1d]
      history: 2y
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "collection.yaml"
    path.write_text(text)
    return path


def test_what_an_entry_does_not_say_the_file_says(tmp_path: Path) -> None:
    binance, okx = read_collection(write(tmp_path, GOOD)).targets()
    assert binance == ("binance", "spot", ("BTC/USDT", "ETH/USDT"), (Timeframe.M1, Timeframe.H1), timedelta(days=3))
    assert okx == ("okx", "spot", ("BTC/USDT",), (Timeframe.D1,), timedelta(days=730))


@pytest.mark.parametrize(
    ("wrong", "right", "named"),
    [
        ("history: 3 moons", "history: 3d", ["history", "'3 moons'", "12h"]),
        ("history: 0d", "history: 3d", ["history", "greater than"]),
        ("[1m, 7m]", "[1m, 1h]", ["timeframes.1", "'7m'"]),
        ("[BTC/USDT, btc-usdt]", "[BTC/USDT, ETH/USDT]", ["venues.binance.spot.instruments.1", "'btc-usdt'"]),
        ("instruments: []", "instruments: [BTC/USDT]", ["venues.okx.spot.instruments"]),
        ("depth: 2y", "history: 2y", ["venues.okx.spot.depth", "Extra inputs"]),
        ("venues: {", "venues:", ["is not YAML"]),
    ],
)
def test_a_wrong_entry_is_refused_by_name(tmp_path: Path, wrong: str, right: str, named: list[str]) -> None:
    assert right in GOOD
    with pytest.raises(ConfigurationError) as refusal:
        read_collection(write(tmp_path, GOOD.replace(right, wrong)))
    assert all(part in str(refusal.value) for part in [*named, "collection.yaml"]), str(refusal.value)


def test_a_missing_file_says_which_variable_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="COLLECTION_FILE"):
        read_collection(tmp_path / "absent.yaml")


def test_the_file_that_is_delivered_is_right() -> None:
    targets = read_collection(PROJECT_ROOT / "config" / "collection.yaml").targets()
    assert {target.venue for target in targets} == {"binance", "okx"}
    assert all(len(target.symbols) >= 4 and set(target.timeframes) == set(Timeframe) for target in targets)

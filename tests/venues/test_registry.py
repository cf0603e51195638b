from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from data_agent.core.collection import Collection, read_collection
from data_agent.core.errors import ConfigurationError
from data_agent.core.records import Instrument
from data_agent.core.settings import PROJECT_ROOT, Settings
from data_agent.core.time import Timeframe
from data_agent.venues import registry
from data_agent.venues.registry import VENUES, check_collection, check_symbols, open_venue, product_facts


def collection(venue: str = "binance", product: str = "spot") -> Collection:
    return Collection.model_validate(
        {"history": "7d", "timeframes": ["1m", "1d"], "venues": {venue: {product: {"instruments": ["BTC/USDT"]}}}}
    )


def instrument(symbol: str) -> Instrument:
    base, _, quote = symbol.partition("/")
    return Instrument("binance", "spot", base + quote, symbol, base, quote, None, None, True, None)


@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_what_is_known_passes(venue: str) -> None:
    check_collection(collection(venue))


@pytest.mark.parametrize(
    ("venue", "product", "text"),
    [
        ("binanse", "spot", r"unknown venue 'binanse'; did you mean binance\?"),
        ("nothing", "spot", r"unknown venue 'nothing'; did you mean binance, okx\?"),
        ("binance", "spott", r"binance has no product 'spott'; did you mean spot\?"),
    ],
)
def test_what_is_unknown_is_named_with_near_matches(venue: str, product: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        check_collection(collection(venue, product))


def test_every_wrong_entry_is_named() -> None:
    wrong = Collection.model_validate(
        {"history": "1d", "timeframes": ["1m"],
         "venues": {name: {"spot": {"instruments": ["BTC/USDT"]}} for name in ("krakn", "htxx")}}
    )  # fmt: skip
    with pytest.raises(ConfigurationError, match=r"krakn.*htxx"):
        check_collection(wrong)


def test_a_timeframe_the_venue_has_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    intervals = product_facts("okx", "spot").candles.intervals
    monkeypatch.delitem(intervals, Timeframe.D1)
    with pytest.raises(ConfigurationError, match=r"okx\.spot has no 1d candles"):
        check_collection(collection("okx"))


def test_symbols() -> None:
    listed = [instrument(symbol) for symbol in ("BTC/USDT", "ETH/USDT", "DOGE/USDT")]
    assert check_symbols(["ETH/USDT"], listed)["ETH/USDT"].market_id == "ETHUSDT"
    with pytest.raises(ConfigurationError, match=r"binance.spot lists no 'BTC/USDTT'; did you mean .*BTC/USDT.*'X/Y'"):
        check_symbols(["BTC/USDTT", "ETH/USDT", "X/Y"], listed)


async def test_opening_an_unknown_venue_names_it() -> None:
    with pytest.raises(ConfigurationError, match="unknown venue"):
        async with open_venue("kranken", settings=Settings.model_validate({})):
            pass


def test_the_registry_does_not_import_ccxt() -> None:
    program = "import sys, data_agent.venues.registry; sys.exit('ccxt' in sys.modules or 'psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_venue_has_a_class_and_whole_facts() -> None:
    assert registry._CLASSES.keys() == VENUES.keys()
    for venue in VENUES.values():
        for name, facts in venue.products.items():
            assert (facts.venue, facts.product) == (venue.name, name)
            assert facts.connection.host
            assert set(facts.candles.intervals) <= set(Timeframe)
            assert facts.candles.page_size >= 2


@pytest.mark.skipif(not (PROJECT_ROOT / "config/collection.yaml").exists(), reason="no collection file")
def test_the_shipped_collections_are_known() -> None:
    for path in sorted(Path(PROJECT_ROOT / "config").glob("*.yaml")):
        check_collection(read_collection(path))

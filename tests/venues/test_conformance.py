"""Every venue passes the same suite."""

from __future__ import annotations

import pytest

from data_agent.venues import registry
from tests.venues.conformance import VenueConformance


class TestBinance(VenueConformance):
    venue = "binance"
    bans = True
    tells_trade_count = True


class TestOkx(VenueConformance):
    venue = "okx"


class TestBinanceThroughCcxtAlone(VenueConformance):
    """A venue without a parser of ours is read through CCXT's unified rows and keeps the same promises."""

    venue = "binance"
    bans = True
    tells_quote_volume = False
    sees_unreadable_times = False

    @pytest.fixture(autouse=True)
    def without_a_class(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "_CLASSES", {})

"""A collector between a real database and the exchange simulator, whose ledger is the truth."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from data_agent.core.collection import Collection, load_collection
from data_agent.core.settings import Settings, load_settings
from orchestration.collector import Collector
from simulator.testing import RunningSimulator, simulator_thread
from tests.orchestration.support import COLLECTION, NOW, Clock


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    """Both venues, their clock frozen, five days of market behind it."""
    with simulator_thread(clock=NOW.isoformat(), clock_speed=0, history_days=5) as running:
        yield running


@pytest.fixture
def settings(simulator: RunningSimulator, database_url: str, redis_url: str) -> Settings:
    return Settings(
        simulated=True,
        database_url=database_url,
        redis_url=redis_url,
        venue_binance_rest_url=simulator.venue_url("binance"),
        venue_okx_rest_url=simulator.venue_url("okx"),
        venue_timeout_seconds=2,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def new_collector(settings: Settings, clock: Clock) -> Callable[..., Collector]:
    """Makes collectors; each is like a process that begins anew."""

    def create(**changes: Any) -> Collector:
        collection = Collection.model_validate(COLLECTION | changes.pop("collection", {}))
        return Collector(settings, collection=collection, now=clock, **changes)

    return create


@pytest.fixture
def environment(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same settings as environment variables, as a run of Dagster finds them; yields the data directory."""
    collection_file = tmp_path / "collection.yaml"
    collection_file.write_text(json.dumps(COLLECTION))
    monkeypatch.setenv("SIMULATED", "1")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLLECTION_FILE", str(collection_file))
    for name in ("database_url", "redis_url", "venue_binance_rest_url", "venue_okx_rest_url"):
        monkeypatch.setenv(name.upper(), str(getattr(settings, name)))
    load_settings.cache_clear()
    load_collection.cache_clear()
    yield tmp_path / "data"
    load_settings.cache_clear()
    load_collection.cache_clear()

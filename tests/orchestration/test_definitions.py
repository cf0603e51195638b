"""The whole graph loads, and is what it was: a change shows in a plain file.

After a wanted change: UPDATE_SNAPSHOTS=1 pytest tests/orchestration/test_definitions.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from data_agent.core.settings import load_settings

SNAPSHOT = Path(__file__).parent / "snapshots" / "definitions.txt"
VENUES = ("binance", "okx")


# Of a library of dagster-dbt; it says so when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:sqlglotrs is deprecated:DeprecationWarning")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.RepositoryDefinition]:
    """Both locations merged. No server is there: loading them must not need one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(tmp_path_factory.mktemp("data")))
        load_settings.cache_clear()
        from orchestration.definitions import defs

        yield defs.get_repository_def()
    load_settings.cache_clear()


def describe(repository: dg.RepositoryDefinition) -> Iterator[str]:
    graph = repository.asset_graph
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        parents = ", ".join(sorted(parent.to_user_string() for parent in node.parent_keys))
        partitions = " by UTC day" if node.partitions_def else ""
        kinds = "+".join(sorted(kind.removeprefix("dagster/kind/") for kind in node.tags if "/kind/" in kind))
        yield f"asset {key.to_user_string()} [{kinds}]{partitions} <- {parents or 'venue'}"
    for check in sorted(graph.asset_check_keys):
        yield f"check {check.asset_key.to_user_string()}: {check.name}"
    yield from (f"job {name}" for name in sorted(repository.job_names))
    for schedule in sorted(repository.schedule_defs, key=lambda each: each.name):
        yield f"schedule {schedule.name}: {schedule.cron_schedule}, {schedule.default_status.value}"
    for sensor in sorted(repository.sensor_defs, key=lambda each: each.name):
        yield f"sensor {sensor.name}: {sensor.minimum_interval_seconds} s, {sensor.default_status.value}"


def test_the_graph_is_the_one_in_the_snapshot(repository: dg.RepositoryDefinition) -> None:
    found = "\n".join(describe(repository)) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(found)
    assert found == SNAPSHOT.read_text()


def test_every_asset_says_what_it_is_and_whose(repository: dg.RepositoryDefinition) -> None:
    for node in (repository.asset_graph.get(key) for key in repository.asset_graph.get_all_asset_keys()):
        assert node.description, node.key
        assert node.owners, node.key
        assert node.group_name in {"ingest", "models"}, node.key


def test_every_dbt_source_is_written_by_an_asset_of_the_graph(repository: dg.RepositoryDefinition) -> None:
    from orchestration.models.lineage import source_key, writers_of
    from orchestration.models.manifest import load_manifest

    graph = repository.asset_graph
    sources = [source_key(each["source_name"], each["name"]) for each in load_manifest()["sources"].values()]
    assert dg.AssetKey(["raw", "candles"]) in sources
    for source in sources:
        assert source not in graph.get_all_asset_keys(), "sources themselves are no assets"
        for writer in writers_of(source, VENUES):
            assert graph.get(writer).is_materializable, writer


def test_the_marts_come_from_every_venue_through_the_gate(repository: dg.RepositoryDefinition) -> None:
    graph = repository.asset_graph
    above = {dg.AssetKey(["marts", "candles"])}
    while more := {parent for key in above for parent in graph.get(key).parent_keys} - above:
        above |= more
    names = {key.to_user_string() for key in above}
    assert {"binance/candles", "binance/instruments", "okx/candles", "okx/instruments"} <= names
    assert "quality_gate/verdicts" in names


def test_the_ingest_location_is_light() -> None:
    """What a run of the minute imports decides how late its candles are."""
    program = (
        "import sys, orchestration.ingest;"
        "print(*sorted({'ccxt', 'dbt', 'dagster_dbt', 'great_expectations', 'pandas'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == []

"""The models location at work: what the ingest stored is judged and published, and Dagster shows what was found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from data_agent.core.time import utc_now
from orchestration.ingest.assets import build_assets
from orchestration.names import PUBLISH_JOB
from simulator.testing import RunningSimulator
from tests.orchestration.support import DAY, at

pytestmark = [
    pytest.mark.integration,
    pytest.mark.usefixtures("environment"),
    pytest.mark.filterwarnings("ignore:sqlglotrs is deprecated:DeprecationWarning"),
]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def ingest_day(instance: dg.DagsterInstance) -> None:
    instruments, candles = build_assets("binance")
    partition = DAY.start.date().isoformat()
    assert dg.materialize(
        [instruments, candles], selection=[candles], partition_key=partition, instance=instance
    ).success


def publish(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    from orchestration.models import defs

    return defs.resolve_job_def(PUBLISH_JOB).execute_in_process(instance=instance)


def tick(instance: dg.DagsterInstance) -> tuple[int, str]:
    """How many runs the sensor wants, and why not."""
    from orchestration.models import defs

    repository = defs.get_repository_def()
    context = dg.build_sensor_context(instance=instance, repository_def=repository)
    found = repository.get_sensor_def("dirty_slices").evaluate_tick(context)
    return len(found.run_requests or []), str(found.skip_message)


def rows(database_url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_a_poisoned_row_is_withheld_and_every_door_of_dagster_shows_it(
    instance: dg.DagsterInstance, simulator: RunningSimulator, database_url: str, environment: Path
) -> None:
    assert tick(instance) == (0, "nothing changed")
    simulator.faults(
        {"kind": "malformed_row", "venue": "binance", "timeframe": "1m", "defect": "negative_volume",
         "open_times": [at(3).isoformat()]}
    )  # fmt: skip
    ingest_day(instance)
    assert tick(instance)[0] == 1
    result = publish(instance)

    published = rows(database_url, "SELECT timeframe, count(*) FROM marts.candles WHERE origin = 'venue' GROUP BY 1")
    assert dict(published) == {"1m": 1439, "1h": 24}
    assert rows(database_url, "SELECT count(*) FROM ops.dirty_slices") == [(0,)]

    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    broken = checks["volume_not_negative"]
    assert (broken.passed, broken.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert broken.metadata["broken"].value == 1
    assert "/reports/quality/" in str(broken.metadata["this_judgement"].value)
    assert checks["positive_price"].passed

    shown = {
        event.asset_key.to_user_string(): {k: v.value for k, v in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    assert shown["quality_gate/verdicts"]["rows_withheld"] >= 1
    assert shown["marts/candles"]["rounds"] == 1
    assert (environment / "reports" / "dbt" / "index.html").stat().st_size > 100_000
    assert tick(instance) == (0, "nothing changed")


def test_a_publication_without_anything_to_do_says_nothing(instance: dg.DagsterInstance) -> None:
    result = publish(instance)
    assert result.success
    assert result.get_asset_materialization_events() == []


def test_live_minutes_wait_for_their_turn_and_failures_for_a_pause(
    instance: dg.DagsterInstance, database_url: str
) -> None:
    from orchestration.models import defs

    ingest_day(instance)
    job = defs.resolve_job_def(PUBLISH_JOB)
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert "is at work" in tick(instance)[1]
    instance.report_run_failed(run)
    assert "failed" in tick(instance)[1]
    instance.delete_run(run.run_id)
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.SUCCESS)
    assert "the last publication began" in tick(instance)[1]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ops.dirty_slices (series_id, day, version)"
            " SELECT min(series_id), %s::date - n, 1 FROM ref.series, generate_series(1, 100) AS n GROUP BY n",
            [utc_now().date()],
        )
    assert tick(instance)[0] == 1, "a backlog does not wait"

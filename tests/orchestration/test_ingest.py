"""The ingest location at work: real database, real sockets, an instance of Dagster that lives for one test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._core.storage.tags import GRPC_INFO_TAG

from data_agent.core.time import Span, Timeframe, utc_now
from data_agent.storage.postgres import requests
from data_agent.storage.postgres.database import connect
from orchestration.ingest.assets import build_assets
from orchestration.ingest.housekeeping import close_dead_runs, prune
from orchestration.ingest.jobs import ReconcileConfig, RepairConfig, fill_gaps, live_ingest, reconcile, repair
from orchestration.ingest.request_runs import RequestConfig, backfill_request, backfill_requests, work_off_request
from orchestration.ingest.schedules import live_ingest_each_minute
from orchestration.names import BACKFILL_REQUEST, REPAIR_OF
from simulator.testing import RunningSimulator, simulator_thread
from tests.orchestration.support import DAY, at

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("environment")]

INSTRUMENTS, CANDLES = build_assets("binance")
PARTITION = DAY.start.date().isoformat()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def present() -> Iterator[RunningSimulator]:
    """Both venues at the machine's own time, for jobs that are about now."""
    with simulator_thread(history_days=4) as running:
        yield running


@pytest.fixture
def at_present(present: RunningSimulator, environment: Path, monkeypatch: pytest.MonkeyPatch) -> RunningSimulator:
    from data_agent.core.settings import load_settings

    for venue in ("binance", "okx"):
        monkeypatch.setenv(f"VENUE_{venue.upper()}_REST_URL", present.venue_url(venue))
    load_settings.cache_clear()
    return present


def count_candles(database_url: str, venue: str = "binance", timeframe: str = "1m") -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM raw.candles JOIN ref.current_series USING (series_id)"
            " WHERE venue = %s AND timeframe = %s",
            [venue, timeframe],
        ).fetchone()
    assert row is not None
    return int(row[0])


def materialize_day(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize([INSTRUMENTS, CANDLES], selection=[CANDLES], partition_key=PARTITION, instance=instance)


def a_run(instance: dg.DagsterInstance, tags: dict[str, str] | None = None) -> dg.DagsterRun:
    """A run that is at work, as far as the instance knows."""
    return instance.create_run_for_job(live_ingest, tags=tags, status=dg.DagsterRunStatus.STARTED)


def values(metadata: Any) -> dict[str, Any]:
    return {name: each.value for name, each in metadata.items()}


def test_materializing_a_day_makes_it_complete_and_says_so(instance: dg.DagsterInstance, database_url: str) -> None:
    result = materialize_day(instance)
    assert count_candles(database_url) == 1440
    [event] = result.asset_materializations_for_node(CANDLES.op.name)[-1:]
    told = values(event.metadata)
    assert (told["rows_inserted"], told["requests"], told["holes"]) == (1440 + 24, 3, 0)
    assert told["coverage"].endswith("/v1/coverage?exchange=binance")
    assert instance.get_materialized_partitions(CANDLES.key) == {PARTITION}
    assert instance.get_latest_materialization_event(INSTRUMENTS.key), "listed on the way, and shown at its asset"
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT DISTINCT run_id FROM ops.ingests").fetchall() == [(result.run_id,)]


def test_a_range_of_days_is_one_run_by_pages(instance: dg.DagsterInstance, database_url: str) -> None:
    job = dg.Definitions(
        assets=[INSTRUMENTS, CANDLES],
        jobs=[dg.define_asset_job("binance_candles", selection=[CANDLES], executor_def=dg.in_process_executor)],
    ).resolve_job_def("binance_candles")
    days = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]
    result = job.execute_in_process(
        instance=instance,
        tags={"dagster/asset_partition_range_start": days[0], "dagster/asset_partition_range_end": days[-1]},
    )
    assert instance.get_materialized_partitions(CANDLES.key) == set(days)
    told = values(result.asset_materializations_for_node(CANDLES.op.name)[-1].metadata)
    assert told["requests"] == 6 + 1, "5,760 minutes in pages of 1,000, not of days; 96 hours in one"
    assert count_candles(database_url) == 4 * 1440


def test_a_failure_fails_the_run_with_its_reason_and_keeps_the_rest(
    instance: dg.DagsterInstance, simulator: RunningSimulator, database_url: str
) -> None:
    materialize_day(instance)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE raw.candles, ops.coverage")
    simulator.faults({"kind": "reset", "venue": "binance", "endpoint": "ohlcv"})
    result = dg.materialize(
        [INSTRUMENTS, CANDLES], selection=[CANDLES], partition_key=PARTITION, instance=instance, raise_on_error=False
    )
    assert not result.success
    failure = result.failure_data_for_node(CANDLES.op.name)
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "binance BTC/USDT 1m" in str(failure.user_failure_data.description)
    assert "failures" in failure.user_failure_data.metadata


def test_the_live_job_brings_the_last_stretch_and_then_only_what_is_due(
    instance: dg.DagsterInstance, at_present: RunningSimulator, database_url: str
) -> None:
    assert live_ingest.execute_in_process(instance=instance).success
    first = count_candles(database_url)
    assert 119 <= first <= 121
    at_present.forget_requests()
    assert live_ingest.execute_in_process(instance=instance).success
    asked = [row for row in at_present.requests()["requests"] if row["endpoint"] not in {"time", "public/time"}]
    assert sum(row["count"] for row in asked) <= 4, "at most a minute, or an hour, that closed meanwhile"
    assert count_candles(database_url, "okx") >= 119


def test_the_schedule_waits_for_a_run_that_is_at_work(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        context = dg.build_schedule_context(instance=instance)
        assert isinstance(live_ingest_each_minute(context), dg.RunRequest)
        run = a_run(instance)
        assert isinstance(live_ingest_each_minute(context), dg.SkipReason)
        instance.report_run_failed(run)
        assert isinstance(live_ingest_each_minute(context), dg.RunRequest)


def evaluate(instance: dg.DagsterInstance, cursor: str | None = None) -> SensorExecutionData:
    """One tick of the repair sensor, checked by Dagster against the jobs it may launch."""
    from orchestration.ingest import defs

    repository = defs.get_repository_def()
    context = dg.build_sensor_context(instance=instance, cursor=cursor, repository_def=repository)
    return repository.get_sensor_def("gap_repair").evaluate_tick(context)


def test_an_empty_store_is_filled_by_one_run_a_venue(instance: dg.DagsterInstance) -> None:
    requested = evaluate(instance).run_requests or []
    assert [request.job_name for request in requested] == ["binance_candles", "okx_candles"]
    today = utc_now().date()
    for request in requested:
        assert request.tags["dagster/asset_partition_range_end"] >= (today - timedelta(days=1)).isoformat()
        assert request.tags["dagster/asset_partition_range_start"] == (today - timedelta(days=2)).isoformat()


def test_a_run_at_work_is_waited_for_and_a_failed_one_paused_after(instance: dg.DagsterInstance) -> None:
    run = a_run(instance, {REPAIR_OF: "binance"})
    assert [request.job_name for request in evaluate(instance).run_requests or []] == ["okx_candles"]
    instance.report_run_failed(run)
    after = evaluate(instance)
    assert [request.job_name for request in after.run_requests or []] == ["okx_candles"]
    assert json.loads(str(after.cursor))["binance"] == {"run_id": run.run_id, "count_failed": 1}


def test_a_ban_is_waited_out_and_said(instance: dg.DagsterInstance, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for venue in ("binance", "okx"):
            connection.execute(
                "INSERT INTO ops.bans (venue, scope, until, reason) VALUES (%s, %s, now() + interval '1 hour', 'test')",
                [venue, f"{venue}.example/ip"],
            )
    result = evaluate(instance)
    assert not result.run_requests
    assert "binance: banned until" in str(result.skip_message)


def test_scattered_holes_are_found_behind_newer_candles_and_repaired(
    instance: dg.DagsterInstance, at_present: RunningSimulator, database_url: str
) -> None:
    """Everything is there up to the present; three minutes on two days are taken away behind its back."""
    config = dg.RunConfig(ops={fill_gaps.name: RepairConfig(venue="binance")})
    assert repair.execute_in_process(instance=instance, run_config=config).success
    assert "binance: nothing is missing" in _all_reasons(instance)
    before = count_candles(database_url)
    today = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    for hole in (Span(today - timedelta(hours=30), today - timedelta(hours=30) + timedelta(minutes=2)),
                 Span(today - timedelta(hours=3), today - timedelta(hours=3) + timedelta(minutes=1))):  # fmt: skip
        _forget(database_url, hole)
    assert count_candles(database_url) == before - 3
    assert repair.execute_in_process(instance=instance, run_config=config).success
    assert count_candles(database_url) == before


def _all_reasons(instance: dg.DagsterInstance) -> str:
    run = a_run(instance, {REPAIR_OF: "okx"})
    reason = str(evaluate(instance).skip_message)
    instance.delete_run(run.run_id)
    return reason


def _forget(database_url: str, hole: Span) -> None:
    """Take candles away, and the knowledge of them."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "DELETE FROM raw.candles USING ref.current_series AS series WHERE candles.series_id = series.series_id"
            " AND series.venue = 'binance' AND timeframe = '1m' AND open_time >= %s AND open_time < %s",
            hole,
        )
        connection.execute(
            "WITH cut AS (DELETE FROM ops.coverage USING ref.current_series AS series"
            " WHERE coverage.series_id = series.series_id AND venue = 'binance' AND timeframe = '1m'"
            " AND span && tstzrange(%(start)s, %(end)s) RETURNING coverage.*)"
            " INSERT INTO ops.coverage (series_id, span, status, cause, attempts, retry_at, evidence, ingest_id)"
            " SELECT series_id, rest, status, cause, attempts, retry_at, evidence, ingest_id FROM cut,"
            " unnest(tstzmultirange(span) - tstzmultirange(tstzrange(%(start)s, %(end)s))) AS rest",
            {"start": hole.start, "end": hole.end},
        )


def test_reading_again_finds_what_the_venue_corrected(
    instance: dg.DagsterInstance, at_present: RunningSimulator, database_url: str
) -> None:
    assert live_ingest.execute_in_process(instance=instance).success
    corrected = utc_now().replace(second=0, microsecond=0) - timedelta(minutes=30)
    at_present.faults(
        {"kind": "late_revision", "venue": "binance", "timeframe": "1m", "open_times": [corrected.isoformat()],
         "at": (utc_now() - timedelta(minutes=1)).isoformat()}
    )  # fmt: skip
    config = dg.RunConfig(ops={"read_again": ReconcileConfig(days=1)})
    assert reconcile.execute_in_process(instance=instance, run_config=config).success
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT open_time FROM raw.candles_revisions").fetchall() == [(corrected,)]


def queue(database_url: str, **changes: Any) -> requests.BackfillRequest:
    wanted: dict[str, Any] = {
        "venue": "binance", "symbols": ["ETH/USDT"], "timeframes": [Timeframe.H1], "span": DAY,
        "count_expected": 24, "requested_by": "test",
    }  # fmt: skip
    with connect(database_url) as connection:
        return requests.create(connection, **(wanted | changes))


def read(database_url: str, request: requests.BackfillRequest) -> requests.BackfillRequest:
    with connect(database_url) as connection:
        return requests.read(connection, request.request_id)


def work_off(instance: dg.DagsterInstance, request: requests.BackfillRequest) -> dg.ExecuteInProcessResult:
    config = dg.RunConfig(ops={work_off_request.name: RequestConfig(request_id=request.request_id)})
    return backfill_request.execute_in_process(instance=instance, run_config=config, raise_on_error=False)


def test_a_request_is_worked_off_even_for_what_is_not_collected(
    instance: dg.DagsterInstance, database_url: str
) -> None:
    request = queue(database_url)
    assert work_off(instance, request).success
    done = read(database_url, request)
    assert (done.status, done.count_done, done.count_requests, done.error) == ("done", 24, 1, None)


def test_a_request_that_cannot_be_is_failed_with_the_reason(instance: dg.DagsterInstance, database_url: str) -> None:
    request = queue(database_url, symbols=["BTC/USDX"])
    assert not work_off(instance, request).success
    failed = read(database_url, request)
    assert failed.status == "failed"
    assert "did you mean" in str(failed.error)


def test_a_cancelled_request_is_left_alone(instance: dg.DagsterInstance, database_url: str) -> None:
    request = queue(database_url)
    with connect(database_url) as connection:
        requests.cancel(connection, request.request_id)
    assert work_off(instance, request).success
    assert read(database_url, request).status == "cancelled"
    assert count_candles(database_url, timeframe="1h") == 0


def test_the_sensor_starts_one_run_a_request_and_another_after_a_run_that_died(
    instance: dg.DagsterInstance, database_url: str
) -> None:
    request = queue(database_url)

    def requested() -> list[str]:
        found = backfill_requests.evaluate_tick(dg.build_sensor_context(instance=instance)).run_requests or []
        return [str(each.run_key) for each in found]

    name = f"backfill-request-{request.request_id}"
    assert requested() == [f"{name}-0"]
    tags = {BACKFILL_REQUEST: str(request.request_id)}
    run = a_run(instance, tags)
    with connect(database_url) as connection:
        requests.claim(connection, request.request_id, run_id=run.run_id)
    assert requested() == []
    instance.report_run_failed(run, "killed")
    assert requested() == [f"{name}-1"]
    for _ in range(4):
        instance.report_run_failed(a_run(instance, tags))
    assert requested() == []
    assert read(database_url, request).status == "failed"


def test_a_run_whose_process_is_gone_is_closed_and_a_living_one_is_not(instance: dg.DagsterInstance) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    runs = {
        pid: instance.create_run_for_job(
            live_ingest, status=dg.DagsterRunStatus.STARTED, tags={GRPC_INFO_TAG: json.dumps({"host": host})}
        )
        for pid, host in ((gone.pid, "127.0.0.1"), (os.getpid(), "127.0.0.1"), (gone.pid + 1_000_000, "elsewhere"))
    }
    for pid, run in runs.items():
        instance.report_engine_event("begun", run, dg._core.events.EngineEventData({"pid": str(pid)}))
    assert close_dead_runs(instance) == [runs[gone.pid].run_id]
    status = {pid: instance.get_run_by_id(run.run_id) for pid, run in runs.items()}
    assert [str(run and run.status.value) for run in status.values()] == ["FAILURE", "STARTED", "STARTED"]


def test_old_runs_are_deleted_and_partitions_stay_materialized(instance: dg.DagsterInstance, database_url: str) -> None:
    live = instance.create_run_for_job(live_ingest, status=dg.DagsterRunStatus.SUCCESS)
    materialize_day(instance)
    assert prune(instance, "live_ingest", utc_now() - timedelta(hours=1), 100) == 0
    assert prune(instance, "live_ingest", utc_now() + timedelta(hours=1), 100) == 1
    assert instance.get_run_by_id(live.run_id) is None
    assert instance.get_materialized_partitions(CANDLES.key) == {PARTITION}


def test_the_day_of_the_tests_has_ended() -> None:
    """DAY is one of the simulator's frozen days; were it in the future, nothing of it would be closed."""
    assert at(24) == DAY.end < datetime.now(DAY.end.tzinfo)

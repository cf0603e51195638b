"""The command as a user calls it: a process of its own, off a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_agent.cli.processes import find_processes
from data_agent.core.settings import PROJECT_ROOT
from tests.cli.support import COMMAND, clean_environment, free_ports

pytestmark = pytest.mark.integration


def call(*arguments: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    api_port, dagster_port = free_ports(2)
    settings = {"DATA_DIR": str(directory), "API_PORT": str(api_port), "DAGSTER_PORT": str(dagster_port)}
    return subprocess.run(
        [str(COMMAND), *arguments],
        env=clean_environment(**settings | environment), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_help_comes_in_a_fraction_of_a_second(tmp_path: Path) -> None:
    took = []
    for _ in range(3):
        begun = time.monotonic()
        done = call("--help", directory=tmp_path)
        took.append(time.monotonic() - begun)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert min(took) < 1.0


def test_starting_imports_nothing_heavy() -> None:
    heavy = {"ccxt", "dagster", "dbt", "pandas", "psycopg", "pydantic", "rich.table", "httpx"}
    program = f"import sys, data_agent.cli.main; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("venues: {binanec: {spot: {instruments: [BTC/USDT]}}}", "unknown venue 'binanec'; did you mean binance?"),
        ("venues: {okx: {spto: {instruments: [BTC/USDT]}}}", "okx has no product 'spto'; did you mean spot?"),
        ("venues: {okx: {spot: {instruments: [btc-usdt]}}}", "venues.okx.spot.instruments.0"),
        ("venues: {okx: {spot: {instruments: [BTC/USDT], timeframes: [7m]}}}", "venues.okx.spot.timeframes.0"),
        ("venues: {okx: {spot: {instruments: [BTC/USDT], histroy: 3d}}}", "venues.okx.spot.histroy"),
    ],
)
def test_a_wrong_entry_is_refused_by_name_before_anything_starts(tmp_path: Path, wrong: str, named: str) -> None:
    file = tmp_path / "collection.yaml"
    file.write_text(f"history: 3d\ntimeframes: [1m]\n{wrong}\n")
    done = call("up", "--simulated", directory=tmp_path / "data", COLLECTION_FILE=str(file))
    assert done.returncode == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_wrong_setting_is_refused_by_name(tmp_path: Path) -> None:
    done = call("up", directory=tmp_path / "data", API_PORT="eight thousand")
    assert done.returncode == 1
    assert "API_PORT" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_an_error_is_json_where_json_was_asked_for(tmp_path: Path) -> None:
    done = call("coverage", "--json", directory=tmp_path / "data")
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["type"] == "EnvironmentFault"
    assert "data-agent up" in error["message"]


def test_down_where_nothing_runs_is_no_failure(tmp_path: Path) -> None:
    done = call("down", "--json", directory=tmp_path / "data")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {str(tmp_path / "data"): {"stopped": [], "leftovers": []}}


def test_an_unknown_command_is_a_usage_error(tmp_path: Path) -> None:
    assert call("strat", directory=tmp_path).returncode == 2


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    [nobody] = free_ports(1)
    url = f"postgresql://user:hunter2@127.0.0.1:{nobody}/prices"
    done = call("up", "--simulated", directory=tmp_path / "data", DATABASE_URL=url)
    assert done.returncode == 1
    assert "PostgreSQL does not answer" in done.stderr
    assert "hunter2" not in done.stderr
    assert find_processes(tmp_path / "data") == []


def test_doctor_lists_every_finding_and_fails_when_one_is_bad(tmp_path: Path) -> None:
    done = call("doctor", "--simulated", "--json", directory=tmp_path / "data", COLLECTION_FILE="/nowhere.yaml")
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert not findings["collection file"]["is_well"]
    assert "set COLLECTION_FILE" in findings["collection file"]["text"]
    assert findings["ports"]["is_well"]
    assert findings["tools"]["is_well"]


def test_the_project_is_found_from_any_directory(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(COMMAND), "doctor", "--simulated", "--json"],
        cwd=tmp_path, env=clean_environment(DATA_DIR=str(tmp_path)), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert str(PROJECT_ROOT / "config" / "collection.yaml") in done.stdout

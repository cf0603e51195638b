from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from data_agent.cli.deployment import Deployment
from data_agent.cli.programs import Stage, build_programs, workspace_file, write_dagster_home
from data_agent.cli.state import Ports, State, read_state, write_state
from data_agent.core.errors import ConfigurationError, EnvironmentFault
from data_agent.core.settings import PROJECT_ROOT
from tests.cli.support import make_settings

SECRET = "hunter2"


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    state = State(
        is_simulated=True,
        ports=Ports(api=8000, dagster=3000, postgres=1, valkey=2, simulator=3, ingest=4, models=5),
        api_host="0.0.0.0",
        has_own_postgres=True,
        has_own_valkey=True,
        collection_file="collection.yaml",
        market_start="2026-01-01",
        simulator_options="--replay 'binance:BTC/USDT:1m=a week.csv'",
    )
    return Deployment(make_settings(tmp_path, api_port=8000, dagster_port=3000), tmp_path, state)


def real(deployment: Deployment, **changes: object) -> Deployment:
    settings = deployment.settings.model_copy(update={"simulated": False, **changes})
    state = State(**{**_fields(deployment.state), "is_simulated": False, **_servers(changes)})
    return dataclasses.replace(deployment, settings=settings, state=state)


def _fields(state: State) -> dict[str, object]:
    return {name: getattr(state, name) for name in State.__struct_fields__}


def _servers(changes: dict[str, object]) -> dict[str, object]:
    return {"has_own_postgres": "database_url" not in changes, "has_own_valkey": "redis_url" not in changes}


def test_servers_come_before_what_uses_them(deployment: Deployment) -> None:
    programs = build_programs(deployment)
    assert [program.name for program in programs if program.stage is Stage.SERVERS] == [
        "postgres", "valkey", "simulator"
    ]  # fmt: skip
    assert [program.name for program in programs if program.stage is Stage.SERVICES] == [
        "ingest", "models", "daemon", "webserver", "api"
    ]  # fmt: skip


def test_only_simulated_deployments_have_a_simulator(deployment: Deployment) -> None:
    assert "simulator" not in {program.name for program in build_programs(real(deployment))}


def test_external_servers_replace_ours_and_their_urls_stay_out_of_command_lines(deployment: Deployment) -> None:
    external = real(
        deployment,
        database_url=f"postgres://user:{SECRET}@db.example/prices?sslmode=require",
        redis_url=f"redis://:{SECRET}@cache.example/0",
    )
    programs = build_programs(external)
    assert not {"postgres", "valkey"} & {program.name for program in programs}
    assert not [program for program in programs if SECRET in " ".join(program.command)]
    environment = external.environment()
    assert environment["DATABASE_URL"] == f"postgresql://user:{SECRET}@db.example/prices?sslmode=require"
    assert environment["DAGSTER_DATABASE_URL"].endswith("/prices?sslmode=require&options=-csearch_path%3Ddagster")


def test_an_external_server_must_be_named_again(deployment: Deployment) -> None:
    state = State(**{**_fields(deployment.state), "has_own_postgres": False})
    with pytest.raises(ConfigurationError, match="set DATABASE_URL as it was set"):
        _ = dataclasses.replace(deployment, state=state).database_url


def test_simulated_programs_reach_the_simulator_unless_told_otherwise(deployment: Deployment) -> None:
    assert deployment.environment()["VENUE_OKX_REST_URL"] == "http://127.0.0.1:3/okx"
    other = deployment.settings.model_copy(update={"venue_okx_rest_url": "http://127.0.0.1:9/x"})
    environment = dataclasses.replace(deployment, settings=other).environment()
    assert environment["VENUE_OKX_REST_URL"] == "http://127.0.0.1:9/x"
    assert environment["VENUE_BINANCE_REST_URL"] == "http://127.0.0.1:3/binance"


def test_options_reach_the_simulator_as_a_shell_would_read_them(deployment: Deployment) -> None:
    [simulator] = [program for program in build_programs(deployment) if program.name == "simulator"]
    assert simulator.command[-2:] == ("--replay", "binance:BTC/USDT:1m=a week.csv")


def test_an_api_on_all_addresses_is_reached_on_loopback(deployment: Deployment) -> None:
    assert deployment.api_url == "http://127.0.0.1:8000"


def test_the_workspace_names_our_servers_and_the_kind_of_data(deployment: Deployment) -> None:
    write_dagster_home(deployment)
    servers = [
        entry["grpc_server"] for entry in yaml.safe_load(workspace_file(deployment.directory).read_text())["load_from"]
    ]
    assert [(server["location_name"], server["port"]) for server in servers] == [
        ("ingest-simulated", 4), ("models-simulated", 5)
    ]  # fmt: skip
    write_dagster_home(real(deployment))
    assert "simulated" not in workspace_file(deployment.directory).read_text()


def test_dagster_accepts_its_configuration(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster._core.instance.config import dagster_instance_config

    write_dagster_home(deployment)
    monkeypatch.setenv("DAGSTER_DATABASE_URL", "postgresql://localhost/x")
    configuration, _ = dagster_instance_config(str(deployment.directory / "dagster"))
    assert configuration["telemetry"] == {"enabled": False}


def test_the_workspace_for_development_names_the_same_locations(deployment: Deployment) -> None:
    modules = [
        entry["python_module"] for entry in yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text())["load_from"]
    ]
    commands = {program.name: program.command for program in build_programs(deployment)}
    for module in modules:
        assert module["module_name"] in commands[module["location_name"]]


def test_state_is_read_as_it_was_written(deployment: Deployment) -> None:
    assert read_state(deployment.directory) is None
    write_state(deployment.directory, deployment.state)
    assert read_state(deployment.directory) == deployment.state


def test_broken_state_is_told_with_what_to_do(deployment: Deployment) -> None:
    (deployment.directory / "deployment.json").write_text("{")
    with pytest.raises(EnvironmentFault, match=r"deployment\.json cannot be read .*; remove it, and run data-agent up"):
        read_state(deployment.directory)

"""The programs of a deployment, as data: what is started, in which stage, and how one sees that it is ready."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from pathlib import Path

from data_agent.cli import probes
from data_agent.cli.deployment import Deployment
from data_agent.core.settings import PROJECT_ROOT
from data_agent.storage.postgres.embedded import EmbeddedPostgres


class Stage(IntEnum):
    """Programs of a later stage start when the earlier ones are ready, and stop before them."""

    SERVERS = 1
    SERVICES = 2


@dataclass(frozen=True, kw_only=True)
class Program:
    """One supervised program.

    Attributes:
        title: what it is, for people.
        command: without secrets: everybody on the machine can read it.
        probe: given when its process started (seconds since 1970), whether it does its work; raises nothing.
        ready_seconds: how long it may take until the probe says yes.
        stop_seconds: how long it may take to stop before it is killed.
        is_stopped_as_group: whether its children get the stop signal as well.
    """

    name: str
    title: str
    stage: Stage
    command: tuple[str, ...]
    probe: Callable[[int], bool]
    ready_seconds: int = 60
    stop_signal: str = "TERM"
    stop_seconds: int = 15
    is_stopped_as_group: bool = False


def build_programs(deployment: Deployment) -> list[Program]:
    """Every program this deployment needs, in the order in which they are started."""
    return [*_servers(deployment), *_dagster(deployment), _api(deployment)]


def _servers(deployment: Deployment) -> list[Program]:
    ports = deployment.state.ports
    programs = []
    if deployment.state.has_own_postgres:
        server = deployment.embedded_postgres()
        programs.append(_postgres(server))
    if deployment.state.has_own_valkey:
        # Imported late: a deployment with an external server does not need the package.
        from data_agent.storage.redis.embedded import EmbeddedValkey

        valkey = EmbeddedValkey(deployment.directory / "valkey", ports.valkey)
        programs.append(
            Program(
                name="valkey",
                title="Valkey: limits and bans shared by all processes",
                stage=Stage.SERVERS,
                command=tuple(valkey.command()),
                probe=probes.ignoring_start(partial(probes.valkey_answers, valkey.url)),
            )
        )
    if deployment.state.is_simulated:
        programs.append(
            Program(
                name="simulator",
                title="exchange simulator",
                stage=Stage.SERVERS,
                command=(
                    sys.executable, "-m", "simulator", "--port", str(ports.simulator),
                    "--market-start", deployment.state.market_start,
                    *shlex.split(deployment.state.simulator_options),
                ),
                probe=probes.ignoring_start(
                    partial(probes.answers_http, f"{deployment.simulator_url}/_health")
                ),
            )
        )  # fmt: skip
    return programs


def _postgres(server: EmbeddedPostgres) -> Program:
    return Program(
        name="postgres",
        title="PostgreSQL",
        stage=Stage.SERVERS,
        command=tuple(server.command()),
        probe=probes.ignoring_start(partial(probes.postgres_lets_in, server.url("postgres"))),
        stop_signal="INT",  # SIGTERM would wait for its clients
        stop_seconds=30,
    )


def _dagster(deployment: Deployment) -> list[Program]:
    ports = deployment.state.ports
    workspace = str(workspace_file(deployment.directory))
    locations = [
        Program(
            name=name,
            title=f"Dagster code location {name}",
            stage=Stage.SERVICES,
            command=(
                *_tool("dagster"), "api", "grpc", "--host", "127.0.0.1", "--port", str(port),
                "--module-name", module, "--location-name", location_name(deployment, name), "--log-format", "json",
            ),
            probe=probes.ignoring_start(partial(probes.port_accepts, port)),
            ready_seconds=180,
            # It waits for the runs it started; they are told to stop as well.
            stop_seconds=30,
            is_stopped_as_group=True,
        )
        for name, module, port in (
            ("ingest", "orchestration.ingest", ports.ingest),
            ("models", "orchestration.models", ports.models),
        )
    ]  # fmt: skip
    daemon = Program(
        name="daemon",
        title="Dagster daemon: schedules, sensors, the run queue",
        stage=Stage.SERVICES,
        command=(*_tool("dagster-daemon"), "run", "--workspace", workspace, "--log-format", "json"),
        probe=partial(probes.daemon_beats, deployment.dagster_database_url),
        ready_seconds=90,
    )
    webserver = Program(
        name="webserver",
        title="Dagster UI",
        stage=Stage.SERVICES,
        command=(
            *_tool("dagster-webserver"), "--host", "127.0.0.1", "--port", str(ports.dagster),
            "--workspace", workspace, "--log-format", "json",
        ),
        probe=probes.ignoring_start(partial(probes.answers_http, f"{deployment.dagster_url}/server_info")),
        ready_seconds=90,
    )  # fmt: skip
    return [*locations, daemon, webserver]


def _api(deployment: Deployment) -> Program:
    return Program(
        name="api",
        title="API",
        stage=Stage.SERVICES,
        command=(sys.executable, "-m", "api"),
        probe=probes.ignoring_start(partial(probes.answers_http, f"{deployment.api_url}/readyz")),
    )


def _tool(name: str) -> tuple[str, ...]:
    # Beside our own interpreter, whatever PATH says; through the interpreter, because a script's first line
    # cannot hold a long path.
    return (sys.executable, str(Path(sys.executable).parent / name))


def location_name(deployment: Deployment, name: str) -> str:
    """A code location's name in the Dagster UI, which shows it on its pages: there too, simulated data say so."""
    return f"{name}-simulated" if deployment.state.is_simulated else name


def workspace_file(directory: Path) -> Path:
    """Where Dagster reads which code servers there are."""
    return directory / "dagster" / "workspace.yaml"


def write_dagster_home(deployment: Deployment) -> None:
    """Fill DAGSTER_HOME: the instance's configuration as the repository has it, and the workspace with our ports."""
    home = deployment.directory / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_bytes((PROJECT_ROOT / "dagster.yaml").read_bytes())
    ports = deployment.state.ports
    entries = "".join(
        f"  - grpc_server: {{host: 127.0.0.1, port: {port}, location_name: {location_name(deployment, name)}}}\n"
        for name, port in (("ingest", ports.ingest), ("models", ports.models))
    )
    workspace_file(deployment.directory).write_text(f"load_from:\n{entries}")

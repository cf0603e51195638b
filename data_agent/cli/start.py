"""`data-agent up`: everything of a deployment, in order, or nothing."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from data_agent.cli import databases, preflight
from data_agent.cli.deployment import Deployment, open_deployment
from data_agent.cli.output import duration_text
from data_agent.cli.programs import Program, Stage, build_programs, write_dagster_home
from data_agent.cli.readiness import await_ready
from data_agent.cli.state import write_state
from data_agent.cli.stop import stop
from data_agent.cli.supervisor import Supervisor, log_file, render
from data_agent.core.errors import EnvironmentFault
from data_agent.core.settings import PROJECT_ROOT, Settings

_SUPERVISOR_SECONDS: Final = 15

Say = Callable[[str], None]
Build = Callable[[Deployment], list[Program]]


def ensure_up(
    settings: Settings, say: Say, *, simulator_options: str = "", build: Build = build_programs
) -> tuple[Deployment, bool]:
    """Start what does not run yet. If anything cannot be started, everything this call started is stopped again.

    Returns:
        The deployment, and whether it was this call that started it (false: it ran already).

    Raises:
        DataAgentError: what was wrong, where, and what to do.
    """
    preflight.check_kind(settings)
    preflight.check_collection_file(settings)
    with only_one_at_a_time(settings.data_directory):
        if Supervisor(settings.data_directory).is_running():
            return _heal(settings, say, build), False
        return _start(settings, say, simulator_options, build), True


def _start(settings: Settings, say: Say, simulator_options: str, build: Build) -> Deployment:
    directory = settings.data_directory
    preflight.check_tools(settings)
    preflight.check_disk(directory)
    for leftover in stop(directory).leftovers:
        say(f"ended {leftover}, left over from an unclean end")
    preflight.check_ports(settings)
    preflight.check_external_servers(settings)
    deployment = Deployment(settings, directory, preflight.decide(settings, simulator_options))
    write_state(directory, deployment.state)
    try:
        if deployment.state.has_own_postgres:
            deployment.embedded_postgres().initialise()
        programs = build(deployment)
        _spawn_supervisor(deployment, programs)
        _start_programs(deployment, programs, say)
    except BaseException:
        say("stopping what was started")
        stop(directory)
        raise
    return deployment


def _heal(settings: Settings, say: Say, build: Build) -> Deployment:
    """It runs already: start again what was given up or stopped, and change nothing else."""
    deployment = open_deployment(settings)
    _refuse_other_settings(deployment)
    programs = build(deployment)
    supervisor = Supervisor(deployment.directory)
    for stage in Stage:
        _start_stage(
            supervisor, [program for program in programs if program.stage is stage], deployment, lambda _: None
        )
    say(f"already runs in {deployment.directory}")
    return deployment


def _refuse_other_settings(deployment: Deployment) -> None:
    state, settings = deployment.state, deployment.settings
    for name, running, asked in (
        ("API_PORT", state.ports.api, settings.api_port),
        ("API_HOST", state.api_host, settings.api_host),
        ("DAGSTER_PORT", state.ports.dagster, settings.dagster_port),
        ("COLLECTION_FILE", state.collection_file, str(settings.collection_file.resolve())),
    ):
        if running != asked:
            raise EnvironmentFault(
                f"it already runs with {name}={running}, not {asked}: run data-agent down before data-agent up"
            )


def _start_programs(deployment: Deployment, programs: Sequence[Program], say: Say) -> None:
    supervisor = Supervisor(deployment.directory)
    stages = {stage: [program for program in programs if program.stage is stage] for stage in Stage}
    _start_stage(supervisor, stages[Stage.SERVERS], deployment, say)
    started_at = time.monotonic()
    databases.prepare_databases(deployment)
    if done := databases.prepare_dagster_store(deployment):
        say(done)
    say(f"database ready ({duration_text(time.monotonic() - started_at)})")
    _start_stage(supervisor, stages[Stage.SERVICES], deployment, say)


def _start_stage(supervisor: Supervisor, programs: Sequence[Program], deployment: Deployment, say: Say) -> None:
    children = supervisor.children()
    for program in programs:
        supervisor.start(children[program.name])
    await_ready(supervisor, programs, deployment.directory, say)


def _spawn_supervisor(deployment: Deployment, programs: Sequence[Program]) -> None:
    directory = deployment.directory
    (directory / "logs").mkdir(exist_ok=True)
    write_dagster_home(deployment)
    configuration = directory / "supervisord.conf"
    configuration.write_text(render(programs, directory=directory, working_directory=PROJECT_ROOT))
    supervisor = Supervisor(directory)
    supervisor.socket.parent.mkdir(mode=0o700, exist_ok=True)
    log = log_file(directory, "supervisord.out")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(configuration)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=PROJECT_ROOT,
            env=deployment.environment(), start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + _SUPERVISOR_SECONDS
    while not supervisor.is_running():
        if process.poll() is not None or time.monotonic() > deadline:
            raise EnvironmentFault(f"the supervisor does not start: {log.read_text().strip() or 'no answer'}")
        time.sleep(0.05)
    # It is meant to outlive us; without this Python warns that it does.
    process.returncode = 0


@contextmanager
def only_one_at_a_time(directory: Path) -> Iterator[None]:
    """Hold the directory's lock; a second holder is refused at once."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EnvironmentFault(f"another data-agent up is at work in {directory}: wait for it") from None
        yield

"""`up` and `down` on real processes: what dies comes back, what is stopped is gone, what fails leaves nothing."""

from __future__ import annotations

import http.server
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from data_agent.cli import start
from data_agent.cli.deployment import Deployment
from data_agent.cli.processes import end_processes, find_processes
from data_agent.cli.programs import Program
from data_agent.cli.state import read_state
from data_agent.cli.stop import stop
from data_agent.cli.supervisor import Supervisor, socket_path
from data_agent.core.errors import ConfigurationError, EnvironmentFault
from data_agent.core.settings import Settings
from tests.cli.support import make_settings, script, servers_and_two_programs, wait_until

pytestmark = pytest.mark.integration


def silence(_line: str) -> None:
    pass


def is_ready(deployment: Deployment, name: str) -> bool:
    [program] = [program for program in servers_and_two_programs(deployment) if program.name == name]
    child = Supervisor(deployment.directory).children()[name]
    return bool(child.pid) and program.probe(child.started_at)


@pytest.mark.parametrize("name", ["postgres", "valkey", "first"])
def test_a_killed_program_is_back_within_seconds(running: Deployment, name: str) -> None:
    before = Supervisor(running.directory).children()[name].pid
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: Supervisor(running.directory).children()[name].pid not in {0, before}, 30)
    wait_until(lambda: is_ready(running, name), 30)


def test_up_again_changes_nothing(running: Deployment) -> None:
    pids = {child.name: child.pid for child in Supervisor(running.directory).children().values()}
    said: list[str] = []
    _, is_ours = start.ensure_up(running.settings, said.append, build=servers_and_two_programs)
    assert not is_ours
    assert said == [f"already runs in {running.directory}"]
    assert {child.name: child.pid for child in Supervisor(running.directory).children().values()} == pids


def test_up_again_with_another_port_is_refused(running: Deployment) -> None:
    other = running.settings.model_copy(update={"api_port": running.state.ports.api + 1})
    with pytest.raises(EnvironmentFault, match=r"already runs with API_PORT=\d+, not \d+: run data-agent down"):
        start.ensure_up(other, silence, build=servers_and_two_programs)


def test_simulated_and_real_data_never_share_a_directory(running: Deployment) -> None:
    real = running.settings.model_copy(update={"simulated": False})
    with pytest.raises(ConfigurationError, match="holds simulated data and must not receive real data"):
        start.ensure_up(real, silence, build=servers_and_two_programs)


def test_the_database_is_marked_and_migrated(running: Deployment) -> None:
    with psycopg.connect(running.database_url) as connection:
        assert connection.execute("SELECT is_simulated FROM ops.deployment").fetchone() == (True,)


def test_nothing_survives_the_supervisor_and_up_starts_again(running: Deployment) -> None:
    """What a kill -9, the kernel out of memory or a power cut leaves: a socket, pid files, a lock file, data."""
    with psycopg.connect(running.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.survives (value int)")
    os.kill(Supervisor(running.directory).pid(), signal.SIGKILL)
    wait_until(lambda: not find_processes(running.directory), 30)
    # The lock file of a server that was killed, naming a process that lives: after a restart ids are given anew.
    (running.directory / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n/nowhere\n1\n1\n\n\n")
    assert socket_path(running.directory).exists()
    deployment, is_ours = start.ensure_up(running.settings, silence, build=servers_and_two_programs)
    assert is_ours
    assert deployment.state.ports == running.state.ports
    with psycopg.connect(deployment.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM public.survives").fetchone() == (0,)


def test_down_leaves_no_process(settings: Settings) -> None:
    start.ensure_up(settings, silence, build=servers_and_two_programs)
    begun = time.monotonic()
    stopped = stop(settings.data_directory)
    assert time.monotonic() - begun < 20
    assert sorted(stopped.programs) == ["first", "postgres", "second", "valkey"]
    assert stopped.leftovers == []
    assert find_processes(settings.data_directory) == []
    assert stop(settings.data_directory) == ([], [])


def test_down_ends_what_nobody_supervises(settings: Settings) -> None:
    deployment, _ = start.ensure_up(settings, silence, build=servers_and_two_programs)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", stubborn], env=deployment.environment()) as process:
        os.kill(Supervisor(settings.data_directory).pid(), signal.SIGKILL)
        wait_until(lambda: find_processes(settings.data_directory) == [psutil.Process(process.pid)])
        leftovers = stop(settings.data_directory, patience_seconds=1).leftovers
        assert len(leftovers) == 1
        assert f"(pid {process.pid})" in leftovers[0]
    assert find_processes(settings.data_directory) == []


def test_a_program_that_keeps_dying_stops_everything_and_shows_its_last_words(settings: Settings) -> None:
    dying = script(
        "dying", "print('connecting to http://user:hunter2@host'); raise SystemExit('no such table: prices')"
    )
    with pytest.raises(EnvironmentFault, match="dying keeps dying") as caught:
        start.ensure_up(settings, silence, build=lambda deployment: [*_servers(deployment), dying])
    message = str(caught.value)
    assert "no such table: prices" in message
    assert str(settings.data_directory / "logs" / "dying.log") in message
    assert "hunter2" not in message
    assert find_processes(settings.data_directory) == []


def test_a_program_that_never_becomes_ready_stops_everything(settings: Settings) -> None:
    slow = script("slow", "import time; print('still thinking', flush=True); time.sleep(60)", ready_seconds=2)
    with pytest.raises(EnvironmentFault, match=r"slow is not ready after 2 s; the end of .*\n  still thinking"):
        start.ensure_up(settings, silence, build=lambda _: [slow])
    assert find_processes(settings.data_directory) == []


@pytest.mark.parametrize("name", ["api_port", "dagster_port"])
def test_a_port_in_use_is_named_with_its_holder_and_nothing_starts(settings: Settings, name: str) -> None:
    port = getattr(settings, name)
    with http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler):
        holder = rf"{re.escape(psutil.Process().name())} \(pid {os.getpid()}\)"
        with pytest.raises(EnvironmentFault, match=rf"port {port} is in use by {holder}: .* {name.upper()}={port + 1}"):
            start.ensure_up(settings, silence, build=servers_and_two_programs)
    assert find_processes(settings.data_directory) == []
    assert read_state(settings.data_directory) is None


def test_a_path_too_long_for_a_socket_is_no_obstacle(tmp_path: Path) -> None:
    settings = make_settings(tmp_path / ("long" * 25) / "and with a blank")
    try:
        deployment, _ = start.ensure_up(settings, silence, build=_servers)
        assert len(str(socket_path(deployment.directory))) < 100
        assert Supervisor(deployment.directory).is_running()
    finally:
        stop(settings.data_directory)
    assert find_processes(settings.data_directory) == []


def test_two_at_once_do_not_start_twice(settings: Settings) -> None:
    with (
        start.only_one_at_a_time(settings.data_directory),
        pytest.raises(EnvironmentFault, match="another data-agent up is at work"),
    ):
        start.ensure_up(settings, silence, build=servers_and_two_programs)
    assert end_processes(settings.data_directory) == []


def test_secrets_travel_by_environment_only(settings: Settings, database_url: str, redis_url: str) -> None:
    secret = database_url.replace("postgres@", "postgres:hunter2@")
    settings = settings.model_copy(update={"database_url": secret, "redis_url": redis_url})
    try:
        deployment, _ = start.ensure_up(settings, silence, build=servers_and_two_programs)
        assert deployment.environment()["DATABASE_URL"] == secret
        command_lines = [" ".join(process.cmdline()) for process in find_processes(settings.data_directory)]
        assert command_lines
        files = [path for path in settings.data_directory.rglob("*") if path.is_file()]
        assert not [line for line in command_lines if "hunter2" in line]
        assert not [path for path in files if b"hunter2" in path.read_bytes()]
        with psycopg.connect(database_url) as connection:
            schemas = connection.execute("SELECT to_regnamespace('dagster') IS NOT NULL").fetchone()
            assert schemas == (True,)
    finally:
        stop(settings.data_directory)


def _servers(deployment: Deployment) -> list[Program]:
    return [program for program in servers_and_two_programs(deployment) if program.name in {"postgres", "valkey"}]

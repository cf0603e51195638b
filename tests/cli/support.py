"""Deployments of real servers and tiny programs: everything that `up` does, without Dagster's seconds."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from data_agent.cli import probes
from data_agent.cli.deployment import Deployment
from data_agent.cli.programs import Program, Stage, build_programs
from data_agent.core.settings import PROJECT_ROOT, Settings

COMMAND: Final = Path(sys.executable).parent / "data-agent"
_SETTINGS: Final = {name.upper() for name in Settings.model_fields}


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment of a command: of the product's settings only the given ones."""
    return {name: value for name, value in os.environ.items() if name not in _SETTINGS} | settings


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def make_settings(directory: Path, **changes: object) -> Settings:
    """Settings of a simulated deployment in `directory`, whatever the environment says."""
    api_port, dagster_port = (0, 0) if "api_port" in changes else free_ports(2)
    values: dict[str, object] = {
        "simulated": True,
        "data_dir": directory,
        "collection_file": PROJECT_ROOT / "config" / "collection.yaml",
        "api_host": "127.0.0.1",
        "api_port": api_port,
        "dagster_port": dagster_port,
        "database_url": None,
        "redis_url": None,
    }
    return Settings(**{**values, **changes})  # type: ignore[arg-type]


def web_server(name: str, port: int) -> Program:
    """A tiny program that serves HTTP, in place of the API and the Dagster UI."""
    return Program(
        name=name,
        title="a web server",
        stage=Stage.SERVICES,
        command=(sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"),
        probe=probes.ignoring_start(partial(probes.port_accepts, port)),
        stop_seconds=5,
    )


def script(name: str, text: str, *, stage: Stage = Stage.SERVERS, ready_seconds: int = 30) -> Program:
    """A program that is a few lines of Python and never becomes ready."""
    return Program(
        name=name,
        title="a script",
        stage=stage,
        command=(sys.executable, "-c", text),
        probe=probes.ignoring_start(lambda: False),
        ready_seconds=ready_seconds,
        stop_seconds=5,
    )


def servers_and_two_programs(deployment: Deployment) -> list[Program]:
    """PostgreSQL and Valkey as they are, and two tiny programs."""
    ports = deployment.state.ports
    servers = [program for program in build_programs(deployment) if program.name in {"postgres", "valkey"}]
    return [*servers, web_server("first", ports.api), web_server("second", ports.dagster)]


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> float:
    """Wait for something to become true; returns how long it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"not true after {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - begun

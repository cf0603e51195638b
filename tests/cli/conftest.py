from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import enable_socket

from data_agent.cli import start
from data_agent.cli.deployment import Deployment
from data_agent.cli.stop import stop
from data_agent.core.settings import Settings
from tests.cli.support import make_settings, servers_and_two_programs


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a deployment that was never started."""
    return make_settings(tmp_path / "data")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment that runs, one per module; it is stopped whatever a test did to it."""
    enable_socket()
    settings = make_settings(tmp_path_factory.mktemp("running") / "data")
    try:
        deployment, _ = start.ensure_up(settings, lambda _: None, build=servers_and_two_programs)
        yield deployment
    finally:
        stop(settings.data_directory)

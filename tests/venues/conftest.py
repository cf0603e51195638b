"""One simulator for the whole conformance suite; every test finds it without faults and with its clock at NOW."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_socket import enable_socket

from simulator.testing import RunningSimulator, running_simulator
from tests.venues.conformance import NOW


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[RunningSimulator]:
    enable_socket()
    with running_simulator(clock=NOW.isoformat(), history_days=4) as simulator:
        yield simulator


@pytest.fixture
def simulator(simulator_process: RunningSimulator) -> RunningSimulator:
    simulator_process.clear_faults(for_good=True)
    simulator_process.set_clock(NOW.isoformat(), speed=1)
    simulator_process.forget_requests()
    return simulator_process

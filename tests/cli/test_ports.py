import os
import socket
from collections.abc import Iterator

import pytest

from data_agent.cli import ports
from data_agent.core.errors import EnvironmentFault
from tests.cli.support import free_ports

pytestmark = pytest.mark.integration


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_refused_with_its_holder_and_what_to_do(taken: int) -> None:
    with pytest.raises(
        EnvironmentFault, match=rf"port {taken} is in use by .*\(pid {os.getpid()}\).* API_PORT={taken + 1}"
    ):
        ports.require_free(taken, setting="API_PORT")


def test_a_port_that_is_bound_but_does_not_listen_is_not_free() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert not ports.is_free(bound.getsockname()[1])


def test_a_port_on_every_address_is_not_free_on_loopback() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free(port)
        assert not ports.is_free(port, "0.0.0.0")


def test_the_preferred_port_is_kept_while_it_is_free(taken: int) -> None:
    [free] = free_ports(1)
    assert ports.choose("postgres", preferred=free, taken=()) == free
    assert ports.choose("postgres", preferred=taken, taken=()) != taken


def test_ports_chosen_for_one_deployment_are_all_different() -> None:
    chosen: list[int] = []
    for _ in range(5):
        chosen.append(ports.choose("same purpose", preferred=None, taken=chosen))
    assert len(set(chosen)) == 5
    # below the range from which outgoing connections take theirs
    assert all(20_000 <= port < 32_000 for port in chosen)

"""What a deployment remembers between commands: one JSON file in its data directory, without any secret."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from data_agent.core.errors import EnvironmentFault

FILE_NAME: Final = "deployment.json"


class Ports(msgspec.Struct, frozen=True):
    """The TCP ports of a deployment; api and dagster are the user's choice, the rest ours."""

    api: int
    dagster: int
    postgres: int
    valkey: int
    simulator: int
    ingest: int
    models: int


class State(msgspec.Struct, frozen=True):
    """What `up` decided.

    Attributes:
        is_simulated: the kind of data this directory holds, for good.
        ports: kept from one start to the next where they are still free.
        api_host: the address the API listens on.
        has_own_postgres, has_own_valkey: false where DATABASE_URL or REDIS_URL named an external server.
        collection_file: what is collected.
        market_start: the first day of the simulated market.
        simulator_options: further options of the simulator, as one line of a shell.
    """

    is_simulated: bool
    ports: Ports
    api_host: str
    has_own_postgres: bool
    has_own_valkey: bool
    collection_file: str
    market_start: str
    simulator_options: str


def read_state(directory: Path) -> State | None:
    """What the last `up` in this directory wrote; None if there was none.

    Raises:
        EnvironmentFault: the file is there but cannot be understood.
    """
    path = directory / FILE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise EnvironmentFault(f"{path} cannot be read ({error}); remove it, and run data-agent up") from None


def write_state(directory: Path, state: State) -> None:
    """Replace the file whole, so that no reader ever meets half of it."""
    path = directory / FILE_NAME
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(state)) + b"\n")
    unfinished.replace(path)

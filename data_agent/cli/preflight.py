"""What has to be true before anything is started; `up` refuses by the first finding, `doctor` lists them all."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from data_agent.cli import ports
from data_agent.cli.state import Ports, State, read_state
from data_agent.core.collection import Collection, read_collection
from data_agent.core.errors import ConfigurationError, EnvironmentFault
from data_agent.core.settings import Settings
from data_agent.core.time import utc_now

MINIMUM_FREE_BYTES: Final = 2_000_000_000
_MARKET_BEFORE: Final = timedelta(days=30)
_VENV_TOOLS: Final = ("supervisord", "dagster", "dagster-daemon", "dagster-webserver", "dbt")


def check_collection_file(settings: Settings) -> Collection:
    """The collection file, with every name known to the product.

    Raises:
        ConfigurationError: an entry is wrong; it is named.
    """
    from data_agent.venues.registry import check_collection

    collection = read_collection(settings.collection_file)
    check_collection(collection)
    return collection


def check_tools(settings: Settings) -> None:
    """The programs we start others with.

    Raises:
        EnvironmentFault: one is missing.
    """
    wanted = ["setpriv"]
    if settings.database_url is None and os.geteuid() == 0:
        wanted.append("unshare")
    for tool in wanted:
        if shutil.which(tool) is None:
            raise EnvironmentFault(f"{tool} is missing: install util-linux, which every Linux distribution has")
    for tool in _VENV_TOOLS:
        if not (Path(sys.executable).parent / tool).exists():
            raise EnvironmentFault(f"{tool} is missing beside {sys.executable}: run make install")


def check_disk(directory: Path) -> int:
    """The free bytes where the data directory is or will be.

    Raises:
        EnvironmentFault: there is too little room, or we may not write there.
    """
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise EnvironmentFault(f"{existing} cannot be written to: choose another directory with DATA_DIR")
    free = shutil.disk_usage(existing).free
    if free < MINIMUM_FREE_BYTES:
        raise EnvironmentFault(
            f"only {free / 1e9:.1f} GB are free at {existing}, at least {MINIMUM_FREE_BYTES / 1e9:.0f} GB are needed: "
            "make room, or choose another directory with DATA_DIR"
        )
    return free


def check_external_servers(settings: Settings) -> None:
    """The servers that the environment names instead of ours.

    Raises:
        ConfigurationError, StorageError: a URL is wrong, or nothing answers there.
    """
    if settings.database_url is not None:
        from data_agent.storage.postgres.database import connect

        connect(settings.database_url).close()
    if settings.redis_url is not None:
        from data_agent.cli.probes import valkey_answers

        if not settings.redis_url.startswith(("redis://", "rediss://")):
            raise ConfigurationError("REDIS_URL must be redis://[user:password@]host:port/number")
        if not valkey_answers(settings.redis_url):
            raise EnvironmentFault("no Redis answers at REDIS_URL: start it, or unset REDIS_URL to use our own")


def check_kind(settings: Settings) -> None:
    """Simulated and real data never share a directory.

    Raises:
        ConfigurationError: the directory holds the other kind.
    """
    state = read_state(settings.data_directory)
    if state is not None and state.is_simulated != settings.simulated:
        kinds = {True: "simulated", False: "real"}
        raise ConfigurationError(
            f"{settings.data_directory} holds {kinds[state.is_simulated]} data and must not receive "
            f"{kinds[settings.simulated]} data; set another DATA_DIR"
        )


def check_ports(settings: Settings) -> None:
    """The two ports that the user chose.

    Raises:
        EnvironmentFault: one is in use, or both are the same.
    """
    if settings.api_port == settings.dagster_port:
        raise EnvironmentFault(f"API_PORT and DAGSTER_PORT are both {settings.api_port}: choose two")
    ports.require_free(settings.api_port, setting="API_PORT", host=settings.api_host)
    ports.require_free(settings.dagster_port, setting="DAGSTER_PORT")


def decide(settings: Settings, simulator_options: str = "") -> State:
    """The state of a deployment that is about to start: internal ports as before where they are free."""
    before = read_state(settings.data_directory)
    chosen = {"api": settings.api_port, "dagster": settings.dagster_port}
    for name in Ports.__struct_fields__:
        if name not in chosen:
            chosen[name] = ports.choose(
                f"{settings.data_directory}:{name}",
                preferred=getattr(before.ports, name) if before else None,
                taken=chosen.values(),
            )
    return State(
        is_simulated=settings.simulated,
        ports=Ports(**chosen),
        api_host=settings.api_host,
        has_own_postgres=settings.database_url is None,
        has_own_valkey=settings.redis_url is None,
        collection_file=str(settings.collection_file.resolve()),
        # The simulated market begins once and for all: were it to move with each start, its past would change.
        market_start=before.market_start if before else (utc_now() - _MARKET_BEFORE).date().isoformat(),
        simulator_options=simulator_options,
    )

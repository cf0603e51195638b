"""One deployment: its settings, its data directory, its addresses, and the environment of its programs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from data_agent.cli.processes import MARK
from data_agent.cli.state import State, read_state
from data_agent.core.errors import ConfigurationError, EnvironmentFault
from data_agent.core.settings import PROJECT_ROOT, Settings, load_settings
from data_agent.storage.postgres.embedded import EmbeddedPostgres

DATABASE: Final = "data_agent"
DAGSTER_DATABASE: Final = "dagster"
SIMULATED_VENUES: Final = ("binance", "okx")


@dataclass(frozen=True)
class Deployment:
    """A data directory with what was decided for it."""

    settings: Settings
    directory: Path
    state: State

    @property
    def api_url(self) -> str:
        """Where the API is reached from this machine."""
        host = self.state.api_host
        return f"http://{'127.0.0.1' if host in {'0.0.0.0', '::'} else host}:{self.state.ports.api}"  # noqa: S104

    @property
    def dagster_url(self) -> str:
        """Where the Dagster UI is reached from this machine."""
        return f"http://127.0.0.1:{self.state.ports.dagster}"

    @property
    def simulator_url(self) -> str:
        """Where the simulator listens, if there is one."""
        return f"http://127.0.0.1:{self.state.ports.simulator}"

    @property
    def links(self) -> dict[str, str]:
        """The four doors, by title."""
        return {
            "API docs": f"{self.api_url}/docs",
            "Dagster UI": self.dagster_url,
            "dbt docs": f"{self.api_url}/reports/dbt/",
            "quality report": f"{self.api_url}/reports/quality/",
        }

    def embedded_postgres(self) -> EmbeddedPostgres:
        """The server of our own, whether it is used or not."""
        return EmbeddedPostgres(self.directory / "postgres", self.state.ports.postgres)

    @property
    def database_url(self) -> str:
        """Our database.

        Raises:
            ConfigurationError: it is an external one and DATABASE_URL is not set here.
        """
        if self.state.has_own_postgres:
            return self.embedded_postgres().url(DATABASE)
        # The older spelling is PostgreSQL's own, but not every library's.
        url = _required(self.settings.database_url, "DATABASE_URL")
        return f"postgresql://{url.removeprefix('postgres://')}" if url.startswith("postgres://") else url

    @property
    def dagster_database_url(self) -> str:
        """Dagster's own store: a database beside ours, or on an external server a schema in the given database."""
        if self.state.has_own_postgres:
            return self.embedded_postgres().url(DAGSTER_DATABASE)
        url = self.database_url
        return f"{url}{'&' if urlsplit(url).query else '?'}options=-csearch_path%3D{DAGSTER_DATABASE}"

    @property
    def redis_url(self) -> str:
        """Redis or Valkey.

        Raises:
            ConfigurationError: it is an external one and REDIS_URL is not set here.
        """
        if self.state.has_own_valkey:
            return f"redis://127.0.0.1:{self.state.ports.valkey}/0"
        return _required(self.settings.redis_url, "REDIS_URL")

    def environment(self) -> dict[str, str]:
        """Everything a program of ours needs to know; secrets travel only here."""
        ours = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            MARK: str(self.directory),
            "SIMULATED": "1" if self.state.is_simulated else "0",
            "DATA_DIR": str(self.directory),
            "COLLECTION_FILE": str(self.settings.collection_file.resolve()),
            "API_HOST": self.state.api_host,
            "API_PORT": str(self.state.ports.api),
            "DAGSTER_PORT": str(self.state.ports.dagster),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "DAGSTER_HOME": str(self.directory / "dagster"),
            "DAGSTER_DATABASE_URL": self.dagster_database_url,
            # Nothing here calls home.
            "GX_ANALYTICS_ENABLED": "False",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
        }
        if self.state.is_simulated:
            for venue in SIMULATED_VENUES:
                name = f"VENUE_{venue.upper()}_REST_URL"
                ours[name] = self.settings.rest_url(venue) or f"{self.simulator_url}/{venue}"
        return {**os.environ, **ours}


def _required(value: str | None, name: str) -> str:
    if value is None:
        raise ConfigurationError(f"this deployment uses an external server: set {name} as it was set for data-agent up")
    return value


def settings_for(is_simulated: bool | None) -> Settings:
    """The settings, with the kind of data as the command line says; None leaves it to the environment."""
    settings = load_settings()
    return settings if is_simulated is None else settings.model_copy(update={"simulated": is_simulated})


def find_deployment(is_simulated: bool | None = None) -> Deployment:
    """The deployment a command is about.

    It is the one the command line or the environment names (SIMULATED, DATA_DIR); else the only one that runs; else
    the only one there is.

    Raises:
        EnvironmentFault: nothing was started yet, or it is not clear which one is meant.
    """
    if is_simulated is not None or os.environ.get("SIMULATED") or load_settings().data_dir is not None:
        return open_deployment(settings_for(is_simulated))
    choices = [settings_for(kind) for kind in (True, False)]
    there = [settings for settings in choices if read_state(settings.data_directory) is not None]
    running = [settings for settings in there if _is_running(settings.data_directory)]
    chosen = running or there
    if len(chosen) > 1:
        raise EnvironmentFault("there are simulated and real data here: say which, --simulated or --real")
    return open_deployment(chosen[0] if chosen else choices[0])


def _is_running(directory: Path) -> bool:
    from data_agent.cli.supervisor import Supervisor

    return Supervisor(directory).is_running()


def open_deployment(settings: Settings) -> Deployment:
    """The deployment in the settings' data directory.

    Raises:
        EnvironmentFault: nothing was started there yet.
    """
    directory = settings.data_directory
    state = read_state(directory)
    if state is None:
        where = directory.relative_to(PROJECT_ROOT) if directory.is_relative_to(PROJECT_ROOT) else directory
        raise EnvironmentFault(f"nothing was started in {where} yet: run data-agent up")
    return Deployment(settings, directory, state)

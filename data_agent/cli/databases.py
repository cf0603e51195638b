"""What has to be in PostgreSQL before our programs start: databases, tables, the mark of the kind of data."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from data_agent.cli.deployment import DAGSTER_DATABASE, DATABASE, Deployment
from data_agent.core.errors import EnvironmentFault
from data_agent.core.logging import redact_text

if TYPE_CHECKING:
    import psycopg

_DAGSTER_SECONDS: Final = 120


def prepare_databases(deployment: Deployment) -> None:
    """Create what is missing, migrate, and mark the database as simulated or real.

    On a server of our own Dagster's store is a database beside ours; on an external one it is the schema `dagster` in
    the given database, which needs no right but to create schemas in it.

    Raises:
        StorageError: the server does not answer or refuses.
        ConfigurationError: the database holds the other kind of data.
    """
    from data_agent.storage.postgres.database import connect
    from data_agent.storage.postgres.migrate import claim, migrate

    if deployment.state.has_own_postgres:
        with connect(deployment.embedded_postgres().url("postgres"), autocommit=True) as connection:
            for name in (DATABASE, DAGSTER_DATABASE):
                _create_database(connection, name)
    else:
        with connect(deployment.database_url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {DAGSTER_DATABASE}")
    migrate(deployment.database_url)
    claim(deployment.database_url, is_simulated=deployment.state.is_simulated)


def _create_database(connection: psycopg.Connection[object], name: str) -> None:
    from psycopg import sql

    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
    if found is None:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def prepare_dagster_store(deployment: Deployment) -> str:
    """Make Dagster's tables if there are none, and close the runs that ended with the deployment.

    To be called while nothing of Dagster runs: its processes, started together, would race for the tables.

    Returns:
        What was done, for people; empty if there was nothing to do.

    Raises:
        EnvironmentFault: Dagster could not; its words are in the message.
    """
    if not _needs_preparation(deployment):
        return ""
    # A process of its own: it reads its settings from the environment, as all of Dagster does.
    done = subprocess.run(
        [sys.executable, "-m", "data_agent.cli.dagster_store"],
        env=deployment.environment(), capture_output=True, text=True, timeout=_DAGSTER_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise EnvironmentFault(f"Dagster's store cannot be prepared: {redact_text(done.stderr.strip())[-2000:]}")
    return done.stdout.strip()


def _needs_preparation(deployment: Deployment) -> bool:
    """Whether there are no tables yet, or runs that were at work: importing Dagster for nothing takes seconds."""
    import psycopg

    from data_agent.storage.postgres.database import connect

    try:
        with connect(deployment.dagster_database_url) as connection:
            row = connection.execute(
                "SELECT EXISTS (SELECT FROM runs WHERE status IN ('STARTING', 'STARTED', 'CANCELING'))"
            ).fetchone()
    except psycopg.errors.UndefinedTable:
        return True
    return bool(row and row[0])

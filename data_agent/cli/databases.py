"""What has to be in PostgreSQL before our programs start: databases, tables, the mark of the kind of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_agent.cli.deployment import DAGSTER_DATABASE, DATABASE, Deployment

if TYPE_CHECKING:
    import psycopg


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


def fail_abandoned_runs(deployment: Deployment) -> int:
    """Close the Dagster runs whose processes ended with the machine or the supervisor; nothing else would.

    To be called while nothing of Dagster runs. Dagster's own monitoring notices a dead worker only through the code
    server that started it. A run that was still queued is started again by the daemon and stays.

    Returns:
        How many runs were closed.
    """
    if not _has_unfinished_runs(deployment):
        return 0
    # 2.5 s of imports, paid only after an unclean end.
    from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

    unfinished = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    with DagsterInstance.from_config(str(deployment.directory / "dagster")) as instance:
        runs = instance.get_runs(RunsFilter(statuses=unfinished))
        for run in runs:
            instance.report_run_failed(run, "The process of this run ended with the deployment.")
    return len(runs)


def _has_unfinished_runs(deployment: Deployment) -> bool:
    import psycopg

    from data_agent.storage.postgres.database import connect

    try:
        with connect(deployment.dagster_database_url) as connection:
            row = connection.execute(
                "SELECT EXISTS (SELECT FROM runs WHERE status IN ('STARTING', 'STARTED', 'CANCELING'))"
            ).fetchone()
    except psycopg.errors.UndefinedTable:
        return False  # Dagster has never run here
    return bool(row and row[0])

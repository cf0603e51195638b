"""Bring a database to the newest schema, and make sure it is used for one kind of data only."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from data_agent.core.errors import ConfigurationError
from data_agent.storage.postgres.database import check_url

# Any number, the same in every process: two deployments that start at once migrate one after the other.
_MIGRATION_LOCK = 7_302_001
# Views that dbt builds on our tables stand in a migration's way; dbt makes them again.
_DROP_DBT_VIEWS = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT schemaname, viewname FROM pg_views WHERE schemaname IN ('staging', 'intermediate', 'marts')
    LOOP
        EXECUTE format('DROP VIEW IF EXISTS %I.%I CASCADE', found.schemaname, found.viewname);
    END LOOP;
END $$
"""


def migrate(url: str) -> None:
    """Apply every migration that is missing, in one transaction; with none missing nothing is touched.

    Safe to call from several processes at once.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = sqlalchemy.create_engine(
        check_url(url).replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1)
    )
    try:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            if not _is_newest(connection, config):
                connection.execute(sqlalchemy.text(_DROP_DBT_VIEWS))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
    finally:
        engine.dispose()


def _is_newest(connection: sqlalchemy.Connection, config: Config) -> bool:
    context = MigrationContext.configure(
        connection, opts={"version_table": "migrations", "version_table_schema": "public"}
    )
    return set(context.get_current_heads()) == set(ScriptDirectory.from_config(config).get_heads())


def claim(url: str, *, is_simulated: bool) -> None:
    """Mark the database as holding simulated or real data, once and for all.

    Raises:
        ConfigurationError: it already holds the other kind.
    """
    engine = sqlalchemy.create_engine(check_url(url).replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.begin() as connection:
            connection.execute(
                sqlalchemy.text("INSERT INTO ops.deployment (is_simulated) VALUES (:value) ON CONFLICT DO NOTHING"),
                {"value": is_simulated},
            )
            found = connection.execute(sqlalchemy.text("SELECT is_simulated FROM ops.deployment")).scalar_one()
    finally:
        engine.dispose()
    if found != is_simulated:
        kinds = {True: "simulated", False: "real"}
        raise ConfigurationError(
            f"this database holds {kinds[found]} data and must not receive {kinds[is_simulated]} data; "
            "use another DATABASE_URL or DATA_DIR"
        )

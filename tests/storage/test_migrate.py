import psycopg
import pytest

from data_agent.core.errors import ConfigurationError
from data_agent.storage.postgres.migrate import claim, migrate

pytestmark = pytest.mark.integration


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        (tables,) = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname IN ('ref', 'raw', 'ops')"
        ).fetchone()
    assert tables >= 14


def test_a_database_of_real_data_refuses_simulated_data(database_url: str) -> None:
    claim(database_url, is_simulated=False)
    claim(database_url, is_simulated=False)
    with pytest.raises(ConfigurationError, match="holds real data"):
        claim(database_url, is_simulated=True)


def test_what_dbt_built_survives_a_start_without_a_migration(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS staging")
        connection.execute("CREATE VIEW staging.kept AS SELECT * FROM raw.candles")
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM staging.kept").fetchone() == (0,)

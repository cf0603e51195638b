"""The dbt project against a real database: its own tests, its contract, its plans, its page."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import jinja2
import pytest

from data_agent.core.errors import ConfigurationError
from data_agent.coverage.quality import row_quality
from orchestration.transform import PROJECT_DIRECTORY, DbtProject, TransformError, profile_environment
from tests.expectations.warehouse import Warehouse

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def published(warehouse: Warehouse) -> Warehouse:
    coin = warehouse.instrument()
    coin.fill(1440)
    coin.fill(288, "5m")
    coin.revise({5: {"volume": "-1"}, 9: {"close": "900", "high": "900"}})
    warehouse.publish()
    return warehouse


def test_its_own_tests_pass_and_there_are_some(published: Warehouse) -> None:
    results = published.dbt.test()
    assert {result.status for result in results} == {"pass"}
    names = [result.unique_id for result in results]
    assert sum(name.startswith("unit_test.") for name in names) >= 5
    assert any("slices_are_served_whole" in name for name in names)


def test_its_own_tests_would_notice(published: Warehouse) -> None:
    published.connection.execute(
        "CREATE TABLE taken AS SELECT * FROM marts.candles ORDER BY open_time LIMIT 1;"
        "DELETE FROM marts.candles USING taken"
        " WHERE candles.series_id = taken.series_id AND candles.open_time = taken.open_time"
    )
    with pytest.raises(TransformError) as failed:
        published.dbt.test("slices_are_served_whole")
    published.connection.execute("INSERT INTO marts.candles SELECT * FROM taken; DROP TABLE taken")
    assert failed.value.node == "slices_are_served_whole"
    published.dbt.test("slices_are_served_whole")


def test_schemas_are_called_as_the_contract_says(published: Warehouse) -> None:
    schemas = published.connection.execute(
        "SELECT DISTINCT schemaname FROM (SELECT schemaname FROM pg_tables UNION SELECT schemaname FROM pg_views) AS t"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public')"
    ).fetchall()
    assert {name for (name,) in schemas} == {"ref", "raw", "ops", "staging", "intermediate", "marts"}


def test_the_contract_of_the_mart_is_the_one_written_down(published: Warehouse) -> None:
    columns = dict(
        published.connection.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = 'marts.candles'::regclass AND attnum > 0"
        ).fetchall()
    )
    documented = _documented_columns(PROJECT_DIRECTORY.parent / "docs" / "data-model.md")
    assert columns.keys() == documented.keys()
    assert {columns[name] for name in ("open", "high", "low", "close", "volume", "quality")} == {"numeric"}
    for name, kind in documented.items():
        assert columns[name] == kind.replace("timestamptz", "timestamp with time zone")


def _documented_columns(page: Path) -> dict[str, str]:
    section = page.read_text().split("## marts.candles")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([a-z_, ]+) \| ([a-z\[\]]+) \|", section, flags=re.MULTILINE)
    return {name: kind for names, kind in rows if kind != "type" for name in names.split(", ")}


def test_quality_is_the_same_in_sql_and_in_python(published: Warehouse) -> None:
    macro = (PROJECT_DIRECTORY / "macros" / "row_quality.sql").read_text()
    for count_warnings in range(12):
        rendered = jinja2.Template(macro).module.row_quality(str(count_warnings))  # type: ignore[attr-defined]
        (found,) = published.connection.execute(f"SELECT {rendered}").fetchone() or (Decimal(-1),)
        assert found == row_quality(count_warnings)


def test_a_slice_is_read_by_index_whatever_the_history(published: Warehouse) -> None:
    coin = published.instrument()
    published.connection.execute(
        "INSERT INTO raw.candles SELECT %s, moment, 1, 1, 1, 1, 1, NULL, NULL, moment + interval '1 minute', %s"
        " FROM generate_series('2024-01-01 00:00+00'::timestamptz, '2024-01-31 23:59+00', '1 minute') AS moment",
        [coin.venue["1m"], coin.ingest()],
    )
    published.connection.execute("ANALYZE raw.candles")
    coin.mark(coin.ingest())
    published.publish()
    model = published.dbt.target_directory / "compiled/data_agent/models/intermediate/int_candles__latest.sql"
    plan = "\n".join(row for (row,) in published.connection.execute(f"EXPLAIN (ANALYZE) {model.read_text()}"))
    assert "Index Scan using candles_2024_01_pkey" in plan
    assert "Seq Scan on candles" not in plan


def test_a_broken_model_is_named_with_the_words_of_the_database(published: Warehouse) -> None:
    published.connection.execute("ALTER TABLE ops.frozen_slices RENAME COLUMN version TO other")
    try:
        with pytest.raises(TransformError, match='column "version" does not exist') as failed:
            published.dbt.run("stg_ops__frozen_slices")
    finally:
        published.connection.execute("ALTER TABLE ops.frozen_slices RENAME COLUMN other TO version")
    assert failed.value.node == "stg_ops__frozen_slices"
    assert "hunter2" not in str(failed.value)


def test_an_unreachable_database_is_a_typed_error(tmp_path: Path, free_tcp_port: int) -> None:
    project = DbtProject(f"postgresql://postgres:hunter2@127.0.0.1:{free_tcp_port}/nowhere", tmp_path)
    with pytest.raises(TransformError, match="Connection refused") as failed:
        project.run("stg_ref__series")
    assert "hunter2" not in str(failed.value)


@pytest.fixture
def free_tcp_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_sources_know_how_fresh_they_are(published: Warehouse) -> None:
    assert {result.status for result in published.dbt.freshness()} <= {"pass", "warn", "error"}
    assert len(published.dbt.freshness()) == 2


def test_the_documentation_is_one_page_that_loads_nothing(published: Warehouse, tmp_path: Path) -> None:
    page = published.dbt.generate_docs(tmp_path, is_simulated=True)
    text = page.read_text()
    assert page == tmp_path / "index.html"
    assert "Simulated data" in text
    assert "one row per series and open time" in text.lower()
    assert re.findall(r"<(?:script|link|img)\b[^>]*\b(?:src|href)=[\"']https?:", text) == []
    assert "Simulated data" not in published.dbt.generate_docs(tmp_path, is_simulated=False).read_text()


def test_nothing_is_written_into_the_project(published: Warehouse) -> None:
    assert not {"target", "logs", ".user.yml", "dbt_packages"} & {path.name for path in PROJECT_DIRECTORY.iterdir()}


def test_the_profile_follows_the_database_url() -> None:
    assert profile_environment("postgresql://me:p%40ss@db.example:6543/market?sslmode=require") == {
        "DBT_HOST": "db.example",
        "DBT_PORT": "6543",
        "DBT_USER": "me",
        "DBT_ENV_SECRET_PASSWORD": "p@ss",
        "DBT_DATABASE": "market",
        "DBT_SSLMODE": "require",
    }
    assert profile_environment("postgresql:///market?host=/run/postgresql")["DBT_HOST"] == "/run/postgresql"
    with pytest.raises(ConfigurationError):
        profile_environment("mysql://me@db/market")

"""The application around the routes: health, metrics, pages, failures, what it imports."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql

from api.app import create_app
from data_agent.core.errors import ConfigurationError
from data_agent.core.settings import Settings
from tests.api.conftest import serve
from tests.api.support import World, at, candle
from tests.conftest import free_port

pytestmark = pytest.mark.integration
_CANDLES = "/v1/candles?exchange=binance&symbol=BTC/USDT&timeframe=1m"


async def test_ready_when_everything_answers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert {name: check["is_ready"] for name, check in answer.json()["checks"].items()} == {
        "postgresql": True,
        "redis": True,
    }


async def test_not_ready_says_what_is_missing(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE public.migrations SET version_num = '0000'")
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    async with serve(database_url=database_url, redis_url=nowhere) as client:
        answer = await client.get("/readyz")
        assert (await client.get("/healthz")).status_code == 200
    checks = answer.json()["checks"]
    assert answer.status_code == 503
    assert "migration 0000" in checks["postgresql"]["detail"]
    assert checks["redis"] == {"is_ready": False, "detail": "does not answer"}


async def test_without_a_store_the_answer_is_503_and_try_again(redis_url: str) -> None:
    url = f"postgresql://postgres:hidden@127.0.0.1:{free_port()}/nothing"
    async with serve(database_url=url, redis_url=redis_url) as client:
        answer = await client.get(_CANDLES)
        ready = await client.get("/readyz")
        metrics = await client.get("/metrics")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems#store-away")
    assert int(answer.headers["retry-after"]) > 0
    assert "hidden" not in answer.text + ready.text
    assert "127.0.0.1" not in answer.text + ready.text
    assert ready.json()["checks"]["postgresql"]["is_ready"] is False
    assert "data_agent_store_up 0.0" in metrics.text


async def test_a_restarted_store_costs_no_request(client: httpx.AsyncClient, database_url: str) -> None:
    assert (await client.get("/readyz")).status_code == 200
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert (await client.get("/v1/instruments")).status_code == 200


async def test_a_fault_of_ours_tells_nothing_of_the_inside(client: httpx.AsyncClient, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER TABLE ref.instruments RENAME COLUMN venue TO secret_venue"))
    answer = await client.get("/v1/instruments")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems#internal-fault")
    assert "secret" not in answer.text
    assert "column" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/nothing", 404), ("DELETE", "/v1/candles", 405), ("GET", "/redoc", 404)]
)
async def test_no_such_route(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == path
    assert status != 405 or answer.headers["allow"] == "GET"


async def test_metrics_count_requests_and_show_the_data(world: World, client: httpx.AsyncClient) -> None:
    await world.list_instruments("BTC/USDT")
    await world.write([candle(0, observed_at=at(1))])
    await client.get(_CANDLES)
    await client.get("/v1/made-up-by-a-client")
    await client.request("BREW", "/v1/candles")
    text = (await client.get("/metrics")).text
    assert 'data_agent_api_requests_total{method="GET",route="/v1/candles",status="200"} 1.0' in text
    assert 'route="unmatched"' in text
    assert "made-up" not in text
    assert 'method="OTHER"' in text
    assert 'data_agent_dirty_slices{exchange="binance"} 1.0' in text
    age = re.search(r'newest_candle_age_seconds\{exchange="binance",product="spot",timeframe="1m"\} (\S+)', text)
    assert age is not None
    assert float(age[1]) > 86_400
    assert 'data_agent_coverage_ratio{exchange="binance",product="spot",timeframe="1m"} 0.0' in text


async def test_every_operation_has_a_stable_name_and_declares_its_problems(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    names = {path: operations["get"]["operationId"] for path, operations in schema["paths"].items()}
    assert names == {
        "/v1/candles": "list_candles",
        "/v1/candles/revisions": "list_candle_revisions",
        "/v1/coverage": "list_coverage",
        "/v1/instruments": "list_instruments",
        "/healthz": "get_health",
        "/readyz": "get_readiness",
        "/metrics": "get_metrics",
    }
    assert schema["openapi"].startswith("3.1")
    for path in ("/v1/candles", "/v1/candles/revisions", "/v1/coverage", "/v1/instruments"):
        responses = schema["paths"][path]["get"]["responses"]
        assert responses.keys() >= {"200", "404", "422", "500", "503"}
        for status, response in responses.items():
            assert status == "200" or list(response["content"]) == ["application/problem+json"]
    assert "HTTPValidationError" not in str(schema)


@pytest.mark.parametrize("path", ["/", "/docs", "/reports/", "/problems", "/reports/dbt/", "/reports/quality/"])
async def test_pages_ask_nothing_of_the_internet(database_url: str, redis_url: str, tmp_path: Path, path: str) -> None:
    urls = {"database_url": database_url, "redis_url": redis_url, "data_dir": tmp_path}
    async with serve(**urls, simulated=True, dagster_port=3999) as client:
        page = await client.get(path)
        assert page.status_code == 200
        assert "SIMULATED DATA" in page.text
        wanted = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        outside = [url for url in wanted if url.startswith(("http", "//")) and url != "http://api.test:3999/"]
        assert outside == []
        for url in wanted:
            if url.startswith("/assets/"):
                assert (await client.get(url)).status_code == 200
    async with serve(**urls) as client:
        assert "SIMULATED DATA" not in (await client.get(path)).text


async def test_reports_are_served_as_they_are_as_soon_as_they_are_written(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    urls = {"database_url": database_url, "redis_url": redis_url, "data_dir": tmp_path, "simulated": True}
    async with serve(**urls) as client:
        assert "not there yet" in (await client.get("/reports/quality/")).text
        report = tmp_path / "reports" / "quality"
        (report / "run").mkdir(parents=True)
        (report / "index.html").write_text('<html><body class="wide"><h1>Data Docs</h1></body></html>')
        (report / "run" / "one.html").write_text("<html><body>Simulated data: one</body></html>")
        (report / "style.css").write_text("h1 {}")
        (tmp_path / "secret.txt").write_text("secret")
        assert "Data Docs" in (await client.get("/reports/quality/")).text
        one = await client.get("/reports/quality/run/one.html")
        assert one.text == "<html><body>Simulated data: one</body></html>", "whoever writes a page labels it"
        assert (await client.get("/reports/quality/style.css")).text == "h1 {}"
        assert (await client.get("/reports/quality/nothing.html")).status_code == 404
        assert (await client.get("/reports/quality/%2e%2e/%2e%2e/secret.txt")).status_code == 404


def test_without_a_database_the_application_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        create_app(Settings(database_url=None, redis_url="redis://127.0.0.1/0"))


def test_the_slow_libraries_of_other_rooms_are_not_imported() -> None:
    program = (
        "import sys, api.app;"
        "print([name for name in ('ccxt', 'dagster', 'dbt', 'great_expectations', 'pandas', 'alembic', 'sqlalchemy')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"

"""A thousand candles over HTTP under an open loop: requests leave on time whether or not earlier ones came back."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx

from bench.candles import START, make_candles, make_page
from bench.history import MINUTES, fill
from bench.results import Result, percentile
from bench.servers import Servers, free_port, make_series, process
from data_agent.storage.postgres.database import create_pool
from data_agent.storage.postgres.series import Series
from data_agent.storage.postgres.writer import CandleWriter
from orchestration.publish import PublicationPaths, publish

REQUESTS_PER_SECOND = 50
SECONDS = 20
WARM_UP_SECONDS = 3
LIMIT = 1_000


def run(servers: Servers) -> Iterator[Result]:
    """`api_candles_p95_ms`: random windows of a million candles of history."""
    [series] = make_series(servers.database_url, "BTC/USDT")
    asyncio.run(_write_first_day(servers, series))
    publish(servers.database_url, PublicationPaths.below(servers.directory), is_simulated=True)
    fill(servers.database_url, [series])
    port = free_port()
    environment = {
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "DATA_DIR": str(servers.directory),
        "API_PORT": str(port),
        "SIMULATED": "1",
        "LOG_LEVEL": "WARNING",
    }
    with process([sys.executable, "-m", "api"], port, servers.directory / "api.log", **environment):
        asyncio.run(_load(port, WARM_UP_SECONDS))
        latencies = asyncio.run(_load(port, SECONDS))
    p95 = percentile(latencies, 0.95) * 1000
    yield Result("api_candles_p95_ms", round(p95, 1), "ms", "", None, 50, "value at most")


async def _write_first_day(servers: Servers, series: Series) -> None:
    # dbt makes the marts' tables; for that it needs one slice.
    async with create_pool(servers.database_url) as pool:
        page = make_page(make_candles(1_440))
        await CandleWriter(pool).write(series, page, run_id="bench", source="rest", empty_interval="carried")


async def _load(port: int, seconds: int) -> list[float]:
    draw = random.Random(7)
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=30) as client:
        begin = time.perf_counter() + 0.2
        asked = [
            _ask(client, begin + number / REQUESTS_PER_SECOND, draw.randrange(MINUTES - LIMIT))
            for number in range(seconds * REQUESTS_PER_SECOND)
        ]
        return await asyncio.gather(*asked)


async def _ask(client: httpx.AsyncClient, due: float, offset: int) -> float:
    """One request; its latency counts from when it was due, so a server that falls behind cannot hide it."""
    await asyncio.sleep(due - time.perf_counter())
    start = START + timedelta(minutes=offset)
    response = await client.get(
        "/v1/candles",
        params={
            "exchange": "binance",
            "symbol": "BTC/USDT",
            "timeframe": "1m",
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=LIMIT)).isoformat(),
            "limit": LIMIT,
        },
    )
    latency = time.perf_counter() - due
    if response.status_code != 200 or response.content.count(b'"open_time"') != LIMIT:
        raise RuntimeError(f"HTTP {response.status_code}: {response.text[:300]}")
    return latency

"""A backfill from the simulator to the table, against CCXT paging the same candles and storing nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from bench.results import Result
from bench.servers import Servers, running_simulator

COUNT = 1_000_000
MARKET_START = "2024-01-01T00:00:00Z"
_CLOCK = "2026-01-05T00:00:00Z"
_LONGEST_SECONDS = 900


def run(servers: Servers) -> Iterator[Result]:
    """`backfill_candles_per_second` and `backfill_peak_memory_mb`; each side in a process of its own."""
    paging, collected = (_against_a_fresh_simulator(role, servers) for role in ("paging", "collecting"))
    if not paging["count"] == collected["count"] == COUNT:
        raise RuntimeError(f"{COUNT} candles were asked for: {paging}, {collected}")
    yield Result(
        "backfill_candles_per_second",
        round(COUNT / collected["seconds"]),
        "candles/s",
        f"CCXT paging alone, storing nothing: {COUNT / paging['seconds']:.0f} candles/s",
        round(paging["seconds"] / collected["seconds"], 3),
        0.5,
        "ratio at least",
    )
    yield Result("backfill_peak_memory_mb", round(collected["peak_memory_mb"]), "MB", "", None, 600, "value at most")


def _against_a_fresh_simulator(role: str, servers: Servers) -> dict[str, Any]:
    # One each: the simulator's headers count what the other side used, and it would keep a warm market for the second.
    options = ("--limits", "off", "--clock", _CLOCK, "--market-start", MARKET_START, "--venues", "binance")
    with running_simulator(servers.directory, *options) as url:
        return _worker(role, f"{url}/binance", servers)


def _worker(role: str, venue_url: str, servers: Servers) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.backfill_worker", role, MARKET_START, str(COUNT)],
        env={
            **os.environ,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "VENUE_BINANCE_REST_URL": venue_url,
            "VENUE_LIMIT_CEILING": "1",
            "LOG_LEVEL": "WARNING",
        },
        capture_output=True,
        text=True,
        timeout=_LONGEST_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the {role} worker failed:\n{done.stderr[-3000:]}")
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome

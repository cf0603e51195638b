"""One side of the backfill bench: `python -m bench.backfill_worker paging|collecting START COUNT`; prints JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

SYMBOL = "BTC/USDT"
_KILOBYTE = 1024


async def paging(start: datetime, count: int) -> tuple[int, float]:
    """CCXT as anybody would use it, a thousand candles a page, its own limiter off."""
    import ccxt.async_support as ccxt

    base = os.environ["VENUE_BINANCE_REST_URL"]
    client = ccxt.binance({"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot"]}}})
    client.has["fetchCurrencies"] = False
    client.urls["api"]["public"] = f"{base}/api/v3"
    try:
        await client.load_markets()
        started, fetched = time.perf_counter(), 0
        since = int(start.timestamp() * 1000)
        while fetched < count:
            rows = await client.fetch_ohlcv(SYMBOL, "1m", since, min(1_000, count - fetched))
            fetched += len(rows)
            since = rows[-1][0] + 60_000
        return fetched, time.perf_counter() - started
    finally:
        await client.close()


async def collecting(start: datetime, count: int) -> tuple[int, float]:
    """The product's own way: ledger, planner, venue, writer."""
    from data_agent.core.collection import Collection
    from data_agent.core.logging import configure_logging
    from data_agent.core.settings import load_settings
    from data_agent.core.time import Span
    from orchestration.collector import Collector

    settings = load_settings()
    configure_logging(settings.log_level)
    venues = {"binance": {"spot": {"instruments": [SYMBOL]}}}
    collection = Collection.model_validate({"history": "1d", "timeframes": ["1m"], "venues": venues})
    async with Collector(settings, collection=collection) as collector:
        [series] = await collector.series("binance")
        started = time.perf_counter()
        outcome = await collector.collect(series, Span(start, start + timedelta(minutes=count)), run_id="bench")
        seconds = time.perf_counter() - started
    if outcome.failures or outcome.holes:
        raise RuntimeError(f"the backfill is not whole: {outcome}")
    return outcome.count_inserted, seconds


def main() -> None:
    """Run one side and print what it took."""
    role, start, count = sys.argv[1:]
    side = {"paging": paging, "collecting": collecting}[role]
    fetched, seconds = asyncio.run(side(datetime.fromisoformat(start), int(count)))
    print(json.dumps({"count": fetched, "seconds": seconds, "peak_memory_mb": _peak_memory()}))


def _peak_memory() -> float:
    """Megabytes. Not `getrusage`: its peak is that of the parent, too, if the parent was larger when it forked."""
    status = Path("/proc/self/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / _KILOBYTE


if __name__ == "__main__":
    main()

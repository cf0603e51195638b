"""Collects and publishes once, as a Dagster run would, in a process that a test can kill.

`python -m tests.end_to_end.worker START END`; the servers come from the environment.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime

from data_agent.core.logging import configure_logging
from data_agent.core.settings import load_settings
from data_agent.core.time import Span
from orchestration.collector import Collector, Work
from orchestration.publish import PublicationPaths, publish


async def collect(span: Span) -> int:
    """How many candles are still to be had after one go at everything."""
    async with Collector(load_settings()) as collector:
        venues = [target.venue for target in collector.collection.targets()]
        work = [Work(series, span) for venue in venues for series in await collector.series(venue)]
        outcomes = await collector.collect_all(work, run_id="worker")
    return sum(outcome.count_holes for outcome in outcomes)


def main() -> int:
    """0 when everything is there and published."""
    configure_logging("WARNING")
    settings = load_settings()
    assert settings.database_url is not None
    start, end = map(datetime.fromisoformat, sys.argv[1:])
    count_holes = asyncio.run(collect(Span(start, end)))
    publish(settings.database_url, PublicationPaths.of(settings), is_simulated=True, wait_seconds=30)
    return 0 if count_holes == 0 else 3


if __name__ == "__main__":
    raise SystemExit(main())

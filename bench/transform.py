"""What publishing one changed day costs, at one and at ten million rows of history."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from bench.candles import make_candles, make_page
from bench.history import fill
from bench.results import Result
from bench.servers import Servers, make_series
from data_agent.core.records import Candle
from data_agent.storage.postgres.database import create_pool
from data_agent.storage.postgres.series import Series
from data_agent.storage.postgres.writer import CandleWriter
from orchestration.publish import PublicationPaths, PublishResult, publish
from orchestration.transform import DbtProject

SERIES = 10
ROUNDS = 5
CHANGED_DAY = 300  # days after the start of the history


def run(servers: Servers) -> Iterator[Result]:
    """`dbt_increment_seconds`: candidates and marts of one dirty slice; the gate is not in it."""
    first, *others = make_series(servers.database_url, *(f"C{number}/USDT" for number in range(SERIES)))
    paths = PublicationPaths.below(servers.directory)
    dbt = DbtProject(servers.database_url, paths.dbt_state)
    _change(servers, first, 0)
    _publish(servers, paths, dbt)
    fill(servers.database_url, [first])
    at_one_million = _median_seconds(servers, first, paths, dbt, from_day=CHANGED_DAY)
    fill(servers.database_url, others)
    at_ten_million = _median_seconds(servers, first, paths, dbt, from_day=CHANGED_DAY + 100)
    yield Result(
        "dbt_increment_seconds",
        round(at_ten_million, 3),
        "s",
        f"the same day at 1M rows of history: {at_one_million:.3f} s",
        round(at_ten_million / at_one_million, 3),
        1.5,
        "ratio at most",
    )


def _median_seconds(
    servers: Servers, series: Series, paths: PublicationPaths, dbt: DbtProject, *, from_day: int
) -> float:
    seconds = []
    for number in range(ROUNDS + 1):
        _change(servers, series, from_day + number)
        outcome = _publish(servers, paths, dbt)
        seconds.append(outcome.seconds["candidates"] + outcome.seconds["marts"])
    return statistics.median(seconds[1:])  # the first one warms up


def _publish(servers: Servers, paths: PublicationPaths, dbt: DbtProject) -> PublishResult:
    outcome = publish(servers.database_url, paths, is_simulated=True, dbt=dbt)
    if outcome.count_rows < 1_440 or outcome.count_dirty_left:
        raise RuntimeError(f"one whole day was to be published: {outcome}")
    return outcome


def _change(servers: Servers, series: Series, day: int) -> None:
    """Write one whole day that differs from what is there, as a correction of the venue would."""
    shift = timedelta(days=day)
    candles = [_moved(candle, shift) for candle in make_candles(1_440)]

    async def write() -> None:
        async with create_pool(servers.database_url) as pool:
            writer = CandleWriter(pool)
            await writer.write(series, make_page(candles), run_id="bench", source="rest", empty_interval="carried")

    asyncio.run(write())


def _moved(candle: Candle, shift: timedelta) -> Candle:
    return Candle(
        candle.open_time + shift,
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume + Decimal(1),
        candle.quote_volume,
        candle.trade_count,
        candle.observed_at,
    )

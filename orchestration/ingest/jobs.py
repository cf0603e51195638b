"""The jobs of the ingest. All run in the process of their run: a second one would only import everything again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from pydantic import Field

from data_agent.connections.limits import Priority
from data_agent.core.time import Timeframe
from orchestration.collected import Round
from orchestration.collector import Collector, Work
from orchestration.gaps import choose_repair
from orchestration.ingest.reporting import fail_if_any, observe, show_new_instruments
from orchestration.names import (
    BULK,
    PRIORITY_LIVE,
    PRIORITY_REPAIR,
    REPAIR_JOB,
    candles_job,
    candles_key,
    instruments_key,
    run_tags,
)
from orchestration.runtime import collected_venues, with_collector
from orchestration.wanted import last_days, live_span

# A venue needs a moment to publish a candle; asked at once, most answers would not hold it yet.
_AFTER_THE_MINUTE: Final = timedelta(seconds=3)


class RepairConfig(dg.Config):
    """Which venue to repair."""

    venue: str


class ReconcileConfig(dg.Config):
    """How far back to read again."""

    days: int = Field(1, ge=1, le=366)


@dg.op
def collect_live(context: dg.OpExecutionContext) -> None:
    """Ask every venue for what the last stretch of each series lacks."""

    async def work(collector: Collector) -> Round:
        return await collector.collect_round(collector.venues, _choose_live, run_id=context.run_id)

    _finish(context, work, Priority.INCREMENTAL)


@dg.op
def fill_gaps(context: dg.OpExecutionContext, config: RepairConfig) -> None:
    """Fill the newest holes of one venue, as many as one bounded run allows."""

    async def work(collector: Collector) -> Round:
        return await collector.collect_round([config.venue], choose_repair, run_id=context.run_id)

    _finish(context, work, Priority.REPAIR)


@dg.op
def read_again(context: dg.OpExecutionContext, config: ReconcileConfig) -> None:
    """Read the last days again, known or not: what a venue corrected late becomes a revision."""

    async def choose(collector: Collector, venue: str) -> list[Work]:
        wanted = last_days(config.days, collector.now())
        return [Work(series, wanted) for series in await collector.series(venue)]

    async def work(collector: Collector) -> Round:
        return await collector.collect_round(collector.venues, choose, run_id=context.run_id, is_forced=True)

    _finish(context, work, Priority.BACKFILL)


async def _choose_live(collector: Collector, venue: str) -> list[Work]:
    series = await collector.series(venue)
    into_minute = collector.now() - Timeframe.M1.floor(collector.now())
    await asyncio.sleep(max(timedelta(), _AFTER_THE_MINUTE - into_minute).total_seconds())
    return [Work(each, live_span(each.timeframe, collector.now())) for each in series]


def _finish(context: dg.OpExecutionContext, work: Callable[[Collector], Awaitable[Round]], priority: Priority) -> None:
    async def and_show(collector: Collector) -> Round:
        collected = await work(collector)
        show_new_instruments(context, collector)
        return collected

    collected = with_collector(and_show, priority=priority)
    observe(context, collected)
    fail_if_any(collected)


@dg.job(
    executor_def=dg.in_process_executor,
    tags=run_tags(priority=PRIORITY_LIVE, max_runtime_seconds=180),
)
def live_ingest() -> None:
    """The newest candles of all venues, each minute; asks only for what is due."""
    collect_live()


@dg.job(
    name=REPAIR_JOB,
    executor_def=dg.in_process_executor,
    tags={BULK: "repair", **run_tags(priority=PRIORITY_REPAIR, max_runtime_seconds=900)},
)
def repair() -> None:
    """Holes that lie scattered over a venue's history, in batches."""
    fill_gaps()


@dg.job(
    executor_def=dg.in_process_executor,
    tags={BULK: "reconcile", **run_tags(priority=PRIORITY_REPAIR, max_runtime_seconds=3_600)},
)
def reconcile() -> None:
    """The last days of all venues, read again as if nothing were known."""
    read_again()


def asset_jobs() -> list[UnresolvedAssetJobDefinition]:
    """One job for all lists of instruments, and one per venue for its candles."""
    venues = collected_venues()
    instruments = dg.define_asset_job(
        "instruments",
        selection=[dg.AssetKey(instruments_key(venue)) for venue in venues],
        description="What the venues list.",
        executor_def=dg.in_process_executor,
        tags=run_tags(priority=PRIORITY_LIVE, max_runtime_seconds=300),
    )
    return [instruments, *map(_candles_job, venues)]


def _candles_job(venue: str) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        candles_job(venue),
        selection=[dg.AssetKey(candles_key(venue))],
        description=f"{venue}'s candles by day; the repair sensor launches it for what the collection file wants.",
        executor_def=dg.in_process_executor,
        tags={BULK: "candles", **run_tags(priority=PRIORITY_REPAIR, max_runtime_seconds=3_600)},
    )

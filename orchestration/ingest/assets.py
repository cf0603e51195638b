"""The assets of the ingest: venue × dataset, from one factory, for every venue of the collection file."""

from datetime import UTC, datetime
from typing import Final
from warnings import catch_warnings, simplefilter

import dagster as dg

from data_agent.connections.limits import Priority
from data_agent.core.time import Span
from data_agent.venues.registry import VENUES
from orchestration.collected import Round
from orchestration.collector import Collector, Synced, Work
from orchestration.ingest.reporting import describe, fail_if_any, show_new_instruments
from orchestration.names import INGEST_GROUP, OWNER, candles_key, instruments_key, pool
from orchestration.runtime import api_url, with_collector

# Binance and OKX opened their spot markets in 2017; no day before it has a candle. Today is a partition as well.
DAYS: Final = dg.DailyPartitionsDefinition(start_date=datetime(2017, 1, 1, tzinfo=UTC), timezone="UTC", end_offset=1)

# Four instruments in six timeframes: 1,000 days are 34 runs, and one of OKX's takes a minute or two of its limits.
_DAYS_PER_RUN: Final = 30


def build_assets(venue: str) -> list[dg.AssetsDefinition]:
    """The assets of one venue."""
    # Backfill policies are still called beta; every run would say so in the log.
    with catch_warnings():
        simplefilter("ignore", dg.BetaWarning)
        return [_instruments(venue), _candles(venue)]


def _products(venue: str) -> str:
    return ", ".join(VENUES[venue].products)


def _instruments(venue: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=instruments_key(venue),
        description=(
            f"What {venue} lists ({_products(venue)}): ref.instruments and their versions, one per period in which the"
            " venue described an instrument so. Series are made for what the collection file names."
        ),
        group_name=INGEST_GROUP,
        owners=[OWNER],
        kinds={"ccxt", "postgres"},
        tags={"venue": venue, "dataset": "instruments"},
        metadata={
            "table": "ref.instruments",
            "api": dg.MetadataValue.url(api_url(f"/v1/instruments?exchange={venue}")),
        },
        pool=pool(venue),
    )
    def instruments() -> dg.MaterializeResult[None]:
        synced = with_collector(lambda collector: _sync(collector, venue), priority=Priority.INCREMENTAL)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(each.count_listed for each in synced),
                "changed": sum(each.count_changed for each in synced),
                "new_series": sum(each.count_new_series for each in synced),
            }
        )

    return instruments


async def _sync(collector: Collector, venue: str) -> list[Synced]:
    return [await collector.sync_instruments(venue, target.product) for target in collector.targets(venue)]


def _candles(venue: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=candles_key(venue),
        deps=[dg.AssetKey(instruments_key(venue))],
        description=(
            f"{venue}'s own candles in raw.candles, one partition per UTC day. To materialize a day is to bring its"
            " coverage to complete, for every series the collection file names: only what the ledger lacks is asked"
            " for, so doing it again costs nothing."
        ),
        group_name=INGEST_GROUP,
        owners=[OWNER],
        kinds={"ccxt", "postgres"},
        tags={"venue": venue, "dataset": "candles"},
        metadata={
            "table": "raw.candles",
            "ledger": "ops.coverage",
            "coverage": dg.MetadataValue.url(api_url(f"/v1/coverage?exchange={venue}")),
        },
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=_DAYS_PER_RUN),
        pool=pool(venue),
    )
    def candles(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        window = context.partition_time_window
        wanted = Span(window.start, window.end)
        collected = with_collector(
            lambda collector: _collect(context.op_execution_context, collector, venue, wanted),
            priority=Priority.BACKFILL,
        )
        fail_if_any(collected)
        return dg.MaterializeResult(metadata=describe(collected, venue))

    return candles


async def _collect(context: dg.OpExecutionContext, collector: Collector, venue: str, wanted: Span) -> Round:
    async def choose(collector: Collector, venue: str) -> list[Work]:
        return [Work(series, wanted) for series in await collector.series(venue)]

    collected = await collector.collect_round([venue], choose, run_id=context.run_id)
    show_new_instruments(context, collector)
    return collected

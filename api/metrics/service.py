"""The exposition: what the process counted, and gauges made anew from the store at each scrape."""

from __future__ import annotations

from typing import Final

import psycopg
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from api.metrics import repository
from api.state import AppState

_SERIES_LABELS: Final = ["exchange", "product", "timeframe"]


async def exposition(state: AppState) -> bytes:
    """All metrics in Prometheus' text format. With the store away, those of the process still come."""
    registry = CollectorRegistry()
    is_up = Gauge("data_agent_store_up", "Whether the store answered this scrape.", registry=registry)
    try:
        await _read_store(state, registry)
        is_up.set(1)
    except psycopg.Error:
        is_up.set(0)
    return generate_latest(state.metrics.registry) + generate_latest(registry)


async def _read_store(state: AppState, registry: CollectorRegistry) -> None:
    async with state.store.snapshot() as connection:
        newest = await repository.newest(connection)
        dirty = await repository.dirty(connection)
        rejects = await repository.rejects(connection)
    count_series = Gauge("data_agent_series", "Series that are collected.", _SERIES_LABELS, registry=registry)
    age = Gauge(
        "data_agent_newest_candle_age_seconds",
        "Time since the newest settled candle closed, of the series where it is longest.",
        _SERIES_LABELS,
        registry=registry,
    )
    covered = Gauge(
        "data_agent_coverage_ratio",
        "Share of the last 24 hours that is known, of the series where it is smallest.",
        _SERIES_LABELS,
        registry=registry,
    )
    for row in newest:
        labels = (row["venue"], row["product"], row["timeframe"])
        count_series.labels(*labels).set(row["count_series"])
        covered.labels(*labels).set(row["covered_ratio"])
        if row["age_seconds"] is not None:
            age.labels(*labels).set(row["age_seconds"])
    waiting = Gauge(
        "data_agent_dirty_slices", "Days of series that wait for the gate.", ["exchange"], registry=registry
    )
    longest = Gauge(
        "data_agent_dirty_slice_age_seconds", "How long the first of them has waited.", ["exchange"], registry=registry
    )
    for row in dirty:
        waiting.labels(row["venue"]).set(row["count_slices"])
        longest.labels(row["venue"]).set(row["age_seconds"])
    rejected = Gauge(
        "data_agent_rejects", "Distinct things sent that could not be understood.", ["exchange", "reason"],
        registry=registry,
    )  # fmt: skip
    for row in rejects:
        rejected.labels(row["venue"], row["reason"]).set(row["count_rejects"])

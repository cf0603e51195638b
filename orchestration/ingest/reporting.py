"""What a run tells Dagster of what it collected."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from orchestration.collected import Round
from orchestration.collector import Collector
from orchestration.names import candles_key, instruments_key
from orchestration.runtime import api_url

Metadata = Mapping[str, dg.MetadataValue]


def describe(collected: Round, venue: str = "") -> Metadata:
    """Rows, holes, first and last candle, requests, failures, and where to look further."""
    metadata: dict[str, dg.MetadataValue] = {
        name: dg.MetadataValue.int(collected.total(count)) for name, count in _COUNTS.items()
    }
    if collected.first is not None and collected.last is not None:
        metadata["first_open_time"] = dg.MetadataValue.timestamp(collected.first)
        metadata["last_open_time"] = dg.MetadataValue.timestamp(collected.last)
    if collected.failures:
        metadata["failures"] = dg.MetadataValue.json(collected.failures)
    metadata["coverage"] = dg.MetadataValue.url(api_url("/v1/coverage" + (f"?exchange={venue}" if venue else "")))
    metadata["quality_report"] = dg.MetadataValue.url(api_url("/reports/quality/"))
    return metadata


_COUNTS = {
    "requests": "count_requests",
    "rows_received": "count_received",
    "rows_inserted": "count_inserted",
    "rows_revised": "count_revised",
    "rows_rejected": "count_rejected",
    "holes": "count_holes",
}


def observe(context: dg.OpExecutionContext, collected: Round) -> None:
    """Show at each venue's asset what a job that is no materialization brought; quiet where it asked for nothing."""
    for venue, part in collected.by_venue().items():
        if part.total("count_requests"):
            key = dg.AssetKey(candles_key(venue))
            context.log_event(dg.AssetObservation(asset_key=key, metadata=describe(part, venue)))


def fail_if_any(collected: Round) -> None:
    """End the run as failed if something failed, after all that did not fail has been stored.

    Raises:
        dagster.Failure: with every reason. What is missing is asked for again by whoever reads the ledger next.
    """
    failures = collected.failures
    if not failures:
        return
    more = [f"… and {len(failures) - _SHOWN} more"] if len(failures) > _SHOWN else []
    raise dg.Failure(
        "\n".join(["What did not fail is stored; the rest stays unknown in the ledger.", *failures[:_SHOWN], *more]),
        metadata=describe(collected),
        allow_retries=False,
    )


_SHOWN = 20


def show_new_instruments(context: dg.OpExecutionContext, collector: Collector) -> None:
    """A run that met a venue for the first time has brought its list of instruments along: show it at its asset."""
    for (venue, _), synced in collector.synced.items():
        context.log_event(
            dg.AssetMaterialization(
                asset_key=dg.AssetKey(instruments_key(venue)),
                metadata={name: dg.MetadataValue.int(value) for name, value in synced._asdict().items()},
            )
        )

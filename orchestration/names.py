"""Names that more than one module must spell alike: assets, tags, owners. Imports nothing."""

from __future__ import annotations

from typing import Final

OWNER: Final = "team:market-data"

INGEST_GROUP: Final = "ingest"

REPAIR_JOB: Final = "repair"
PUBLISH_JOB: Final = "publish"

CANDIDATES_KEY: Final = ["intermediate", "int_candles__candidates"]
VERDICTS_KEY: Final = ["quality_gate", "verdicts"]

# Run tags. Bulk work is limited by this tag in dagster.yaml, so that the live job always finds a place.
BULK: Final = "data-agent/bulk"
REPAIR_OF: Final = "data-agent/repair-of"
BACKFILL_REQUEST: Final = "data-agent/backfill-request"

# The queue takes the greater first.
PRIORITY_LIVE: Final = "10"
PRIORITY_PUBLISH: Final = "8"
PRIORITY_REPAIR: Final = "5"
PRIORITY_REQUEST: Final = "3"


UNFINISHED: Final = ("NOT_STARTED", "QUEUED", "STARTING", "STARTED", "CANCELING")
"""Statuses of a run that may still do something."""


def candles_key(venue: str) -> list[str]:
    """The asset that is a venue's candles in `raw`."""
    return [venue, "candles"]


def instruments_key(venue: str) -> list[str]:
    """The asset that is a venue's list of instruments in `ref`."""
    return [venue, "instruments"]


def candles_job(venue: str) -> str:
    """The job that materializes a venue's candles."""
    return f"{venue}_candles"


def pool(venue: str) -> str:
    """The pool whose places the bulk runs of a venue share."""
    return f"venue_{venue}"


def run_tags(*, priority: str, max_runtime_seconds: int, retries: int = 0) -> dict[str, str]:
    """What Dagster is told of a run.

    Args:
        max_runtime_seconds: a run that hangs is ended by Dagster's monitoring.
        retries: how often a run whose process died is tried again; 0 where the next tick does the same work anyway.
    """
    return {
        "dagster/priority": priority,
        "dagster/max_runtime": str(max_runtime_seconds),
        "dagster/max_retries": str(retries),
    }

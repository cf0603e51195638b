"""The code location `ingest`: from the venues to `raw`. It imports neither dbt nor Great Expectations nor pandas."""

from __future__ import annotations

import dagster as dg

from orchestration.ingest.assets import build_assets
from orchestration.ingest.housekeeping import dead_runs, prune_runs
from orchestration.ingest.jobs import asset_jobs, live_ingest, reconcile, repair
from orchestration.ingest.repair_sensor import build_repair_sensor
from orchestration.ingest.request_runs import backfill_request, backfill_requests
from orchestration.ingest.schedules import SCHEDULES
from orchestration.runtime import collected_venues

_ASSET_JOBS = asset_jobs()

defs = dg.Definitions(
    # Backfills from the UI run in the process of their run as well: a process per step would import all over again.
    executor=dg.in_process_executor,
    assets=[asset for venue in collected_venues() for asset in build_assets(venue)],
    jobs=[live_ingest, repair, reconcile, backfill_request, prune_runs, *_ASSET_JOBS],
    schedules=SCHEDULES,
    sensors=[build_repair_sensor([repair, *_ASSET_JOBS[1:]]), backfill_requests, dead_runs],
)

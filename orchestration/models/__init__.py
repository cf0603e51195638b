"""The code location `models`: from `raw` through candidates and verdicts to the published marts."""

from __future__ import annotations

import dagster as dg

from orchestration.models.publication import publication, publish_job
from orchestration.models.reports import reports
from orchestration.models.triggers import dirty_slices, reports_daily

defs = dg.Definitions(
    # Backfills from the UI run in the process of their run as well: a process per step would import all over again.
    executor=dg.in_process_executor,
    assets=[publication],
    jobs=[publish_job, reports],
    schedules=[reports_daily],
    sensors=[dirty_slices],
)

"""Both code locations as one, for `dg` and for the test of the whole graph. Loads and merges, nothing else."""

from __future__ import annotations

import dagster as dg

from orchestration.ingest import defs as ingest
from orchestration.models import defs as models

defs = dg.Definitions.merge(ingest, models)

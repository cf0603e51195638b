"""The repair sensor: compares the ledger with what the collection file wants, and launches bounded runs.

It fills a new store as well: there, everything is a gap. After a failed run it waits, longer each time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from msgspec import Struct, convert, to_builtins

from data_agent.core.collection import Target, load_collection
from data_agent.core.settings import load_settings
from data_agent.core.time import utc_now
from data_agent.storage.postgres import bans
from data_agent.storage.postgres.database import create_pool
from orchestration.gaps import DayRange, Gap, Scattered, find_gaps, plan_run
from orchestration.ingest.jobs import RepairConfig, fill_gaps
from orchestration.names import REPAIR_JOB, REPAIR_OF, candles_job
from orchestration.runtime import collected_venues, database_url

_FIRST_PAUSE: Final = timedelta(seconds=15)
_LONGEST_PAUSE: Final = timedelta(minutes=10)


class Attempts(Struct, frozen=True):
    """What the sensor remembers of one venue between its ticks: the last failed run and how many failed in a row."""

    run_id: str = ""
    count_failed: int = 0


class Situation(Struct, frozen=True):
    """What the store says of one venue."""

    gaps: list[Gap]
    banned_until: datetime | None


async def look(venue: str, now: datetime) -> Situation:
    """Read the ledger and the bans of one venue."""
    targets = [target for target in _targets() if target.venue == venue]
    async with create_pool(database_url(), max_size=1) as pool, pool.connection() as connection:
        held = await bans.active(connection, venue, now)
        return Situation(
            await find_gaps(connection, targets, now),
            # A limit that is full for a moment is no reason to wait; a ban of the whole address is.
            max((ban.until for ban in held if ban.scope.endswith("/ip")), default=None),
        )


def _targets() -> Sequence[Target]:
    return load_collection(load_settings().collection_file).targets()


def pause_after(count_failed: int) -> timedelta:
    """How long to wait after so many failed runs in a row: 15 s, doubling, to 10 minutes."""
    return timedelta() if count_failed == 0 else min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(count_failed - 1, 10)))


def build_repair_sensor(jobs: Sequence[dg.JobDefinition | UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """The sensor over the repair job and the candles jobs of all venues."""

    @dg.sensor(
        name="gap_repair",
        jobs=list(jobs),
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Compares the ledger with what the collection file wants, and launches one bounded run per venue that"
            " lacks something: its candles job for whole days, the repair job for scattered holes."
        ),
    )
    def gap_repair(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before = convert(json.loads(context.cursor or "{}"), dict[str, Attempts])
        decisions = {venue: _decide(context.instance, venue, before.get(venue)) for venue in collected_venues()}
        requests = [each.request for each in decisions.values() if each.request is not None]
        reasons = "; ".join(f"{venue}: {each.reason}" for venue, each in decisions.items())
        attempts = {venue: each.attempts for venue, each in decisions.items()}
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else reasons,
            cursor=json.dumps(to_builtins(attempts)),
        )

    return gap_repair


class Decision(NamedTuple):
    """What to do about one venue, and why."""

    attempts: Attempts
    reason: str
    request: dg.RunRequest | None = None


def _decide(instance: dg.DagsterInstance, venue: str, before: Attempts | None) -> Decision:
    attempts, now = before or Attempts(), utc_now()
    last = next(iter(instance.get_run_records(dg.RunsFilter(tags={REPAIR_OF: venue}), limit=1)), None)
    if last is not None and not last.dagster_run.is_finished:
        return Decision(attempts, f"run {last.dagster_run.run_id[:8]} is at work")
    if last is not None:
        attempts = _count(attempts, last)
        ended_at = datetime.fromtimestamp(last.end_time or last.update_timestamp.timestamp(), UTC)
        resume_at = ended_at + pause_after(attempts.count_failed)
        if now < resume_at:
            return Decision(attempts, f"{attempts.count_failed} runs failed; next at {resume_at:%H:%M:%S} UTC")
    situation = asyncio.run(look(venue, now))
    if situation.banned_until is not None:
        return Decision(attempts, f"banned until {situation.banned_until:%H:%M:%S} UTC")
    plan = plan_run(situation.gaps)
    if plan is None:
        return Decision(attempts, "nothing is missing")
    return Decision(attempts, f"launched for {plan}", _run_request(venue, plan))


def _count(attempts: Attempts, last: dg.RunRecord) -> Attempts:
    run = last.dagster_run
    if run.is_success:
        return Attempts(run.run_id, 0)
    return attempts if run.run_id == attempts.run_id else Attempts(run.run_id, attempts.count_failed + 1)


def _run_request(venue: str, plan: DayRange | Scattered) -> dg.RunRequest:
    tags = {REPAIR_OF: venue, "venue": venue}
    if isinstance(plan, Scattered):
        config = dg.RunConfig(ops={fill_gaps.name: RepairConfig(venue=venue)})
        return dg.RunRequest(job_name=REPAIR_JOB, run_config=config, tags=tags)
    return dg.RunRequest(
        job_name=candles_job(venue),
        tags={
            **tags,
            ASSET_PARTITION_RANGE_START_TAG: plan.first.isoformat(),
            ASSET_PARTITION_RANGE_END_TAG: plan.last.isoformat(),
        },
    )

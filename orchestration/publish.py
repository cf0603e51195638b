"""The publication of dirty slices: freeze, build candidates, judge, tell the ledger, publish.

    ops.dirty_slices ─► freeze ─► dbt: candidates ─► the gate: verdicts ─► the ledger ─► dbt: marts, slices clean

Each step may be run again: what a crash leaves behind between any two of them is done over by the next publication,
to the same tables. One publication runs at a time; slices that become dirty meanwhile wait for the next round.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from msgspec import Struct
from psycopg import Connection

from data_agent.core.logging import get_logger
from data_agent.core.settings import Settings
from data_agent.storage.postgres import slices
from expectations.gate import GateReport, judge
from orchestration.transform import CANDIDATES, MARTS, DbtProject
from orchestration.withheld import tell_ledger

STEPS: Final = ("freeze", "candidates", "gate", "ledger", "marts")
# Enough for ten thousand instrument days in one go; what is left then waits for the next publication.
DEFAULT_ROUNDS: Final = 100
_log = get_logger(__name__)


class PublicationPaths(Struct, frozen=True):
    """Where a publication writes files: all below the data directory, none in the repository.

    Attributes:
        dbt_state: parsed project, compiled SQL, dbt's logs.
        gate_store: Great Expectations' results and raw pages.
        quality_report: the served quality report; its entrance is `index.html`.
        dbt_docs: the served documentation of the models, likewise.
    """

    dbt_state: Path
    gate_store: Path
    quality_report: Path
    dbt_docs: Path

    @classmethod
    def below(cls, data_directory: Path) -> PublicationPaths:
        """The usual places below one data directory."""
        reports = data_directory / "reports"
        return cls(data_directory / "dbt", data_directory / "gate", reports / "quality", reports / "dbt")

    @classmethod
    def of(cls, settings: Settings) -> PublicationPaths:
        """The places of this deployment."""
        return cls.below(settings.data_directory)


class PublishResult(Struct, frozen=True):
    """What a publication did, over all its rounds.

    Attributes:
        count_rounds: publications made, each of at most `limit_instrument_days`.
        count_slices: slices judged and published, those that were not dirty but belong to the same day included.
        count_rows, count_failed, count_warned: candidate rows judged, withheld, and served with a warning.
        count_incomplete: slices that lack candles.
        count_dirty_left: slices that were dirty at the end.
        broken_rules: rows per broken rule.
        seconds: per step, see `STEPS`.
        pages: the quality report's pages of these rounds, relative to its directory.
    """

    count_rounds: int
    count_slices: int
    count_rows: int
    count_failed: int
    count_warned: int
    count_incomplete: int
    count_dirty_left: int
    broken_rules: dict[str, int]
    seconds: dict[str, float]
    pages: tuple[Path, ...]


class Publication:
    """One publication at work; made by `open_publication`. Its steps are run in the order of `STEPS`.

    Every step but the first refuses to work once the publication lock is lost.
    """

    def __init__(
        self,
        connection: Connection[Any],
        database_url: str,
        dbt: DbtProject,
        paths: PublicationPaths,
        *,
        run_id: str,
        is_simulated: bool,
    ) -> None:
        self.connection = connection
        self.database_url = database_url
        self.dbt = dbt
        self.paths = paths
        self.run_id = run_id
        self.is_simulated = is_simulated

    def freeze(self, limit_instrument_days: int = slices.DEFAULT_LIMIT) -> int:
        """Choose what to publish; returns the number of slices, 0 if nothing is dirty."""
        return slices.freeze(self.connection, limit_instrument_days=limit_instrument_days)

    def build_candidates(self) -> None:
        """Build the candidates of the frozen slices."""
        slices.check_lock(self.connection)
        self.dbt.run(CANDIDATES)

    def judge(self) -> GateReport:
        """Judge the candidates and write the verdicts."""
        slices.check_lock(self.connection)
        return judge(
            self.connection,
            self.database_url,
            store_directory=self.paths.gate_store,
            served_directory=self.paths.quality_report,
            run_id=self.run_id,
            is_simulated=self.is_simulated,
        )

    def tell_ledger(self) -> int:
        """Have the ledger ask again for candles withheld for the first time; returns their number."""
        slices.check_lock(self.connection)
        return asyncio.run(tell_ledger(self.database_url, run_id=self.run_id))

    def publish_marts(self) -> None:
        """Replace the judged slices in the marts, and clear what did not change meanwhile, in one transaction."""
        slices.check_lock(self.connection)
        self.dbt.run(MARTS)


@contextmanager
def open_publication(
    database_url: str,
    paths: PublicationPaths,
    *,
    is_simulated: bool,
    run_id: str | None = None,
    wait_seconds: float = 0,
    dbt: DbtProject | None = None,
) -> Iterator[Publication]:
    """Be the one publication for as long as the block runs.

    Args:
        dbt: a project already prepared for this database; otherwise it is parsed first (5 s), before the lock is taken.

    Raises:
        PublicationBusy: another publication is running, and was still after `wait_seconds`.
        TransformError: the dbt project cannot be parsed.
    """
    dbt = dbt or DbtProject(database_url, paths.dbt_state)
    dbt.prepare()
    with slices.hold_publication_lock(database_url, wait_seconds=wait_seconds) as connection:
        yield Publication(
            connection, database_url, dbt, paths, run_id=run_id or f"publish-{uuid4()}", is_simulated=is_simulated
        )


def publish(
    database_url: str,
    paths: PublicationPaths,
    *,
    is_simulated: bool,
    run_id: str | None = None,
    limit_instrument_days: int = slices.DEFAULT_LIMIT,
    max_rounds: int = DEFAULT_ROUNDS,
    wait_seconds: float = 0,
    dbt: DbtProject | None = None,
) -> PublishResult:
    """Publish until nothing is dirty, or `max_rounds` were made.

    Raises:
        PublicationBusy: another publication is running.
        TransformError: a model failed; nothing of that round was published.
        GateError: the candidates could not be judged; nothing of that round was published.
    """
    tally = _Tally()
    with open_publication(
        database_url, paths, is_simulated=is_simulated, run_id=run_id, wait_seconds=wait_seconds, dbt=dbt
    ) as publication:
        for number in count(1):
            if number > max_rounds or not _publish_round(publication, limit_instrument_days, number, tally):
                break
        return tally.result(slices.count_dirty(publication.connection))


def _publish_round(publication: Publication, limit_instrument_days: int, number: int, tally: _Tally) -> bool:
    with tally.timed("freeze"):
        count_slices = publication.freeze(limit_instrument_days)
    if not count_slices:
        return False
    with tally.timed("candidates"):
        publication.build_candidates()
    with tally.timed("gate"):
        report = publication.judge()
    with tally.timed("ledger"):
        count_told = publication.tell_ledger()
    with tally.timed("marts"):
        publication.publish_marts()
    tally.add(report)
    _log.info(
        "slices published", round=number, slices=count_slices, rows=report.count_rows, failed=report.count_failed,
        told=count_told,
    )  # fmt: skip
    return True


class _Tally:
    """Adds up the rounds of one publication."""

    def __init__(self) -> None:
        self.reports: list[GateReport] = []
        self.seconds = dict.fromkeys(STEPS, 0.0)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[step] += time.perf_counter() - begun

    def add(self, report: GateReport) -> None:
        self.reports.append(report)

    def result(self, count_dirty_left: int) -> PublishResult:
        rules: Counter[str] = Counter()
        for report in self.reports:
            rules.update(report.broken_rules)
        return PublishResult(
            count_rounds=len(self.reports),
            count_slices=sum(len(each.verdicts) for each in self.reports),
            count_rows=sum(each.count_rows for each in self.reports),
            count_failed=sum(each.count_failed for each in self.reports),
            count_warned=sum(each.count_warned for each in self.reports),
            count_incomplete=sum(len(each.incomplete) for each in self.reports),
            count_dirty_left=count_dirty_left,
            broken_rules=dict(rules.most_common()),
            seconds={step: round(seconds, 3) for step, seconds in self.seconds.items()},
            pages=tuple(page for each in self.reports for page in each.pages),
        )

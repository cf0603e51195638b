"""The gate: judge the candidates of the frozen slices, write the verdicts, publish the report."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from psycopg import Connection

from data_agent.core.logging import get_logger
from data_agent.core.time import utc_now
from expectations.data_docs import HISTORY, forget_old_runs, publish_pages
from expectations.verdicts import SliceVerdict, record_verdicts

if TYPE_CHECKING:
    from expectations.judge import Findings

_UNSAFE_IN_A_PATH: Final = re.compile(r"[^\w.-]+")
_log = get_logger(__name__)


class GateReport(Struct, frozen=True):
    """What one judgement said.

    Attributes:
        verdicts: one per frozen slice.
        broken_rules: rows per broken rule, the most frequent first.
        incomplete: slices (series id and day) that lack candles.
        pages: the report's pages of this judgement, relative to the served directory.
    """

    verdicts: tuple[SliceVerdict, ...]
    broken_rules: dict[str, int]
    incomplete: tuple[tuple[int, date], ...]
    pages: tuple[Path, ...]

    @property
    def count_rows(self) -> int:
        """Candidate rows judged."""
        return sum(verdict.count_rows for verdict in self.verdicts)

    @property
    def count_failed(self) -> int:
        """Rows withheld."""
        return sum(verdict.count_failed for verdict in self.verdicts)

    @property
    def count_warned(self) -> int:
        """Rows served with a warning."""
        return sum(verdict.count_warned for verdict in self.verdicts)


def judge(
    connection: Connection[Any],
    database_url: str,
    *,
    store_directory: Path,
    served_directory: Path,
    run_id: str,
    is_simulated: bool,
    decided_at: datetime | None = None,
) -> GateReport:
    """Judge the candidates that stand in the database, and write down what was found.

    Args:
        connection: the publication's connection, in autocommit; the verdicts are one transaction.
        store_directory: where Great Expectations keeps results and raw pages.
        served_directory: the report, complete in itself; `index.html` is its entrance.
        run_id: who judges; also the run's name in the report.

    Raises:
        GateError: an expectation could not be evaluated; no verdict was written.
    """
    evaluate = _load_judge()

    forget_old_runs(store_directory, keep=HISTORY - 1)
    findings = evaluate(database_url, store_directory, run_name=_UNSAFE_IN_A_PATH.sub("-", run_id))
    verdicts = record_verdicts(connection, findings.broken, run_id=run_id, decided_at=decided_at or utc_now())
    publish_pages(store_directory / "site", served_directory, is_simulated=is_simulated)
    report = GateReport(verdicts.slices, verdicts.count_by_rule, findings.incomplete, findings.pages)
    _log.info(
        "candidates judged", slices=len(verdicts.slices), rows=report.count_rows, failed=report.count_failed,
        warned=report.count_warned, rules=report.broken_rules, incomplete=len(report.incomplete),
    )  # fmt: skip
    return report


def _load_judge() -> Callable[..., Findings]:
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    # It tells at level info of each of its own closures, hundreds of lines a run.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    from expectations.judge import evaluate  # noqa: PLC0415  # Great Expectations takes seconds to import

    return evaluate

"""Waiting until what the collection file names is served as `final`: the end of `up --wait`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from data_agent.cli.api_client import ask
from data_agent.cli.coverage import fetch_coverage
from data_agent.cli.deployment import Deployment
from data_agent.cli.output import duration_text
from data_agent.cli.readiness import Watch
from data_agent.cli.supervisor import Supervisor
from data_agent.core.collection import Target, load_collection
from data_agent.core.errors import DataAgentError, EnvironmentFault
from data_agent.core.time import Timeframe, utc_now

PATIENCE_SECONDS: Final = 240
_POLL_SECONDS: Final = 2.0
_SAY_SECONDS: Final = 10.0
# What closed just now is fetched within a minute and read once more when it has settled; it is not waited for.
_RECENT: Final = timedelta(minutes=3)
# Nothing more will come there, and the ledger says why.
_SETTLED: Final = frozenset({"empty_market", "exchange_outage", "our_outage", "unrecoverable"})


class Standing(NamedTuple):
    """How far one series is.

    Attributes:
        count_expected: candles of the range that was asked for; 0 while the series is not known yet.
        count_final: those served as final, and those the ledger says nobody has.
    """

    name: str
    count_expected: int
    count_final: int

    @property
    def is_final(self) -> bool:
        """Whether the whole range is settled."""
        return 0 < self.count_expected <= self.count_final


class Wanted(NamedTuple):
    """One series of the collection file and the range to wait for."""

    venue: str
    product: str
    symbol: str
    timeframe: Timeframe
    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        """For people: exchange, symbol, timeframe."""
        return f"{self.venue} {self.symbol} {self.timeframe}"


def await_final(
    deployment: Deployment, say: Callable[[str], None], *, patience_seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait until every series of the collection file is final over its history, and the reports are written.

    Raises:
        EnvironmentFault: a program keeps dying meanwhile, or the time is over; the message says what lacks.
    """
    wanted = wanted_series(load_collection(deployment.settings.collection_file).targets(), utc_now())
    watch = Watch(Supervisor(deployment.directory), deployment.directory)
    begun = time.monotonic()
    said_at = begun - _SAY_SECONDS
    standings: dict[str, Standing] = {}
    while True:
        watch.look()
        trouble = _look(deployment, [each for each in wanted if not _is_final(standings, each)], standings)
        elapsed = time.monotonic() - begun
        lacking = [each.name for each in wanted if not _is_final(standings, each)]
        lacking += missing_reports(deployment.directory)
        if not lacking:
            say(f"every series is final, the reports are written ({duration_text(elapsed)})")
            return
        if time.monotonic() - said_at >= _SAY_SECONDS:
            say(f"{duration_text(elapsed)}: {progress_text(wanted, standings.values())}")
            said_at = time.monotonic()
        if elapsed > patience_seconds:
            raise EnvironmentFault(_reason(lacking, trouble, deployment, patience_seconds))
        time.sleep(_POLL_SECONDS)


def wanted_series(targets: Iterable[Target], now: datetime) -> list[Wanted]:
    """Every series of the collection with the range of open times that has to be final."""
    wanted = [
        Wanted(target.venue, target.product, symbol, timeframe, *_range(target, timeframe, now))
        for target in targets
        for symbol in target.symbols
        for timeframe in target.timeframes
    ]
    return [each for each in wanted if each.start < each.end]


def _range(target: Target, timeframe: Timeframe, now: datetime) -> tuple[datetime, datetime]:
    return timeframe.ceil(now - target.history), timeframe.floor(now - _RECENT)


def _is_final(standings: dict[str, Standing], wanted: Wanted) -> bool:
    return wanted.name in standings and standings[wanted.name].is_final


def _look(deployment: Deployment, wanted: Sequence[Wanted], standings: dict[str, Standing]) -> str:
    """Ask for every series that is not final yet; returns what went wrong, if anything did."""
    try:
        known = {line.name for line in fetch_coverage(deployment)}
        for each in wanted:
            if each.name in known:
                standings[each.name] = _standing(deployment, each)
    except DataAgentError as error:
        return str(error)  # the API may be starting again; Watch knows if it never does
    return ""


def _standing(deployment: Deployment, wanted: Wanted) -> Standing:
    asked = {
        "exchange": wanted.venue,
        "symbol": wanted.symbol,
        "timeframe": wanted.timeframe.value,
        "start": wanted.start.isoformat(),
        "end": wanted.end.isoformat(),
    }
    [line] = fetch_coverage(deployment, asked)
    settled = sum((gap.end - gap.start) // wanted.timeframe.duration for gap in line.gaps if gap.status in _SETTLED)
    # Rows are only counted once they can be enough.
    is_whole = line.present + settled >= line.expected
    return Standing(wanted.name, line.expected, settled + count_final(deployment, asked) if is_whole else 0)


def count_final(deployment: Deployment, asked: dict[str, str]) -> int:
    """How many candles of a range are served as final."""
    count = 0
    cursor = None
    while True:
        body = ask(deployment, "/v1/candles", asked | {"limit": "5000"} | ({"cursor": cursor} if cursor else {}))
        count += [row["status"] for row in body["data"]].count("final")
        cursor = body["next_cursor"]
        if cursor is None:
            return count


def progress_text(wanted: Sequence[Wanted], standings: Iterable[Standing]) -> str:
    """How many series are where."""
    standings = list(standings)
    known = [standing for standing in standings if standing.count_expected]
    return f"{sum(standing.is_final for standing in standings)} of {len(wanted)} series final, {len(known)} begun"


def missing_reports(directory: Path) -> list[str]:
    """Which of the reports that `up` shows links to are not written yet."""
    reports = {"dbt docs": "dbt", "quality report": "quality"}
    return [title for title, name in reports.items() if not (directory / "reports" / name / "index.html").is_file()]


def _reason(lacking: Sequence[str], trouble: str, deployment: Deployment, patience_seconds: float) -> str:
    shown = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
    return (
        f"not everything is final after {duration_text(patience_seconds)}; lacking: {shown}"
        f"{f'; {trouble}' if trouble else ''}; failed runs, if any, are in the Dagster UI's event log and in "
        f"{deployment.directory / 'logs'}"
    )

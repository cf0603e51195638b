"""`data-agent doctor`: every precondition, one line each, with what to do where it does not hold."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from data_agent.cli import preflight
from data_agent.cli.deployment import find_deployment, open_deployment, settings_for
from data_agent.cli.output import Output
from data_agent.cli.supervisor import Supervisor
from data_agent.core.errors import ConfigurationError, DataAgentError, EnvironmentFault
from data_agent.core.settings import Settings
from data_agent.core.time import utc_now

_NEEDED_MEMORY_BYTES: Final = 2_500_000_000
_TIMEOUT_SECONDS: Final = 10
# A candle is closed by the venue's clock, so ours being off loses nothing; beyond this, logs and ages mislead.
_MOST_CLOCK_ERROR: Final = timedelta(seconds=2)


@dataclass(frozen=True)
class Finding:
    """What one check found; `text` says what to do where `is_well` is false."""

    check: str
    is_well: bool
    text: str


def run_doctor(output: Output, *, is_simulated: bool | None) -> int:
    """Show every finding; returns the exit code, 0 if all is well."""
    findings = list(examine(_meant(is_simulated)))
    output.result({"findings": [asdict(finding) for finding in findings]})
    output.table(
        ("check", "", "finding"),
        [(finding.check, "ok" if finding.is_well else "PROBLEM", finding.text) for finding in findings],
    )
    return 0 if all(finding.is_well for finding in findings) else 1


def _meant(is_simulated: bool | None) -> Settings:
    """Of the deployment there is; before the first start, of the one the environment asks for."""
    try:
        return find_deployment(is_simulated).settings
    except EnvironmentFault:
        return settings_for(is_simulated)


def examine(settings: Settings) -> Iterator[Finding]:
    """Run every check that makes sense in the present state: ports only before a start, programs only after it."""
    checks: list[tuple[str, Callable[[Settings], str]]] = [
        ("python", _python),
        ("tools", _tools),
        ("disk", _disk),
        ("memory", _memory),
        ("collection file", _collection),
        ("kind of data", _kind),
        ("external servers", _external_servers),
    ]
    if Supervisor(settings.data_directory).is_running():
        checks += [("programs", _programs), ("database", _database)]
    else:
        checks += [("ports", _ports)]
    for name, check in checks:
        yield _finding(name, check, settings)
    yield from _venue_findings(settings)


def _finding(name: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(name, True, check(settings))
    except DataAgentError as error:
        return Finding(name, False, str(error))


def _python(_settings: Settings) -> str:
    # An older Python could not have read this file; make install refuses it.
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _tools(settings: Settings) -> str:
    preflight.check_tools(settings)
    return "setpriv, unshare, supervisord, dagster and dbt are there"


def _disk(settings: Settings) -> str:
    return f"{preflight.check_disk(settings.data_directory) / 1e9:.0f} GB free for {settings.data_directory}"


def _memory(_settings: Settings) -> str:
    import psutil

    total = psutil.virtual_memory().total
    if total < _NEEDED_MEMORY_BYTES:
        raise EnvironmentFault(f"{total / 1e9:.1f} GB of memory; {_NEEDED_MEMORY_BYTES / 1e9:.1f} GB are needed")
    return f"{total / 1e9:.1f} GB"


def _collection(settings: Settings) -> str:
    collection = preflight.check_collection_file(settings)
    series = sum(len(target.symbols) * len(target.timeframes) for target in collection.targets())
    return f"{settings.collection_file}: {series} series of {', '.join(collection.venues)}"


def _kind(settings: Settings) -> str:
    preflight.check_kind(settings)
    return f"{'simulated' if settings.simulated else 'real'} data in {settings.data_directory}"


def _external_servers(settings: Settings) -> str:
    preflight.check_external_servers(settings)
    named = [name for name in ("database_url", "redis_url") if getattr(settings, name)]
    return f"{' and '.join(name.upper() for name in named)} answer" if named else "none: PostgreSQL and Valkey are ours"


def _ports(settings: Settings) -> str:
    preflight.check_ports(settings)
    return f"{settings.api_port} and {settings.dagster_port} are free"


def _programs(settings: Settings) -> str:
    from data_agent.cli.status import program_statuses

    statuses = program_statuses(open_deployment(settings))
    if ill := [f"{status.name} ({status.state.lower()})" for status in statuses if not status.is_ready]:
        raise EnvironmentFault(f"not at work: {', '.join(ill)}; see {settings.data_directory / 'logs'}")
    return f"{len(statuses)} at work"


def _database(settings: Settings) -> str:
    from data_agent.storage.postgres.database import connect

    deployment = open_deployment(settings)
    with connect(deployment.database_url) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database()), is_simulated"
            " FROM ops.deployment"
        ).fetchone()
    if row is None:
        raise ConfigurationError("the database bears no mark of its kind: data-agent down, then data-agent up")
    version, size, is_simulated = row
    if is_simulated != deployment.state.is_simulated:
        raise ConfigurationError("the database holds the other kind of data: set another DATABASE_URL")
    return f"PostgreSQL {version.split()[0]}, {size / 1e6:.0f} MB"


def _venue_findings(settings: Settings) -> Iterator[Finding]:
    """Does each venue answer, and does our clock agree with it? The simulator only plays while it runs."""
    if settings.simulated and not Supervisor(settings.data_directory).is_running():
        return
    try:
        urls = _venue_urls(settings)
    except DataAgentError:
        return  # the collection file is wrong, which is a finding of its own
    for venue, url in urls.items():
        yield _finding(venue, lambda _settings, url=url: _venue_clock(url), settings)  # type: ignore[misc]


def _venue_urls(settings: Settings) -> dict[str, str]:
    from data_agent.venues.registry import product_facts

    simulator = f"{open_deployment(settings).simulator_url}/" if settings.simulated else None
    return {
        target.venue: settings.rest_url(target.venue)
        or (simulator and f"{simulator}{target.venue}")
        or f"https://{product_facts(target.venue, target.product).connection.host}"
        for target in preflight.check_collection_file(settings).targets()
    }


def _venue_clock(url: str) -> str:
    import httpx

    sent_at = utc_now()
    try:
        # Any answer will do, also a refusal: every web server says what time it is.
        answer = httpx.get(url, timeout=_TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        raise EnvironmentFault(
            f"{url} does not answer ({type(error).__name__}): look at the network, or set another VENUE_..._REST_URL"
        ) from None
    if (date := answer.headers.get("date")) is None:
        return f"{url} answers"
    # The header has whole seconds.
    ahead = parsedate_to_datetime(date) - sent_at
    if not -_MOST_CLOCK_ERROR < ahead < _MOST_CLOCK_ERROR + (utc_now() - sent_at):
        raise EnvironmentFault(
            f"this machine's clock is off by {abs(ahead.total_seconds()):.0f} s: synchronise it (NTP)"
        )
    return f"{url} answers, clocks agree"

"""dbt, run in this process with a manifest that is ready: half a second where the command line takes five to seven.

The manifest names the database, so each database has a target directory of its own, below the data directory; nothing
is written into the repository. dbt itself is imported when first used.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from data_agent.core.errors import DataAgentError
from data_agent.core.logging import get_logger, redact_text
from data_agent.core.settings import PROJECT_ROOT
from data_agent.storage.postgres.database import check_url

PROJECT_DIRECTORY: Final = PROJECT_ROOT / "dbt_project"
CANDIDATES: Final = "+int_slices__candidates"
MARTS: Final = "int_slices__publishable+"

_SIMULATED_LABEL: Final = (
    '<div role="status" style="position:fixed;z-index:99;bottom:0;left:0;right:0;padding:4px;text-align:center;'
    'font-weight:600;background:#f2c14e;color:#2b2000">Simulated data: not from a real exchange</div>'
)

# Every wait of dbt's connections ends; they read this where its profile has no word for it.
_CONNECTION_OPTIONS: Final = "-c statement_timeout=600000 -c lock_timeout=60000 -c timezone=UTC"

# dbt reads its profile from the environment and keeps state in module globals: one invocation at a time in a process.
_ONE_AT_A_TIME: Final = threading.Lock()
_log = get_logger(__name__)


class TransformError(DataAgentError):
    """A dbt command failed. `node` is the first model or test that did, if it came that far."""

    def __init__(self, message: str, *, node: str = "") -> None:
        super().__init__(f"dbt: {node + ': ' if node else ''}{redact_text(message)}")
        self.node = node


class NodeResult(Struct, frozen=True):
    """How one model or test went. `count_rows` is what the database said it wrote, None where it did not."""

    unique_id: str
    status: str
    seconds: float
    count_rows: int | None
    message: str


class DbtProject:
    """The project against one database.

    Args:
        database_url: where the models live.
        state_directory: target and logs go below it, in a directory of this database's own.
    """

    def __init__(self, database_url: str, state_directory: Path) -> None:
        self._environment = profile_environment(database_url)
        identity = "|".join(v for k, v in sorted(self._environment.items()) if "PASSWORD" not in k)
        self.directory = state_directory / hashlib.sha256(identity.encode()).hexdigest()[:12]
        self.target_directory = self.directory / "target"
        self._manifest: Any = None

    def prepare(self) -> Path:
        """Parse the project, if this process has not yet; returns the manifest's path.

        Raises:
            TransformError: the project cannot be parsed.
        """
        if self._manifest is None:
            self.target_directory.mkdir(parents=True, exist_ok=True)
            self._manifest = self._invoke(["parse"])
        return self.target_directory / "manifest.json"

    def run(self, select: str) -> tuple[NodeResult, ...]:
        """Build the selected models.

        Raises:
            TransformError: a model failed; it is named, with the database's words.
        """
        return self._nodes(["run", "--select", select])

    def test(self, select: str = "*") -> tuple[NodeResult, ...]:
        """Run the selected data tests and unit tests.

        Raises:
            TransformError: a test failed; it is named.
        """
        return self._nodes(["test", "--select", select])

    def freshness(self) -> tuple[NodeResult, ...]:
        """Ask how fresh the sources are; a stale source is a result, not an error.

        Raises:
            TransformError: the sources could not be asked.
        """
        return self._nodes(["source", "freshness"], may_fail=True)

    def generate_docs(self, destination: Path, *, is_simulated: bool) -> Path:
        """Write the documentation as one page that needs nothing beside it, labelled where the data are simulated.

        Args:
            destination: the served directory; the page is its `index.html`.

        Raises:
            TransformError: it could not be generated.
        """
        self.prepare()
        self._invoke(["docs", "generate", "--static", "--no-compile"])
        page = (self.target_directory / "static_index.html").read_text()
        if is_simulated:
            page = page.replace("<body>", "<body>" + _SIMULATED_LABEL, 1)
        destination.mkdir(parents=True, exist_ok=True)
        unfinished = destination / f".index.{os.getpid()}"
        unfinished.write_text(page)
        return unfinished.replace(destination / "index.html")

    def _nodes(self, command: Sequence[str], *, may_fail: bool = False) -> tuple[NodeResult, ...]:
        self.prepare()
        results = tuple(_node_result(each) for each in self._invoke(command, may_fail=may_fail).results)
        for each in results:
            _log.debug("dbt node", node=each.unique_id, status=each.status, seconds=each.seconds)
        return results

    def _invoke(self, command: Sequence[str], *, may_fail: bool = False) -> Any:
        from dbt.cli.main import dbtRunner

        arguments = [
            "--quiet", "--no-use-colors", "--no-send-anonymous-usage-stats", "--no-version-check",
            "--log-level", "none", "--log-format-file", "json", "--log-path", str(self.directory / "logs"),
            *command,
            "--project-dir", str(PROJECT_DIRECTORY), "--profiles-dir", str(PROJECT_DIRECTORY),
            "--target-path", str(self.target_directory),
        ]  # fmt: skip
        with _ONE_AT_A_TIME, _environment({**self._environment, "PGOPTIONS": _CONNECTION_OPTIONS}):
            outcome = dbtRunner(manifest=self._manifest).invoke(arguments)
        if outcome.exception is not None:
            raise TransformError(str(outcome.exception)) from outcome.exception
        if not outcome.success and not may_fail:
            raise _failure(outcome.result)
        return outcome.result


def _failure(result: Any) -> TransformError:
    failed = [each for each in getattr(result, "results", ()) if str(each.status) in {"error", "fail", "runtime error"}]
    if not failed:
        return TransformError("the command failed without naming a node")
    first, *others = failed
    more = f" (and {', '.join(each.node.name for each in others)})" if others else ""
    return TransformError(f"{str(first.message or first.status).strip()}{more}", node=first.node.name)


def _node_result(result: Any) -> NodeResult:
    rows = (getattr(result, "adapter_response", None) or {}).get("rows_affected")
    return NodeResult(
        unique_id=result.node.unique_id,
        status=str(result.status),
        seconds=round(result.execution_time, 3),
        count_rows=rows if isinstance(rows, int) and rows >= 0 else None,
        message=str(result.message or ""),
    )


def profile_environment(database_url: str) -> dict[str, str]:
    """The variables dbt_project/profiles.yml reads, for one database.

    Raises:
        ConfigurationError: the URL does not name a PostgreSQL database.
    """
    parts = urlsplit(check_url(database_url))
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "DBT_HOST": query.get("host") or parts.hostname or "127.0.0.1",
        "DBT_PORT": str(parts.port or 5432),
        "DBT_USER": unquote(parts.username or "postgres"),
        "DBT_ENV_SECRET_PASSWORD": unquote(parts.password or ""),
        "DBT_DATABASE": unquote(parts.path.strip("/")),
        "DBT_SSLMODE": query.get("sslmode", "prefer"),
    }


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value

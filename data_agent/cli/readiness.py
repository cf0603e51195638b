"""Waiting until programs do their work, and noticing those that never will."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from data_agent.cli.output import duration_text
from data_agent.cli.programs import Program
from data_agent.cli.supervisor import Child, Supervisor, log_file
from data_agent.core.errors import EnvironmentFault
from data_agent.core.logging import redact_text

_POLL_SECONDS: Final = 0.2
# One death may be bad luck (an instant restart can meet the lock file of what was killed); three are a reason.
_MOST_DEATHS: Final = 3
_LOG_LINES: Final = 12


class Watch:
    """Counts how often each program died while we look; the third time is a failure."""

    def __init__(self, supervisor: Supervisor, directory: Path) -> None:
        self._supervisor = supervisor
        self._directory = directory
        self._starts: defaultdict[str, set[int]] = defaultdict(set)

    def look(self) -> dict[str, Child]:
        """The programs as they are now.

        Raises:
            EnvironmentFault: one keeps dying; the message holds the end of its log.
        """
        children = self._supervisor.children()
        for child in children.values():
            if child.state in {"STARTING", "RUNNING", "BACKOFF"}:
                self._starts[child.name].add(child.started_at)
            deaths = len(self._starts[child.name]) - (child.state != "BACKOFF")
            if child.state == "FATAL" or deaths >= _MOST_DEATHS:
                raise EnvironmentFault(f"{child.name} keeps dying; {log_tail(self._directory, child.name)}")
        return children


def await_ready(
    supervisor: Supervisor, programs: Sequence[Program], directory: Path, say: Callable[[str], None]
) -> None:
    """Wait until each program's probe says yes.

    Raises:
        EnvironmentFault: a program keeps dying or takes too long; the message holds the end of its log.
    """
    watch = Watch(supervisor, directory)
    begun = time.monotonic()
    waiting = list(programs)
    while waiting:
        children = watch.look()
        for program in list(waiting):
            child = children[program.name]
            elapsed = time.monotonic() - begun
            if child.pid and program.probe(child.started_at):
                waiting.remove(program)
                say(f"{program.name} ready ({duration_text(elapsed)})")
            elif elapsed > program.ready_seconds:
                raise EnvironmentFault(
                    f"{program.name} is not ready after {program.ready_seconds} s; {log_tail(directory, program.name)}"
                )
        time.sleep(_POLL_SECONDS)


def log_tail(directory: Path, program: str, lines: int = _LOG_LINES) -> str:
    """Where a program's log is and how it ends, secrets blanked."""
    path = log_file(directory, program)
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 65_536))
            text = log.read().decode(errors="replace")
    except OSError:
        return f"it left no log at {path}"
    tail = "\n".join(f"  {redact_text(line)}" for line in text.splitlines()[-lines:])
    return f"the end of {path}:\n{tail}" if tail else f"its log {path} is empty"

"""`data-agent down`: stop everything that belongs to a data directory, in bounded time, whatever state it is in."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import psutil

from data_agent.cli.processes import end_processes, find_processes
from data_agent.cli.supervisor import Supervisor
from data_agent.core.errors import EnvironmentFault

# Longer than the longest `stop_seconds` of both stages together.
_SHUTDOWN_SECONDS: Final = 75


class Stopped(NamedTuple):
    """What `stop` did.

    Attributes:
        programs: stopped in an orderly way.
        leftovers: processes nobody supervised any more, ended by signal.
    """

    programs: list[str]
    leftovers: list[str]


def stop(directory: Path, *, patience_seconds: float = 10) -> Stopped:
    """Stop the supervisor with all its programs, then end whatever else is left.

    Args:
        directory: the data directory; everything that bears its mark belongs to it.
        patience_seconds: how long a leftover process may take to end by itself before it is killed.

    Raises:
        EnvironmentFault: something survives even that.
    """
    supervisor = Supervisor(directory)
    programs = _shut_down(supervisor) if supervisor.is_running() else []
    leftovers = end_processes(directory, patience_seconds=patience_seconds)
    if survivors := find_processes(directory):
        pids = ", ".join(str(process.pid) for process in survivors)
        raise EnvironmentFault(f"these processes do not end: {pids}; end them by hand (kill -9 {pids})")
    for trace in (supervisor.socket, directory / "supervisord.pid", directory / "postgres" / "postmaster.pid"):
        # Nothing lives that could own them.
        trace.unlink(missing_ok=True)
    return Stopped(programs, leftovers)


def _shut_down(supervisor: Supervisor) -> list[str]:
    try:
        alive = [child.name for child in supervisor.children().values() if child.pid]
        process = psutil.Process(supervisor.pid())
        supervisor.shut_down()
        process.wait(_SHUTDOWN_SECONDS)
    except (EnvironmentFault, psutil.NoSuchProcess, psutil.TimeoutExpired):
        # It went away by itself meanwhile, or takes too long: the caller ends what is left.
        return []
    return alive

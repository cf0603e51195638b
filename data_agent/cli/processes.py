"""The processes of a deployment, found by the mark they carry, also when nobody supervises them any more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import psutil

# Set in the supervisor's environment to the data directory, and so in that of every descendant.
MARK: Final = "DATA_AGENT_DEPLOYMENT"


def find_processes(directory: Path) -> list[psutil.Process]:
    """Every living process of the deployment in `directory`, the supervisor included."""
    return [process for process in psutil.process_iter() if _belongs(process, str(directory))]


def _belongs(process: psutil.Process, directory: str) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.environ().get(MARK) == directory:
            return True
        # PostgreSQL writes its title over the environment; its command line still names the directory.
        return "postgres" in process.name() and f"{directory}{os.sep}" in " ".join(process.cmdline())
    except (psutil.Error, OSError):
        return False


def end_processes(directory: Path, *, patience_seconds: float = 10) -> list[str]:
    """End whatever is left of a deployment: first kindly, after `patience_seconds` by SIGKILL.

    Returns:
        The names of what had to be ended.
    """
    found = find_processes(directory)
    names = [_name(process) for process in found]
    for process in found:
        _send(process, kindly=True)
    psutil.wait_procs(found, timeout=patience_seconds)
    # Looked for again: what was being born while we looked the first time.
    stubborn = find_processes(directory)
    for process in stubborn:
        _send(process, kindly=False)
    psutil.wait_procs(stubborn, timeout=patience_seconds)
    return names


def _name(process: psutil.Process) -> str:
    try:
        return f"{process.name()} (pid {process.pid})"
    except psutil.Error:
        return f"pid {process.pid}"


def _send(process: psutil.Process, *, kindly: bool) -> None:
    try:
        if not kindly:
            process.kill()
        elif process.name() == "postgres":
            process.send_signal(2)  # SIGTERM would wait for its clients
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return

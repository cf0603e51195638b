"""TCP ports: which are free, who holds the others."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Collection
from typing import Final

import psutil

from data_agent.core.errors import EnvironmentFault

# Below the range from which the kernel takes the near end of outgoing connections (32768 and up), so that a server
# that is started again finds its port free.
_FIRST: Final = 20_000
_LAST: Final = 32_000


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server may listen on this port now: nothing answers, nothing is bound."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1" if host in {"0.0.0.0", "::"} else host, port)) == 0:  # noqa: S104
            return False
    with socket.socket() as probe:
        # As servers do: what a closed connection left behind (TIME_WAIT) does not stand in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Which process listens on a port, as `name (pid 12)`; empty where the machine does not tell."""
    try:
        for connection in psutil.net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.Error, OSError):
        return ""
    return ""


def require_free(port: int, *, setting: str, host: str = "127.0.0.1") -> None:
    """Check a port that the user chose.

    Raises:
        EnvironmentFault: it is in use; the message names the holder where it can be told, and what to do.
    """
    if not is_free(port, host):
        by = holder(port)
        raise EnvironmentFault(
            f"port {port} is in use{f' by {by}' if by else ''}: stop that, or choose another port, "
            f"e.g. {setting}={port + 1}"
        )


def choose(purpose: str, *, preferred: int | None, taken: Collection[int]) -> int:
    """A free port for a server of ours: the preferred one if it is free, else the next that is.

    `purpose` decides where the search begins, so that deployments side by side rarely meet.

    Raises:
        EnvironmentFault: there is none.
    """
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    size = _LAST - _FIRST
    begin = zlib.crc32(purpose.encode()) % size
    for step in range(size):
        port = _FIRST + (begin + step) % size
        if port not in taken and is_free(port):
            return port
    raise EnvironmentFault(f"no free port between {_FIRST} and {_LAST}")

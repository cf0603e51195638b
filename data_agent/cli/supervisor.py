"""supervisord: its configuration, and the conversation with it (XML-RPC over a unix socket)."""

from __future__ import annotations

import hashlib
import http.client
import os
import shlex
import socket
import tempfile
import xmlrpc.client
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from data_agent.cli.programs import Program, Stage
from data_agent.core.errors import EnvironmentFault

# The kernel's limit for the path of a unix socket is 108 bytes.
_LONGEST_SOCKET_PATH: Final = 100
_TIMEOUT_SECONDS: Final = 10
LOG_BYTES: Final = 20_000_000
LOG_BACKUPS: Final = 3

_HEAD: Final = """\
; Written by data-agent up; changes are lost.
[supervisord]
nodaemon=true
silent=true
logfile={directory}/logs/supervisord.log
logfile_maxbytes={bytes}
logfile_backups={backups}
pidfile={directory}/supervisord.pid
childlogdir={directory}/logs
identifier=data-agent
{user}
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

_PROGRAM: Final = """
[program:{name}]
command={command}
directory={working_directory}
autostart=false
autorestart=true
; Alive for so long counts as started; before that each new attempt waits a second longer than the last. Practically
; never given up: whatever it lacks (a server that is away for an hour) may come back. `up` judges for itself.
startsecs=5
startretries=1000
stopsignal={stop_signal}
stopwaitsecs={stop_seconds}
stopasgroup={is_group}
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes={bytes}
stdout_logfile_backups={backups}
"""


def socket_path(directory: Path) -> Path:
    """Where the supervisor of a data directory listens: in it, or in the temporary directory if its path is long."""
    inside = directory / "supervisor.sock"
    if len(os.fsencode(inside)) < _LONGEST_SOCKET_PATH:
        return inside
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"data-agent-{os.getuid()}-{name}" / "supervisor.sock"


def render(programs: Iterable[Program], *, directory: Path, working_directory: Path) -> str:
    """supervisord's configuration: each program, and one group for each stage.

    Groups stop one after another, the later stage first; the programs within a group stop together.
    """
    listed = list(programs)
    parts = [
        _HEAD.format(
            directory=_escaped(directory),
            socket=_escaped(socket_path(directory)),
            bytes=LOG_BYTES,
            backups=LOG_BACKUPS,
            user="user=root\n" if os.geteuid() == 0 else "",
        )
    ]
    parts += [
        _PROGRAM.format(
            name=program.name,
            # Whatever becomes of the supervisor, its children do not survive it.
            command=_escaped(shlex.join(("setpriv", "--pdeathsig", program.stop_signal, "--", *program.command))),
            working_directory=_escaped(working_directory),
            stop_signal=program.stop_signal,
            stop_seconds=program.stop_seconds,
            is_group=str(program.is_stopped_as_group).lower(),
            log=_escaped(log_file(directory, program.name)),
            bytes=LOG_BYTES,
            backups=LOG_BACKUPS,
        )
        for program in listed
    ]
    for stage in Stage:
        names = ",".join(program.name for program in listed if program.stage is stage)
        if names:
            parts.append(f"\n[group:{stage.name.lower()}]\nprograms={names}\npriority={stage.value}\n")
    return "".join(parts)


def log_file(directory: Path, program: str) -> Path:
    """The log of one program."""
    return directory / "logs" / f"{program}.log"


def _escaped(value: object) -> str:
    text = str(value)
    if any(sign in text for sign in ("\n", " ;", " #")):
        raise EnvironmentFault(f"supervisord cannot be told {text!r}: no line break, ' ;' or ' #' in paths, please")
    return text.replace("%", "%%")


class Child(NamedTuple):
    """One program as the supervisor sees it.

    Attributes:
        state: RUNNING, STARTING, BACKOFF, STOPPED, EXITED, FATAL, STOPPING or UNKNOWN.
        pid: 0 when there is no process.
        started_at, checked_at: seconds since 1970, by the supervisor's clock.
    """

    name: str
    group: str
    state: str
    pid: int
    started_at: int
    checked_at: int

    @property
    def uptime_seconds(self) -> int:
        """How long its process has lived; 0 when there is none."""
        return self.checked_at - self.started_at if self.pid else 0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_SECONDS)
        self.sock.connect(str(self._path))


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._path)
        self._connection = host, connection  # where `close` looks for it
        return connection


class Supervisor:
    """The supervisor of one data directory, running or not."""

    def __init__(self, directory: Path) -> None:
        self.socket = socket_path(directory)

    def is_running(self) -> bool:
        """Whether a supervisor answers; one that is shutting down does not count."""
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except EnvironmentFault:
            return False

    def pid(self) -> int:
        """The supervisor's own process id.

        Raises:
            EnvironmentFault: no supervisor answers.
        """
        return int(self._call("getPID"))

    def children(self) -> dict[str, Child]:
        """Every program, by name.

        Raises:
            EnvironmentFault: no supervisor answers.
        """
        return {
            info["name"]: Child(
                info["name"], info["group"], info["statename"], info["pid"], info["start"], info["now"]
            )
            for info in self._call("getAllProcessInfo")
        }  # fmt: skip

    def start(self, child: Child) -> None:
        """Start one program, without waiting, unless it is being started or runs already."""
        if child.state not in {"RUNNING", "STARTING", "BACKOFF"}:
            self._call("startProcess", f"{child.group}:{child.name}", False)

    def shut_down(self) -> None:
        """Ask it to stop all programs, later stages first, and then itself; returns at once."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: object) -> Any:
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(self.socket)) as proxy:
                return getattr(proxy.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException) as error:
            raise EnvironmentFault(
                f"the supervisor does not answer on {self.socket} ({error}); data-agent down, then data-agent up"
            ) from None
        except xmlrpc.client.Error as error:
            raise EnvironmentFault(f"the supervisor refuses {method}{arguments}: {error}") from None

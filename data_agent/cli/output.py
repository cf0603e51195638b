"""How a command speaks: tables on a terminal, plain lines elsewhere, one JSON document on demand."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

_GAP: Final = "  "


@dataclass(frozen=True)
class Output:
    """What a command writes to.

    With `is_json` standard output carries exactly one JSON document, the result; what happens on the way goes to
    standard error. Off a terminal there are no colours, no boxes and nothing that moves.
    """

    is_json: bool
    is_terminal: bool

    def say(self, text: str = "") -> None:
        """One line of what happens."""
        stream = sys.stderr if self.is_json else sys.stdout
        stream.write(f"{text}\n")
        stream.flush()

    def result(self, value: object) -> None:
        """The result for programs; nothing unless JSON was asked for."""
        if self.is_json:
            sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=_as_text) + "\n")
            sys.stdout.flush()

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str = "") -> None:
        """Rows for people; nothing if JSON was asked for."""
        if self.is_json:
            return
        texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
        if self.is_terminal:
            self._rich_table(columns, texts, title)
        else:
            self.say("\n".join([*([title] if title else []), *_aligned(columns, texts)]))

    def facts(self, values: Mapping[str, object]) -> None:
        """Named values, one a line; nothing if JSON was asked for."""
        if not self.is_json:
            width = max(map(len, values), default=0)
            for name, value in values.items():
                self.say(f"{name:<{width}}{_GAP}{value}")

    def working(self, text: str) -> AbstractContextManager[object]:
        """Something that moves while we wait, on a terminal only."""
        if self.is_json or not self.is_terminal:
            return nullcontext()
        return console().status(text)

    def _rich_table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
        numeric = _numeric_columns(rows)
        for index, column in enumerate(columns):
            table.add_column(column, justify="right" if index in numeric else "left", no_wrap=index == 0)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        console().print(table)


def open_output(*, is_json: bool) -> Output:
    """Look at where standard output goes."""
    return Output(is_json, sys.stdout.isatty() and os.environ.get("TERM", "") != "dumb")


def console() -> Console:
    """A rich console on standard output."""
    from rich.console import Console

    return Console()


def _numeric_columns(rows: Sequence[Sequence[str]]) -> set[int]:
    width = max(map(len, rows), default=0)
    return {i for i in range(width) if all(not row[i] or row[i][0].isdigit() or row[i] == "-" for row in rows)}


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    numeric = _numeric_columns(rows) if rows else set()
    return [
        _GAP.join(
            cell.rjust(width) if index in numeric else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (columns, *rows)
    ]


def duration_text(seconds: float) -> str:
    """A length of time in its two largest units: `2 d 3 h`, `4 min 5 s`, `0.4 s`."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    rest = round(seconds)
    parts = []
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def counted(count: int, noun: str) -> str:
    """`1 request`, `2,000 requests`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

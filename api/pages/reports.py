"""Reports that others write as files: dbt docs and the Data Docs of the quality gate."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import Request, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.pages.templates import dagster_url, render
from data_agent.core.settings import Settings

NAMES: Final = {"dbt": "dbt docs", "quality": "Data quality"}
_INDEXES: Final = ("index.html", "static_index.html")


class ReportFiles(StaticFiles):
    """The files of one report, which may appear, and be replaced, while we serve.

    Whoever writes a page of simulated data labels it, so that the label stays with the file.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self._directory = directory_of(name, settings)
        super().__init__(directory=self._directory, html=True, check_dir=False)
        self._title = NAMES[name]

    async def check_config(self) -> None:
        """Nothing to check: the directory may come later."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file at `path`, or a page that says that the report is not there yet."""
        request = Request(scope)
        index = index_of(self._directory)
        if index is None:
            return render(request, "not_yet", self._title, name=self._title, dagster_url=dagster_url(request))
        return await super().get_response(index.name if path in {"", "."} else path, scope)


def directory_of(name: str, settings: Settings) -> Path:
    """Where the files of a report lie."""
    return settings.data_directory / "reports" / name


def index_of(directory: Path) -> Path | None:
    """A report's first page, if it has been written."""
    return next((directory / name for name in _INDEXES if (directory / name).is_file()), None)

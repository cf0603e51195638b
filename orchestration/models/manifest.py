"""The dbt manifest the location is built from: parsed when the project changed, read otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from data_agent.core.settings import load_settings
from orchestration.publish import PublicationPaths
from orchestration.transform import PROJECT_DIRECTORY, DbtProject

# Definitions load without any server; parsing needs no connection, only a name to write into the manifest.
_NO_DATABASE: Final = "postgresql://postgres@127.0.0.1:5432/data_agent"


def dbt_project() -> DbtProject:
    """The project against the database of this deployment."""
    settings = load_settings()
    return DbtProject(settings.database_url or _NO_DATABASE, PublicationPaths.of(settings).dbt_state)


@lru_cache(maxsize=1)
def load_manifest() -> Mapping[str, Any]:
    """The manifest, once per process. It is read in milliseconds if no file of the project is newer.

    Raises:
        TransformError: the project had to be parsed and cannot be.
    """
    project = dbt_project()
    manifest = project.target_directory / "manifest.json"
    if not manifest.exists() or manifest.stat().st_mtime < _newest_source():
        manifest = project.prepare()
    loaded: Mapping[str, Any] = json.loads(manifest.read_text())
    return loaded


def _newest_source() -> float:
    files = (path for path in Path(PROJECT_DIRECTORY).rglob("*") if path.suffix in {".sql", ".yml", ".md"})
    return max(path.stat().st_mtime for path in files)

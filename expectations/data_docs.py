"""Data Docs that need nothing but themselves.

Great Expectations' pages load styles, scripts and pictures from half a dozen hosts. Each page is copied from the raw
site into the served one with those loads replaced by two files of ours (`expectations/assets`), and, where the data
are simulated, with a label. A page appears whole or not at all; the history is kept short.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

# Runs kept in the report. One publication every few minutes fills this in some hours; verdicts stay in the database.
HISTORY: Final = 30

_ASSETS: Final = ("data_docs.css", "data_docs.js")
_PICTURES: Final = ("logo-long.png", "short-logo.png", "favicon.ico")
_FAVICON: Final = re.compile(r"""<link\b[^>]*\brel=["']shortcut icon["'][^>]*>\s*""")
_REMOTE_STYLE: Final = re.compile(r"""<link\b[^>]*\bhref=["']https?://[^>]*>\s*""")
_REMOTE_SCRIPT: Final = re.compile(r"""<script\b[^>]*\bsrc=["']https?://[^>]*>\s*</script>\s*""")
_REMOTE_PICTURE: Final = re.compile(
    r"""https?://great-expectations-web-assets[^"')\s]*/([\w-]+)\.(?:png|svg)[^"')\s]*"""
)
_REMOTE_FONT: Final = re.compile(r"""@import\s+url\([^)]*https?://[^)]*\)\s*;?""")
_NEWSLETTER: Final = re.compile(r"<footer>.*?</footer>", re.DOTALL)
_HEAD_ENDS: Final = "</head>"
_BODY: Final = re.compile(r"<body[^>]*>")
SIMULATED_LABEL: Final = '<div class="simulated-data" role="status">Simulated data: not from a real exchange</div>'


def publish_pages(raw_site: Path, served: Path, *, is_simulated: bool) -> None:
    """Bring the served site up to the raw one: new pages, the index, the assets; pages that are gone go."""
    _copy_assets(raw_site, served)
    wanted = {page.relative_to(raw_site) for page in raw_site.rglob("*.html")}
    for name in wanted:
        source, target = raw_site / name, served / name
        if not target.exists() or source.stat().st_mtime_ns > target.stat().st_mtime_ns:
            page = localise(source.read_text(), depth=len(name.parts) - 1, is_simulated=is_simulated)
            _write_whole(target, page.encode())
    for gone in {page.relative_to(served) for page in served.rglob("*.html")} - wanted:
        (served / gone).unlink()
    _remove_empty_directories(served)


def localise(page: str, *, depth: int, is_simulated: bool) -> str:
    """One page with every load from another host replaced or removed. Links a reader may click stay.

    Args:
        depth: how many directories below the site's root the page lies.
    """
    root = "../" * depth
    page = _REMOTE_FONT.sub("", _NEWSLETTER.sub("", _REMOTE_SCRIPT.sub("", _REMOTE_STYLE.sub("", page))))
    page = _FAVICON.sub("", page)
    page = _REMOTE_PICTURE.sub(lambda found: f"{root}static/{_picture(found[1])}", page)
    ours = (
        f'<link rel="stylesheet" href="{root}static/data_docs.css">\n'
        f'<link rel="icon" href="{root}static/favicon.ico">\n'
    )
    # The pages' own scripts run as they are read and call ours, which must come first.
    page = page.replace("<head>", f'<head>\n<script src="{root}static/data_docs.js"></script>', 1)
    page = page.replace(_HEAD_ENDS, ours + _HEAD_ENDS, 1)
    if is_simulated:
        page = _BODY.sub(lambda found: found[0] + SIMULATED_LABEL, page, count=1)
    return page


def _picture(name: str) -> str:
    return f"{name}.png" if f"{name}.png" in _PICTURES else _PICTURES[0]


def _copy_assets(raw_site: Path, served: Path) -> None:
    for name in _ASSETS:
        _write_if_changed(served / "static" / name, files("expectations").joinpath("assets", name).read_bytes())
    for name in _PICTURES:
        picture = raw_site / "static" / "images" / name
        if picture.exists():
            _write_if_changed(served / "static" / name, picture.read_bytes())


def _write_if_changed(target: Path, content: bytes) -> None:
    if not target.exists() or target.read_bytes() != content:
        _write_whole(target, content)


def _write_whole(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(target)


def forget_old_runs(store_directory: Path, *, keep: int = HISTORY) -> None:
    """Delete the oldest runs from the results store and the raw site, so that what follows shows `keep` of them."""
    for root in (store_directory / "results", store_directory / "site" / "validations"):
        for suite in _directories(root):
            runs = sorted(_directories(suite), key=lambda run: run.stat().st_mtime_ns, reverse=True)
            for run in runs[keep:]:
                shutil.rmtree(run)


def _directories(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield from (each for each in root.iterdir() if each.is_dir())


def _remove_empty_directories(root: Path) -> None:
    for directory in sorted((each for each in root.rglob("*") if each.is_dir()), reverse=True):
        if not any(directory.iterdir()):
            directory.rmdir()

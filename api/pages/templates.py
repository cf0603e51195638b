"""The few pages of our own: fill, frame, label."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from importlib.resources import files
from string import Template

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.state import state_of


def render(request: Request, page: str, title: str, **values: str) -> HTMLResponse:
    """The page `html/<page>.html` in its frame. Values are HTML: escape what comes from outside."""
    content = _template(page).substitute(values)
    label = simulated_label() if state_of(request).settings.simulated else ""
    return HTMLResponse(_template("page").substitute(title=escape(title), label=label, content=content))


def simulated_label() -> str:
    """What tells a reader that a page shows simulated data."""
    return _template("label").template.strip()


def dagster_url(request: Request) -> str:
    """Where the Dagster UI is, as seen from the caller: the same host, its own port."""
    host = request.url.hostname or "127.0.0.1"
    bracketed = f"[{host}]" if ":" in host else host
    return escape(f"{request.url.scheme}://{bracketed}:{state_of(request).settings.dagster_port}/")


@lru_cache(maxsize=16)
def _template(name: str) -> Template:
    return Template(files(__package__).joinpath("html", f"{name}.html").read_text())

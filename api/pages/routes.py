"""The four doors, the interactive documentation, and the reports."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final, cast

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from api import problems
from api.pages.reports import NAMES, ReportFiles, directory_of, index_of
from api.pages.templates import dagster_url, render, simulated_label
from api.state import state_of
from data_agent.core.settings import Settings

_ASSETS_URL: Final = "/assets/swagger-ui"
router = APIRouter(include_in_schema=False)


def install(app: FastAPI, settings: Settings) -> None:
    """Add the pages, and the files they need, to an application."""
    app.include_router(router)
    app.mount(_ASSETS_URL, StaticFiles(directory=_swagger_ui_directory()), name="swagger-ui")
    for name in NAMES:
        app.mount(f"/reports/{name}", ReportFiles(name, settings), name=f"/reports/{name}")


def _swagger_ui_directory() -> Path:
    return cast("Path", files("fastapi_offline").joinpath("static"))


@router.get("/")
async def home(request: Request) -> HTMLResponse:
    """The four doors."""
    return render(request, "home", "Home", dagster_url=dagster_url(request))


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Swagger UI from our own files; nothing is asked of anybody else, the validator's badge included."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="API · Data Collection Agent",
        swagger_js_url=f"{_ASSETS_URL}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS_URL}/swagger-ui.css",
        swagger_favicon_url="data:,",
        swagger_ui_parameters={"validatorUrl": None, "tryItOutEnabled": True, "displayRequestDuration": True},
    )
    if not state_of(request).settings.simulated:
        return page
    return HTMLResponse(bytes(page.body).decode().replace("<body>", f"<body>{simulated_label()}", 1))


@router.get("/reports/")
async def reports(request: Request) -> HTMLResponse:
    """Which reports there are."""
    settings = state_of(request).settings
    about = {
        "dbt": "Every table and column: what it means, what it is made of.",
        "quality": "The gate's verdicts, rule by rule.",
    }
    shown = {
        name: text if index_of(directory_of(name, settings)) else "Not there yet: written with the first publication."
        for name, text in about.items()
    }
    return render(request, "reports", "Reports", **shown)


@router.get("/problems")
async def list_problems(request: Request) -> HTMLResponse:
    """Every kind of problem, explained; where their `type` leads."""
    entries = "\n".join(
        f'<dt id="{kind.slug}">{kind.status} · {escape(kind.title)} <code>{kind.slug}</code></dt>'
        f"<dd>{escape((kind.__doc__ or '').strip())}</dd>"
        for kind in problems.kinds()
    )
    return render(request, "problems", "Problems", problems=entries)

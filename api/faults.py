"""Every way a request can fail, turned into a problem."""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.problems import (
    BadParameter,
    InternalFault,
    MethodNotAllowed,
    Problem,
    StoreAway,
    UnknownParameter,
    UnknownResource,
    UnknownTimeframe,
    near_matches,
)
from data_agent.core.errors import StorageError
from data_agent.core.logging import get_logger
from data_agent.core.time import Timeframe

_log = get_logger(__name__)
# The store is away, restarting, overloaded, or being migrated under our hands: the same request may succeed later.
# (A pool without a free connection in time is an OperationalError as well, and so is a cancelled statement.)
_STORE_FAULTS = (psycopg.OperationalError, psycopg.errors.UndefinedTable, StorageError)


def install(app: FastAPI) -> None:
    """Answer every failure of `app` with problem details."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for kind in _STORE_FAULTS:
        app.add_exception_handler(kind, _store_away)
    app.add_exception_handler(Exception, _unexpected)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101  # registered for this type alone
    return error.response(request.url.path)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    problem: Problem
    if error.status_code == MethodNotAllowed.status:
        allowed = (error.headers or {}).get("Allow", "GET")
        problem = MethodNotAllowed(f"{request.method} is not allowed here, only {allowed}.", headers=error.headers)
    elif error.status_code == UnknownResource.status:
        problem = UnknownResource(f"There is no {request.url.path}; see /docs for what there is.")
    else:
        problem = BadParameter("The request could not be understood.")
    return problem.response(request.url.path)


async def _store_away(request: Request, error: Exception) -> Response:
    _log.warning("store_away", path=request.url.path, error_type=type(error).__name__, error=str(error))
    return StoreAway().response(request.url.path)


async def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("request_failed", path=request.url.path, exc_info=error)
    return InternalFault("The fault was logged; it is not yours.").response(request.url.path)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    # A parameter that does not exist first: it may be the misspelt one that another error misses.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    return problem_of(first, _parameters(request)).response(request.url.path)


def _parameters(request: Request) -> list[str]:
    known: set[str] = set()
    for parameter in request.scope["route"].dependant.query_params:
        fields = getattr(parameter.field_info.annotation, "model_fields", {})
        known |= {field.alias or name for name, field in fields.items()}
    return sorted(known)


def problem_of(error: dict[str, Any], parameters: list[str]) -> Problem:
    """The problem behind one error of the parameters' validation.

    Args:
        error: as pydantic describes it.
        parameters: the names the route knows.
    """
    field = str(error["loc"][-1])[:64]
    if error["type"] == "extra_forbidden":
        return UnknownParameter(
            f"There is no parameter {field!r} here; there are: {', '.join(parameters)}.",
            field=field,
            near_matches=near_matches(field, parameters),
        )
    if error["type"] == "missing":
        return BadParameter(f"{field} is required.", field=field)
    if field == "timeframe":
        names = [timeframe.value for timeframe in Timeframe]
        return UnknownTimeframe(
            f"There is no timeframe {str(error['input'])[:64]!r}; there are: {', '.join(names)}.",
            field=field,
            near_matches=near_timeframes(str(error["input"])),
        )
    said = error["msg"].removeprefix("Value error, ")
    return BadParameter(f"{field}: {said} (found {str(error['input'])[:64]!r}).", field=field)


def near_timeframes(text: str) -> list[str]:
    """The timeframes somebody may have meant: the same unit first (`2m` → 1m, 5m, 15m; `60m` → likewise)."""
    unit = next((letter for letter in text.casefold() if letter in "mhd"), "")
    same = [timeframe.value for timeframe in Timeframe if timeframe.value.endswith(unit)] if unit else []
    return same or [timeframe.value for timeframe in Timeframe]

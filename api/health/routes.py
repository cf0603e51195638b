"""`/healthz`: the process is alive. `/readyz`: it can serve."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from api.health import service
from api.health.schemas import Alive, Readiness
from api.state import state_of

router = APIRouter(tags=["operations"])
_NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": Readiness, "description": "Something is missing; `checks` says what"}
}


@router.get("/healthz", operation_id="get_health", summary="The process is alive")
async def get_health() -> Alive:
    """Asks nobody else: a restart would not bring the database back."""
    return Alive()


@router.get("/readyz", operation_id="get_readiness", summary="The API can serve", responses=_NOT_READY)
async def get_readiness(request: Request, response: Response) -> Readiness:
    """PostgreSQL answers and has this program's schema; Redis answers."""
    state = state_of(request)
    checks = await service.checks(state)
    is_ready = all(check.is_ready for check in checks.values())
    if not is_ready:
        response.status_code = 503
        response.headers["Retry-After"] = "2"
    return Readiness(status="ready" if is_ready else "not ready", checks=checks, simulated=state.settings.simulated)

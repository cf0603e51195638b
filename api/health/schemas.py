"""The shapes of the health routes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Alive(BaseModel):
    """The process serves requests."""

    status: Literal["alive"] = "alive"


class Check(BaseModel):
    """One thing the API cannot do without."""

    is_ready: bool
    detail: str


class Readiness(BaseModel):
    """Whether the API can serve, and what keeps it from doing so."""

    status: Literal["ready", "not ready"]
    checks: dict[str, Check]
    simulated: bool

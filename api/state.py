"""What a running application holds: made by its lifespan, handed to the routes, typed."""

from __future__ import annotations

from typing import TypedDict, cast

from fastapi import Request
from msgspec import Struct
from redis.asyncio import Redis

from api.coverage.memory import Memory
from api.instrumentation import Metrics
from api.store import Store
from data_agent.core.settings import Settings


class AppState(Struct, frozen=True):
    """What one process holds: its settings, its clients, its counters, and what it remembers of ranges."""

    settings: Settings
    store: Store
    redis: Redis
    metrics: Metrics
    memory: Memory


class LifespanState(TypedDict):
    """The state a lifespan yields, as Starlette wants it."""

    app_state: AppState


def state_of(request: Request) -> AppState:
    """The state of the application that serves this request."""
    return cast("AppState", request.state.app_state)

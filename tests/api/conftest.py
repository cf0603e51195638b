"""The application as its callers meet it: over ASGI, with real servers behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from data_agent.core.settings import Settings
from data_agent.storage.postgres.database import create_pool
from tests.api.support import World

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@asynccontextmanager
async def serve(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application with these settings."""
    app = create_app(Settings(**settings))
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            # What a server does: each request has the state that the lifespan made.
            await app(scope | {"state": dict(state)}, receive, send)

        transport = httpx.ASGITransport(with_state, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            yield client


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with create_pool(database_url, max_size=3) as pool:
        yield World(pool)


@pytest.fixture
async def client(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(database_url=database_url, redis_url=redis_url, data_dir=tmp_path) as client:
        yield client

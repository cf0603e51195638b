"""The application: routes, failures, instrumentation, and the clients that live as long as it does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from redis.asyncio import BlockingConnectionPool, Redis

from api import faults
from api.candles.routes import router as candles
from api.coverage.memory import Memory
from api.coverage.routes import router as coverage
from api.health.routes import router as health
from api.instrumentation import Instrumentation, Metrics
from api.instruments.routes import router as instruments
from api.metrics.routes import router as metrics_router
from api.pages import routes as pages
from api.problems import ProblemDetails
from api.state import AppState, LifespanState
from api.store import Store
from data_agent.core.errors import ConfigurationError
from data_agent.core.settings import Settings, load_settings

_DESCRIPTION = """
Exchange data that knows what it has, and says so on every answer.

* **Numbers** an exchange sent are text, with exactly its digits. What we count or compute (`expected`, `ratio`,
  `quality`) are JSON numbers.
* **Times** are ISO-8601 in UTC; requests may use integer milliseconds as well. Ranges are half-open: `[start, end)`.
* **`as_of`**: every answer says which state of the store it shows. Ask with it again, and the same answer comes.
* **Problems** are `application/problem+json`; their `type` leads to [an explanation](/problems).
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application, ready to be served; nothing is connected before its lifespan begins.

    Args:
        settings: those of the environment, unless given.

    Raises:
        ConfigurationError: no database or Redis is configured.
    """
    settings = settings or load_settings()
    metrics = Metrics()
    app = FastAPI(
        title="Data Collection Agent",
        version=version("data-collection-agent"),
        description=_DESCRIPTION,
        lifespan=_lifespan(settings, metrics),
        docs_url=None,
        redoc_url=None,
    )
    for router in (candles, instruments, coverage, health, metrics_router):
        app.include_router(router)
    pages.install(app, settings)
    faults.install(app)
    app.add_middleware(Instrumentation, metrics=metrics, is_simulated=settings.simulated)
    app.openapi = _openapi(app)  # type: ignore[method-assign]  # the way FastAPI documents
    return app


def _lifespan(settings: Settings, metrics: Metrics) -> Callable[[FastAPI], AbstractAsyncContextManager[LifespanState]]:
    if settings.database_url is None or settings.redis_url is None:
        raise ConfigurationError("DATABASE_URL and REDIS_URL are not set; `data-agent up` starts the API with both")
    database_url, redis_url = settings.database_url, settings.redis_url

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[LifespanState]:
        redis = Redis(connection_pool=_redis_pool(redis_url))
        try:
            async with Store(database_url) as store:
                yield {"app_state": AppState(settings, store, redis, metrics, Memory())}
        finally:
            await redis.aclose(close_connection_pool=True)

    return lifespan


def _redis_pool(url: str) -> BlockingConnectionPool:
    # Blocking: the other pool refuses past its size instead of waiting for a connection to come free.
    return BlockingConnectionPool.from_url(
        url, max_connections=16, timeout=2, socket_timeout=2, socket_connect_timeout=2
    )


def _openapi(app: FastAPI) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schemas = schema["components"]["schemas"]
            schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            app.openapi_schema = schema
        return app.openapi_schema

    return openapi

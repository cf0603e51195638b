"""What a run does before its work: settings, logging, an event loop, a collector."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import structlog

from data_agent.connections.limits import Priority
from data_agent.core.collection import load_collection
from data_agent.core.errors import ConfigurationError
from data_agent.core.logging import configure_logging
from data_agent.core.settings import Settings, load_settings

if TYPE_CHECKING:
    from orchestration.collector import Collector

_T = TypeVar("_T")


def run_settings() -> Settings:
    """The settings of this process; its log lines are JSON from now on."""
    settings = load_settings()
    if not structlog.is_configured():
        configure_logging(settings.log_level, process="run")
    return settings


def database_url() -> str:
    """Where the store is.

    Raises:
        ConfigurationError: DATABASE_URL is not set.
    """
    url = load_settings().database_url
    if url is None:
        raise ConfigurationError("DATABASE_URL is not set")
    return url


def api_url(path: str) -> str:
    """An address of the API as a browser on this machine reaches it."""
    settings = load_settings()
    host = "127.0.0.1" if settings.api_host in {"0.0.0.0", "::"} else settings.api_host  # noqa: S104
    return f"http://{host}:{settings.api_port}{path}"


def collected_venues() -> tuple[str, ...]:
    """The venues of the collection file, in its order."""
    return tuple(dict.fromkeys(target.venue for target in load_collection(load_settings().collection_file).targets()))


def with_collector(work: Callable[[Collector], Awaitable[_T]], *, priority: Priority) -> _T:
    """Do asynchronous work with a collector of this run's own, and close everything at its end."""

    async def main() -> _T:
        from orchestration.collector import Collector

        async with Collector(run_settings(), priority=priority) as collector:
            return await work(collector)

    return asyncio.run(main())

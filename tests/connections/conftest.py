"""A server that plays a venue's wire, scripted answer by answer, for the shapes that failures take."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from psycopg_pool import AsyncConnectionPool

from data_agent.connections.client import VenueClient, open_client
from data_agent.connections.limits import Priority
from data_agent.venues.registry import product_facts

OpenClient = Callable[..., AbstractAsyncContextManager[VenueClient]]


@dataclass
class Reply:
    """One answer; `cut` sends only so many bytes of the body and closes, `delay` waits before it."""

    status: int = 200
    body: bytes = b"[]"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    delay: float = 0.0
    is_reset: bool = False


@dataclass
class WireServer:
    """Answers time requests truthfully and every other request with the next scripted reply (the last one repeats)."""

    url: str = ""
    replies: deque[Reply] = field(default_factory=deque)
    paths: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    time_ms: int = 1_800_000_000_000

    def script(self, *replies: Reply) -> None:
        self.replies = deque(replies)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/api/v3/time"):
            return web.json_response({"serverTime": self.time_ms})
        if request.path.endswith("/api/v5/public/time"):
            return web.json_response({"code": "0", "data": [{"ts": str(self.time_ms)}], "msg": ""})
        self.paths.append(request.path)
        self.moments.append(asyncio.get_running_loop().time())
        reply = self.replies.popleft() if len(self.replies) > 1 else self.replies[0]
        await asyncio.sleep(reply.delay)
        assert request.transport is not None
        if reply.is_reset:
            request.transport.abort()
            return web.Response()
        if reply.cut is None:
            headers = {"Content-Type": "application/json", **reply.headers}
            return web.Response(status=reply.status, body=reply.body, headers=headers)
        response = web.StreamResponse(status=reply.status, headers={"Content-Length": str(len(reply.body))})
        await response.prepare(request)
        await response.write(reply.body[: reply.cut])
        request.transport.close()
        return response


@pytest.fixture
async def wire() -> AsyncIterator[WireServer]:
    server = WireServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
def client_of(wire: WireServer, redis_url: str) -> OpenClient:
    """Opens a client of a venue against the scripted server."""

    def make(venue: str = "binance", **options: Any) -> AbstractAsyncContextManager[VenueClient]:
        given: dict[str, Any] = {
            "base_url": wire.url, "ceiling": 0.8, "timeout_seconds": 0.5, "priority": Priority.ACCOUNT,
            "redis_url": redis_url, "pool": None, **options,
        }  # fmt: skip
        return open_client(product_facts(venue, "spot").connection, **given)

    return make


def unreachable_pool() -> AsyncConnectionPool[Any]:
    """A pool of a database that nobody serves; it gives up fast."""
    return AsyncConnectionPool("postgresql://nobody@127.0.0.1:1/none", min_size=0, max_size=1, timeout=0.5, open=False)

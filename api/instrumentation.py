"""What every request leaves behind: two metrics, one log line, and the header that tells simulated data apart."""

from __future__ import annotations

import time
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data_agent.core.logging import get_logger

_log = get_logger(__name__)
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# Whatever else a client invents must not become a label of its own.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Asked for by machines every few seconds: logged only when they fail.
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class Metrics:
    """The metrics of one application, in a registry of its own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.requests = Counter(
            "data_agent_api_requests",
            "Requests answered, by route template.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "data_agent_api_request_seconds",
            "Time from a request's head to the end of its answer.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )


class Instrumentation:
    """ASGI middleware around everything, the handling of failures included."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, is_simulated: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._is_simulated = is_simulated

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self._is_simulated:
                    message["headers"] = [*message["headers"], (b"x-simulated", b"true")]
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        finally:
            self._record(scope, status, time.perf_counter() - begun)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = _method(scope), _template(scope)
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        if route not in _QUIET or status >= 500:
            _log.info(
                "request",
                method=method,
                path=scope["path"],
                query=scope["query_string"].decode("latin-1"),
                status=status,
                milliseconds=round(seconds * 1000, 2),
            )


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "OTHER"


def _template(scope: Scope) -> str:
    route = scope.get("route")
    return str(getattr(route, "path", None) or getattr(route, "name", None) or "unmatched")

"""The whole path in one process: simulator over a socket, collector, publication, API, on real servers.

What Dagster adds (when, again, beside what) is tested in tests/orchestration; the rows take the same way here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from fastapi import FastAPI

from api.app import create_app
from data_agent.core.collection import Collection
from data_agent.core.settings import Settings
from data_agent.core.time import Span, Timeframe
from data_agent.storage.postgres.series import Series
from orchestration.collected import Collected
from orchestration.collector import Collector, Work
from orchestration.publish import PublicationPaths, PublishResult, publish
from orchestration.transform import DbtProject

ROWS_PER_ANSWER = 1_000


class WholePath:
    """What can be done with one deployment."""

    def __init__(self, settings: Settings, collector: Collector, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self.collector = collector
        self.client = client
        assert settings.database_url is not None
        self._dbt = DbtProject(settings.database_url, PublicationPaths.of(settings).dbt_state)

    async def collect(
        self, venue: str, span: Span, timeframes: Sequence[Timeframe] = (Timeframe.M1,)
    ) -> list[Collected]:
        """Bring every series of the venue up to what the span wants, as a new run would."""
        self.collector.forgive()
        found = [series for series in await self.collector.series(venue) if series.timeframe in timeframes]
        return await self.collector.collect_all([Work(series, span) for series in found], run_id="end-to-end")

    async def reread(self, venue: str, span: Span) -> list[Collected]:
        """Ask again for what is known already, as the reconciliation does."""
        found = await self.collector.series(venue)
        return await self.collector.collect_all(
            [Work(series, span) for series in found], run_id="end-to-end", is_forced=True
        )

    async def publish(self) -> PublishResult:
        """Models, gate, marts; in a thread, since it is synchronous, as in its Dagster run."""
        assert self.settings.database_url is not None
        paths = PublicationPaths.of(self.settings)
        return await asyncio.to_thread(
            publish, self.settings.database_url, paths, is_simulated=self.settings.simulated, dbt=self._dbt
        )

    async def candles(self, series: Series, span: Span, **more: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Every candle the API serves of a span, page by page, and the coverage it tells with the last page."""
        query: dict[str, str] = {
            "exchange": series.venue,
            "symbol": series.symbol,
            "timeframe": series.timeframe.value,
            "start": span.start.isoformat(),
            "end": span.end.isoformat(),
            "limit": str(ROWS_PER_ANSWER),
            **more,
        }
        rows: list[dict[str, Any]] = []
        while True:
            response = await self.client.get("/v1/candles", params=query)
            assert response.status_code == 200, response.text
            answer = response.json()
            assert answer["simulated"] is self.settings.simulated
            rows += answer["data"]
            if answer["next_cursor"] is None:
                return rows, answer["coverage"]
            query["cursor"] = answer["next_cursor"]

    def rows(self, statement: str, *parameters: object) -> list[Any]:
        """Ask the store directly."""
        assert self.settings.database_url is not None
        with psycopg.connect(self.settings.database_url, options="-c timezone=UTC") as connection:
            return connection.execute(statement, parameters).fetchall()

    def published(self, series: Series) -> list[tuple[datetime, str, str, str, str, str]]:
        """What the marts hold of a series, numbers as text in the stored digits."""
        return self.rows(
            "SELECT open_time, open::text, high::text, low::text, close::text, volume::text"
            " FROM marts.candles WHERE series_id = %s ORDER BY open_time",
            series.series_id,
        )


@asynccontextmanager
async def whole_path(
    *,
    database_url: str,
    redis_url: str,
    data_directory: Path,
    venue_urls: dict[str, str],
    symbols: dict[str, list[str]],
) -> AsyncIterator[WholePath]:
    """A deployment that collects one-minute candles and all that is made of them.

    Args:
        venue_urls: per venue, what takes the place of its scheme and host.
        symbols: per venue, which spot instruments.
    """
    settings = Settings(
        simulated=True,
        data_dir=data_directory,
        database_url=database_url,
        redis_url=redis_url,
        venue_limit_ceiling=1.0,
        **{f"venue_{venue}_rest_url": url for venue, url in venue_urls.items()},
    )
    venues = {venue: {"spot": {"instruments": instruments}} for venue, instruments in symbols.items()}
    collection = Collection.model_validate({"history": "1d", "timeframes": list(Timeframe), "venues": venues})
    app = create_app(settings)
    async with (
        Collector(settings, collection=collection) as collector,
        app.router.lifespan_context(app) as state,
        httpx.AsyncClient(transport=_transport(app, state), base_url="http://api", timeout=60) as client,
    ):
        yield WholePath(settings, collector, client)


def _transport(app: FastAPI, state: Mapping[str, Any]) -> httpx.ASGITransport:
    """The application as a server would call it: with the state that its lifespan made."""

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return httpx.ASGITransport(with_state)


def minutes(start: datetime, count: int) -> Span:
    """A span of so many minutes."""
    return Span(start, start + timedelta(minutes=count))

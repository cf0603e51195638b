"""Working off `ops.backfill_requests`: ranges a user asked for, in pieces that any end of the run leaves whole."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from data_agent.core.collection import Target
from data_agent.core.errors import Banned, ConfigurationError
from data_agent.core.records import CandlePage
from data_agent.core.time import Span, Timeframe
from data_agent.storage.postgres import requests
from data_agent.storage.postgres.database import connect
from data_agent.storage.postgres.requests import BackfillRequest
from data_agent.storage.postgres.series import Series
from data_agent.storage.postgres.writer import WriteResult
from data_agent.venues.registry import product_facts
from orchestration.collected import Collected
from orchestration.collector import Collector, Work
from orchestration.wanted import closed_part

PRODUCT: Final = "spot"
"""The product a request is about; requests do not name one yet."""


# A venue that is away for some minutes, or bans us that long, does not fail a request of many hours.
_PAUSES: Final = (timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=5))
_LOOK_EVERY: Final = timedelta(seconds=3)


class Cancelled(Exception):  # an outcome, not an error
    """The user cancelled the request; what was stored stays."""


async def work_off(collector: Collector, request: BackfillRequest, *, run_id: str) -> list[Collected]:
    """Collect everything a claimed request asks for, and say after each page how far it is.

    Raises:
        Cancelled: the user cancelled it meanwhile.
        ConfigurationError: it asks for what the venue does not have.
        VenueError: the venue's list of instruments was needed and did not come.
    """
    series = await _series(collector, request)
    progress = _Progress(collector, request, series)
    await progress.begin()
    work = [Work(each, request.span) for each in series]
    for pause in (*_PAUSES, None):
        outcomes = await collector.collect_all(work, run_id=run_id, is_forced=request.is_forced, on_page=progress.page)
        if not progress.is_wanted or not await progress.say():
            raise Cancelled
        work = [Work(each.series, request.span) for each in outcomes if _is_worth_another_try(each)]
        if pause is None or not work:
            break
        await _wait(progress, pause)
        collector.forgive()
    return outcomes


def _is_worth_another_try(collected: Collected) -> bool:
    return any(failure.is_retryable or failure.reason == Banned.reason for failure in collected.failures)


async def _wait(progress: _Progress, pause: timedelta) -> None:
    """Wait, but not past a cancellation."""
    for _ in range(pause // _LOOK_EVERY):
        await asyncio.sleep(_LOOK_EVERY.total_seconds())
        if not await progress.say():
            raise Cancelled


async def _series(collector: Collector, request: BackfillRequest) -> list[Series]:
    """The series of a request. They need not be in the collection: what a user asks for is made."""
    intervals = product_facts(request.venue, PRODUCT).candles.intervals
    timeframes = tuple(Timeframe(name) for name in request.timeframes)
    if lacking := [timeframe.value for timeframe in timeframes if timeframe not in intervals]:
        raise ConfigurationError(f"{request.venue} has no candles of {', '.join(lacking)}")
    return await collector.ensure_series(
        Target(request.venue, PRODUCT, tuple(request.symbols), timeframes, request.span.duration)
    )


class _Progress:
    """Counts the candles of a request that need no further question, and the venue's answers."""

    def __init__(self, collector: Collector, request: BackfillRequest, series: list[Series]) -> None:
        self._collector = collector
        self._request = request
        self._series = series
        self._count_done = 0
        self._count_requests = request.count_requests
        self._saying = asyncio.Lock()
        self.is_wanted = True

    async def begin(self) -> None:
        """Count what is there already; a request that is forced asks for it all the same."""
        if not self._request.is_forced:
            for each in self._series:
                lacking = await self._collector.missing(each, self._request.span)
                count_lacking = sum(span.count(each.timeframe) for span in lacking)
                self._count_done += self._wanted(each).count(each.timeframe) - count_lacking
        self.is_wanted = await self.say()

    def _wanted(self, series: Series) -> Span:
        facts = product_facts(series.venue, series.product).candles
        return closed_part(self._request.span, series, facts, self._collector.now())

    async def page(self, series: Series, page: CandlePage, _: WriteResult) -> bool:
        """Count one page. Returns whether the request is still wanted."""
        self._count_done += page.span.count(series.timeframe)
        self._count_requests += 1
        self.is_wanted = self.is_wanted and await self.say()
        return self.is_wanted

    async def say(self) -> bool:
        """Write the figures down. Returns whether the request is still wanted."""
        async with self._saying:
            return await asyncio.to_thread(self._say)

    def _say(self) -> bool:
        # At most what was expected: a bridged page counts candles that were known before as well.
        done = min(self._count_done, self._request.count_expected or self._count_done)
        with connect(str(self._collector.settings.database_url), autocommit=True) as connection:
            return requests.progress(
                connection, self._request.request_id, count_done=done, count_requests=self._count_requests
            )

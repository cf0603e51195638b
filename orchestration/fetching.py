"""Fetching one stretch of one series: page by page, around what fails, not at all while the venue is away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Final, TypeVar

import psycopg
from psycopg_pool import PoolTimeout
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from data_agent.core.errors import Banned, NetworkFault, VenueError
from data_agent.core.records import CandlePage
from data_agent.core.time import Span
from data_agent.storage.postgres.series import Series
from data_agent.storage.postgres.writer import CandleWriter, WriteResult
from data_agent.venues.venue import Venue
from orchestration.collected import Tally

OnPage = Callable[[Series, CandlePage, WriteResult], Awaitable[bool]]
"""Told of every written page; answers whether to go on."""

# One page is staged while the one before it is inserted; more would only wait for the lock of the series.
_WRITES_AT_ONCE: Final = 2
# Each of them has been tried several times already; after so many in a row nobody is there.
_FAULTS_UNTIL_AWAY: Final = 3
# PostgreSQL is back within seconds of being killed; until then a page waits, and writing it twice changes nothing.
_STORE_PATIENCE_SECONDS: Final = 45.0

_T = TypeVar("_T")


class VenueHealth:
    """Whether a venue answers this collector at all. Shared by its series, so that not each finds out by itself."""

    def __init__(self) -> None:
        self._faults = 0
        self._away: VenueError | None = None

    @property
    def away(self) -> VenueError | None:
        """Why the venue is not asked any more; None while it is."""
        return self._away

    def answered(self) -> None:
        """An answer came: it is there."""
        self._faults = 0

    def failed(self, error: VenueError) -> None:
        """A request failed for good."""
        self._faults = self._faults + 1 if isinstance(error, NetworkFault) else 0
        if isinstance(error, Banned) or self._faults >= _FAULTS_UNTIL_AWAY:
            self._away = error


class Fetch:
    """The fetching of one series by one collector."""

    def __init__(
        self,
        venue: Venue,
        writer: CandleWriter,
        health: VenueHealth,
        tally: Tally,
        *,
        run_id: str,
        on_page: OnPage | None,
    ) -> None:
        self._venue = venue
        self._writer = writer
        self._health = health
        self._tally = tally
        self._series = tally.series
        self._run_id = run_id
        self._on_page = on_page

    async def fetch(self, span: Span) -> bool:
        """Fetch and write a grid-aligned stretch; a page that fails is left out and the rest goes on.

        Returns:
            Whether to go on with further stretches: not if told to stop, or nothing more is to be had.
        """
        page_length = self._venue.facts.candles.page_size * self._series.timeframe.duration
        rest = span
        while not rest.is_empty:
            if self._health.away is not None:
                self._tally.fail(rest, self._health.away)
                return False
            reached = _Reached(rest.start)
            try:
                return await self._pages(rest, reached)
            except VenueError as error:
                self._health.failed(error)
                lost = Span(reached.moment, min(rest.end, reached.moment + page_length))
                self._tally.fail(lost, error)
                if not error.is_retryable:
                    return False
                rest = Span(lost.end, rest.end)
        return True

    async def _pages(self, span: Span, reached: _Reached) -> bool:
        answers = self._venue.candle_pages(self._series.market_id, self._series.timeframe, span)
        writes: deque[asyncio.Task[bool]] = deque()
        try:
            # It is a generator with requests under way; they end with it, whatever ends us.
            async with aclosing(answers) as pages:
                async for page in pages:
                    self._health.answered()
                    reached.moment = max(reached.moment, page.span.end)
                    writes.append(asyncio.create_task(self._store(page)))
                    if len(writes) == _WRITES_AT_ONCE and not await writes.popleft():
                        return False
        finally:
            # What was answered is stored, whatever ended the asking; a write that failed is the error to show.
            go_on = all(await asyncio.gather(*writes))
        return go_on

    async def _store(self, page: CandlePage) -> bool:
        result = await self._write(page)
        self._tally.add(result)
        return self._on_page is None or await self._on_page(self._series, page, result)

    async def _write(self, page: CandlePage) -> WriteResult:
        return await patiently(
            lambda: self._writer.write(
                self._series,
                page,
                run_id=self._run_id,
                source="rest",
                empty_interval=self._venue.facts.candles.empty_interval,
            )
        )


class _Reached:
    """How far the pages came before one failed."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment


async def patiently(operation: Callable[[], Awaitable[_T]]) -> _T:
    """Do something with the database, again while it is away. The operation must be safe to repeat.

    Raises:
        psycopg.OperationalError, PoolTimeout: it stayed away.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception_type((psycopg.OperationalError, PoolTimeout)),
        stop=stop_after_delay(_STORE_PATIENCE_SECONDS),
        wait=wait_exponential_jitter(multiplier=0.1, max=3, jitter=0.2),
        reraise=True,
    )
    async for attempt in retrying:
        with attempt:
            result = await operation()
    return result

"""`Collector`: brings the ledger of a series to what is wanted. All ways in use it: assets, jobs, requests, the bench.

    ledger ─► planner (what is missing, joined into pages) ─► venue ─► writer, page by page ─► ledger

    async with Collector(load_settings()) as collector:
        await collector.sync_instruments("binance", "spot")
        [series, *_] = await collector.series("binance")
        collected = await collector.collect(series, Span(start, end), run_id="by-hand")

It holds no state that matters: whatever ends it, the ledger knows what is still missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from psycopg import AsyncConnection

from data_agent.connections.limits import Priority
from data_agent.core.collection import Collection, Target, load_collection
from data_agent.core.errors import ConfigurationError, DataAgentError
from data_agent.core.logging import get_logger
from data_agent.core.records import Instrument
from data_agent.core.settings import Settings
from data_agent.core.time import Span, utc_now
from data_agent.coverage.ledger import Entry
from data_agent.coverage.planner import bridge, missing
from data_agent.storage.postgres import ledger
from data_agent.storage.postgres.database import create_pool
from data_agent.storage.postgres.series import Series, ensure_candle_series, load_candle_series, sync_instruments
from data_agent.storage.postgres.writer import CandleWriter
from data_agent.venues.registry import check_symbols, open_venue, product_facts
from data_agent.venues.venue import Venue
from orchestration.collected import Collected, Round, Tally
from orchestration.fetching import Fetch, OnPage, VenueHealth, patiently
from orchestration.wanted import closed_part

SERIES_AT_ONCE: Final = 4
"""Series of one venue that are collected side by side: enough to hide the network, few enough to hold few pages."""
_log = get_logger(__name__)


class Work(NamedTuple):
    """One stretch of one series to bring up to date."""

    series: Series
    wanted: Span


Choose = Callable[["Collector", str], Awaitable[Iterable[Work]]]
"""Picks what to collect of a venue."""


class Synced(NamedTuple):
    """What a look at a venue's list of instruments found and changed."""

    count_listed: int
    count_changed: int
    count_new_series: int


class Collector:
    """Collects what a collection file names. An asynchronous context manager; safe for many tasks at once.

    Args:
        settings: `database_url` is needed; without `redis_url` requests go out at a trickle.
        collection: instead of the file the settings name.
        priority: how its requests stand against others when a venue's budget runs short.
        now: the machine's clock.

    Raises:
        ConfigurationError: the settings name no database.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        collection: Collection | None = None,
        priority: Priority = Priority.BACKFILL,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        if settings.database_url is None:
            raise ConfigurationError("DATABASE_URL is not set")
        self.settings = settings
        self.collection = collection or load_collection(settings.collection_file)
        self.pool = create_pool(settings.database_url, max_size=2 * SERIES_AT_ONCE)
        self.now = now
        self._priority = priority
        self._writer = CandleWriter(self.pool)
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._venues: dict[tuple[str, str], Venue] = {}
        self._health: dict[str, VenueHealth] = {}
        self.synced: dict[tuple[str, str], Synced] = {}

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.pool)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def venue(self, name: str, product: str) -> Venue:
        """The open venue; opened when first asked for, closed with the collector."""
        async with self._opening:
            if (name, product) not in self._venues:
                opened = open_venue(
                    name,
                    product,
                    settings=self.settings,
                    redis_url=self.settings.redis_url,
                    pool=self.pool,
                    priority=self._priority,
                )
                self._venues[name, product] = await self._stack.enter_async_context(opened)
        return self._venues[name, product]

    @property
    def venues(self) -> tuple[str, ...]:
        """The venues of the collection."""
        return tuple(dict.fromkeys(target.venue for target in self.collection.targets()))

    def targets(self, venue: str, product: str | None = None) -> list[Target]:
        """What the collection wants of a venue."""
        return [
            target
            for target in self.collection.targets()
            if target.venue == venue and product in {None, target.product}
        ]

    async def sync_instruments(self, venue: str, product: str) -> Synced:
        """Bring `ref.instruments` up to what the venue lists, and make the series the collection wants of it.

        Raises:
            ConfigurationError: the collection names a symbol the venue does not list; near matches are named.
            VenueError: the venue did not answer.
        """
        listed = await (await self.venue(venue, product)).instruments(fresh=True)
        count_new = 0
        async with self.pool.connection() as connection:
            count_changed = await sync_instruments(connection, listed, observed_at=utc_now())
            for target in self.targets(venue, product):
                count_new += await _make_series(connection, listed, target)
        synced = Synced(len(listed), count_changed, count_new)
        self.synced[venue, product] = synced
        _log.info("instruments_synced", venue=venue, product=product, **synced._asdict())
        return synced

    async def series(self, venue: str) -> list[Series]:
        """The series the collection wants of a venue; `ensure_series` for each of its products."""
        return [series for target in self.targets(venue) for series in await self.ensure_series(target)]

    async def ensure_series(self, target: Target) -> list[Series]:
        """The series of a target, whether the collection names them or not; those that are new are made.

        Raises:
            ConfigurationError: the venue does not list a symbol; near matches are named.
            VenueError: there are new ones, so the venue's list was asked for, and it did not answer.
        """
        there = await self._load(target)
        if len(there) < len(target.symbols) * len(target.timeframes):
            await self.sync_instruments(target.venue, target.product)
            listed = await (await self.venue(target.venue, target.product)).instruments()
            async with self.pool.connection() as connection:
                await _make_series(connection, listed, target)
            there = await self._load(target)
        return there

    async def _load(self, target: Target) -> list[Series]:
        async with self.pool.connection() as connection:
            return await load_candle_series(
                connection,
                venue=target.venue,
                product=target.product,
                symbols=target.symbols,
                timeframes=target.timeframes,
            )

    def forgive(self) -> None:
        """Ask venues again that were given up as away."""
        self._health.clear()

    async def collect_all(
        self, work: Iterable[Work], *, run_id: str, is_forced: bool = False, on_page: OnPage | None = None
    ) -> list[Collected]:
        """`collect` for many, a few at a time per venue; what fails of one costs no other.

        Returns:
            One outcome per piece of work, in its order; those with `failures` did not get all they asked for.
        """
        places: dict[str, asyncio.Semaphore] = {}

        async def in_turn(each: Work) -> Collected:
            async with places.setdefault(each.series.venue, asyncio.Semaphore(SERIES_AT_ONCE)):
                return await self.collect(*each, run_id=run_id, is_forced=is_forced, on_page=on_page)

        return list(await asyncio.gather(*map(in_turn, work)))

    async def collect_round(
        self, venues: Iterable[str], choose: Choose, *, run_id: str, is_forced: bool = False
    ) -> Round:
        """`collect_all` of what `choose` picks for each venue, all venues side by side.

        A venue whose work cannot even be chosen (it has to list its instruments first, and is away) costs the others
        nothing; it is told in `unasked`.
        """

        async def of(venue: str) -> Round:
            try:
                work = await choose(self, venue)
            except DataAgentError as error:
                _log.error("venue_not_asked", venue=venue, run_id=run_id, error=str(error))
                return Round([], {venue: str(error)})
            return Round(await self.collect_all(work, run_id=run_id, is_forced=is_forced))

        rounds = await asyncio.gather(*map(of, venues))
        return Round(
            [outcome for each in rounds for outcome in each.outcomes],
            {venue: reason for each in rounds for venue, reason in each.unasked.items()},
        )

    async def collect(
        self,
        series: Series,
        wanted: Span,
        *,
        run_id: str,
        is_forced: bool = False,
        on_page: OnPage | None = None,
    ) -> Collected:
        """Ask the venue for what the ledger lacks of `wanted`, and write it page by page.

        `wanted` is clipped to what can exist: from the listing to what is closed now. Failures of the venue or the
        store are collected, not raised: what they cost stays unknown in the ledger and is asked for again.

        Args:
            run_id: who collects, for `ops.ingests`.
            is_forced: ask for all of `wanted`, also for what is known; a difference becomes a revision.
            on_page: told of each written page; collecting ends when it answers False.
        """
        facts = product_facts(series.venue, series.product).candles
        wanted = closed_part(wanted, series, facts, self.now())
        tally = Tally(series, wanted)
        try:
            spans = [wanted] if is_forced else await self.missing(series, wanted)
            await self._fetch(bridge(spans, series.timeframe, facts.page_size), tally, run_id, on_page)
        except Exception as error:
            # Whatever it is, it is this series' trouble: told at the end, with all that the others got.
            tally.fail(wanted, error)
            _log.exception("collect_failed", series=str(series), run_id=run_id)
        collected = tally.close(await self._ledger(series, wanted))
        if collected.count_requests or collected.failures:
            _log.info("collected", run_id=run_id, is_forced=is_forced, **collected.facts())
        return collected

    async def _fetch(self, spans: list[Span], tally: Tally, run_id: str, on_page: OnPage | None) -> None:
        if not spans:
            return
        venue = await self.venue(tally.series.venue, tally.series.product)
        health = self._health.setdefault(tally.series.venue, VenueHealth())
        fetch = Fetch(venue, self._writer, health, tally, run_id=run_id, on_page=on_page)
        for span in spans:
            if not await fetch.fetch(span):
                break

    async def missing(self, series: Series, wanted: Span) -> list[Span]:
        """The stretches of `wanted` that are worth a request now."""
        facts = product_facts(series.venue, series.product).candles
        wanted = closed_part(wanted, series, facts, self.now())
        return missing(await self._ledger(series, wanted), wanted, self.now())

    async def _ledger(self, series: Series, wanted: Span) -> list[Entry]:
        async def read() -> list[Entry]:
            async with self.pool.connection() as connection:
                return await ledger.read(connection, series.series_id, wanted)

        return await patiently(read)


async def _make_series(connection: AsyncConnection[Any], listed: Iterable[Instrument], target: Target) -> int:
    check_symbols(target.symbols, listed)
    return await ensure_candle_series(
        connection,
        venue=target.venue,
        product=target.product,
        symbols=target.symbols,
        timeframes=target.timeframes,
    )

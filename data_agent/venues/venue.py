"""`Venue`: what every venue answers, in the words of `core.records`; how each does it is its own module's business."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from data_agent.core.errors import ConfigurationError
from data_agent.core.logging import get_logger
from data_agent.core.metrics import ROWS_OUTSIDE, ROWS_REJECTED
from data_agent.core.records import CandlePage, Instrument
from data_agent.core.time import Span, Timeframe
from data_agent.venues.facts import ProductFacts
from data_agent.venues.paging import CandleAnswer, assemble
from data_agent.venues.rows import Unreadable, read_decimal, read_milliseconds

if TYPE_CHECKING:
    from data_agent.connections.client import VenueClient

_log = get_logger(__name__)
# Requests under way or answered while the caller writes a page. Two hide the network behind the writing; more would
# only hold more pages in memory.
_PAGES_AHEAD: Final = 2
# Near the edge of the present a second of the venue's clock decides what is closed, so it is asked again.
_EDGE_CLOCK_SECONDS: Final = 5.0
# Answers about one stretch before the rest of it is left unknown, to be asked for another time.
_MOST_ANSWERS: Final = 20


class Venue(ABC):
    """One product of one venue. Made by `registry.open_venue`; safe for many tasks at once."""

    newest_first: ClassVar[bool]
    """Which end of an asked stretch a candle answer fills first."""

    def __init__(self, facts: ProductFacts, client: VenueClient) -> None:
        self.facts = facts
        self.client = client

    @abstractmethod
    async def _ask_candles(self, market_id: str, timeframe: Timeframe, window: Span, attempt: int) -> CandleAnswer:
        """Ask once for the candles that open in `window`; `attempt` is 0 for the first answer about a stretch."""

    @abstractmethod
    def _instrument(self, market: Mapping[str, Any]) -> Instrument:
        """An instrument from CCXT's market, whose `info` is the venue's own description."""

    async def instruments(self, *, fresh: bool = False) -> list[Instrument]:
        """Every instrument of the product as the venue lists it now, by market id.

        The list may be ten minutes old (it is shared between processes) unless `fresh`.

        Raises:
            VenueError: see `core.errors`.
        """
        types = self.facts.connection.market_types
        markets = (await self.client.markets(fresh=fresh)).values()
        found = [self._instrument(market) for market in markets if market["type"] in types]
        return sorted(found, key=lambda instrument: instrument.market_id)

    async def candle_pages(self, market_id: str, timeframe: Timeframe, span: Span) -> AsyncGenerator[CandlePage, None]:
        """The candles that open in `span`, ascending, one page per answer of the venue.

        Stops where the venue's present begins. A page's span may be empty (nothing of the answer is proven closed);
        the spans of all pages never overlap, and what no page covers stays unknown. The next pages are asked for while
        the caller deals with one; whoever may leave the loop early wraps the call in `contextlib.aclosing`.

        Raises:
            VenueError: an answer failed for good; the pages before it have been given.
            ConfigurationError: the venue has no such timeframe.
        """
        if timeframe not in self.facts.candles.intervals:
            raise ConfigurationError(f"{self.facts.venue} {self.facts.product} has no {timeframe} candles of its own")
        await self.client.clock.refresh()
        ahead: deque[asyncio.Task[list[CandlePage]]] = deque()
        try:
            for stretch in self._stretches(timeframe, span):
                ahead.append(asyncio.create_task(self._settle(market_id, timeframe, stretch)))
                if len(ahead) > _PAGES_AHEAD:
                    for page in await ahead.popleft():
                        yield page
            while ahead:
                for page in await ahead.popleft():
                    yield page
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    def _stretches(self, timeframe: Timeframe, span: Span) -> Iterator[Span]:
        """Cut a span into stretches that one answer can hold, up to the present of the venue's clock."""
        candles, length = self.facts.candles, timeframe.duration
        start, end = span.aligned(timeframe, candles.grid_offset(timeframe))
        while start < end and start + length <= self.client.clock.lower_bound():
            stretch = Span(start, min(start + length * candles.page_size, end))
            if self._is_at_edge(stretch) and stretch.count(timeframe) == candles.page_size:
                stretch = Span(start, stretch.end - length)
            yield stretch
            start = stretch.end

    def _is_at_edge(self, stretch: Span) -> bool:
        return stretch.end > self.client.clock.lower_bound() - self.facts.candles.settle_after - timedelta(minutes=1)

    async def _settle(self, market_id: str, timeframe: Timeframe, stretch: Span) -> list[CandlePage]:
        """Ask about a stretch until every closed interval of it is settled; the pages ascending."""
        pages: list[CandlePage] = []
        rest = stretch
        for attempt in range(_MOST_ANSWERS):
            page, rest = await self._ask_page(market_id, timeframe, rest, attempt)
            pages.append(page)
            if rest.is_empty:
                break
        else:
            _log.warning("candles_left_unknown", venue=self.facts.venue, market_id=market_id, start=rest.start)
        return pages[::-1] if self.newest_first else pages

    async def _ask_page(
        self, market_id: str, timeframe: Timeframe, stretch: Span, attempt: int
    ) -> tuple[CandlePage, Span]:
        window = stretch
        if self._is_at_edge(stretch):
            await self.client.clock.refresh(_EDGE_CLOCK_SECONDS)
            # One interval more: a row after the last shows that the last is over.
            window = Span(stretch.start, stretch.end + timeframe.duration)
        answer = await self._ask_candles(market_id, timeframe, window, attempt)
        page, unsettled, count_outside = assemble(
            answer, stretch, timeframe, self.facts.candles, newest_first=self.newest_first
        )
        for reject in page.rejects:
            ROWS_REJECTED.labels(self.facts.venue, "candles", reject.reason).inc()
        ROWS_OUTSIDE.labels(self.facts.venue, "candles").inc(count_outside)
        return page, unsettled

    def _new_instrument(
        self, market: Mapping[str, Any], *, price_increment: Any, amount_increment: Any, listed_at: Any = None
    ) -> Instrument:
        """An instrument from what CCXT unified and from the venue's own texts; what cannot be read is None."""
        return Instrument(
            venue=self.facts.venue,
            product=self.facts.product,
            market_id=market["id"],
            symbol=market["symbol"],
            base=market["base"],
            quote=market["quote"],
            price_increment=_increment(price_increment),
            amount_increment=_increment(amount_increment),
            is_active=bool(market["active"]),
            listed_at=_moment(listed_at),
        )


def _increment(told: Any) -> Decimal | None:
    try:
        increment = read_decimal(told, "increment")
    except Unreadable:
        return None
    return increment if increment > 0 else None


def _moment(told: Any) -> datetime | None:
    try:
        return read_milliseconds(told, "listing time")
    except Unreadable:
        return None

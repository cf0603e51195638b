"""Which venues there are, and how to open one.

    async with open_venue(
        "binance", "spot", settings=load_settings(), redis_url=redis_url, pool=pool, priority=Priority.BACKFILL
    ) as venue:
        instruments = await venue.instruments()
        async for page in venue.candle_pages("BTCUSDT", Timeframe.M1, Span(start, end)):
            await writer.write(series, page, run_id=run_id, source="rest",
                               empty_interval=venue.facts.candles.empty_interval)

Keep a venue open for as long as the process works with it: its connections, its markets and its idea of the venue's
clock are worth keeping. Many tasks may use it at once. Importing this module does not import CCXT; opening does.
"""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from data_agent.connections.limits import Priority
from data_agent.core.collection import Collection
from data_agent.core.errors import ConfigurationError
from data_agent.core.records import Instrument
from data_agent.core.settings import Settings
from data_agent.venues.binance import facts as binance_facts
from data_agent.venues.binance.rest import Binance
from data_agent.venues.facts import ProductFacts, VenueFacts
from data_agent.venues.okx import facts as okx_facts
from data_agent.venues.okx.rest import Okx
from data_agent.venues.unified import UnifiedVenue
from data_agent.venues.venue import Venue

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

VENUES: Final[Mapping[str, VenueFacts]] = MappingProxyType(
    {facts.name: facts for facts in (binance_facts.FACTS, okx_facts.FACTS)}
)
# A venue without a class of its own is read through CCXT's unified rows.
_CLASSES: Final[Mapping[str, type[Venue]]] = MappingProxyType({"binance": Binance, "okx": Okx})


def product_facts(venue: str, product: str) -> ProductFacts:
    """What is known of one product of one venue.

    Raises:
        ConfigurationError: there is no such venue or product; near matches are named.
    """
    if venue not in VENUES:
        raise ConfigurationError(f"unknown venue {venue!r}{_suggest(venue, VENUES)}")
    products = VENUES[venue].products
    if product not in products:
        raise ConfigurationError(f"{venue} has no product {product!r}{_suggest(product, products)}")
    return products[product]


def check_collection(collection: Collection) -> None:
    """Check that every venue, product and timeframe of the collection is known. Symbols: see `check_symbols`.

    Raises:
        ConfigurationError: naming every wrong entry.
    """
    problems = []
    for target in collection.targets():
        try:
            intervals = product_facts(target.venue, target.product).candles.intervals
        except ConfigurationError as problem:
            problems.append(str(problem))
            continue
        problems += [
            f"{target.venue}.{target.product} has no {timeframe} candles{_suggest(timeframe, intervals)}"
            for timeframe in target.timeframes
            if timeframe not in intervals
        ]
    _raise_if(problems)


def check_symbols(symbols: Iterable[str], instruments: Iterable[Instrument]) -> dict[str, Instrument]:
    """The instruments of the given symbols, by symbol.

    Raises:
        ConfigurationError: naming every symbol the venue does not list, with near matches.
    """
    listed = {instrument.symbol: instrument for instrument in instruments}
    where = next((f"{each.venue}.{each.product}" for each in listed.values()), "the venue")
    symbols = list(symbols)
    _raise_if([f"{where} lists no {each!r}{_suggest(each, listed)}" for each in symbols if each not in listed])
    return {symbol: listed[symbol] for symbol in symbols}


@asynccontextmanager
async def open_venue(
    name: str,
    product: str = "spot",
    *,
    settings: Settings,
    redis_url: str | None = None,
    pool: AsyncConnectionPool[Any] | None = None,
    priority: Priority = Priority.INCREMENTAL,
) -> AsyncIterator[Venue]:
    """Open one product of a venue; everything is closed at the end. See the module's example.

    Nothing is asked of the venue yet.

    Args:
        settings: base URL, limit ceiling and time-out.
        redis_url: where limits, bans and markets are shared. Without it requests go out at a slow trickle.
        pool: where bans are kept beyond Redis; without it they are kept in Redis alone.
        priority: how the requests of this client stand against those of others when the budget runs short.

    Raises:
        ConfigurationError: there is no such venue or product.
    """
    facts = product_facts(name, product)
    # Importing CCXT takes a second from a warm disk and several from a cold one: only who opens a venue pays.
    from data_agent.connections.client import open_client  # noqa: PLC0415

    async with open_client(
        facts.connection,
        base_url=settings.rest_url(name),
        ceiling=settings.venue_limit_ceiling,
        timeout_seconds=settings.venue_timeout_seconds,
        priority=priority,
        redis_url=redis_url,
        pool=pool,
    ) as client:
        yield _CLASSES.get(name, UnifiedVenue)(facts, client)


def _suggest(wrong: str, known: Iterable[str]) -> str:
    names: Callable[[Iterable[str]], str] = ", ".join
    known = sorted(known)
    near = difflib.get_close_matches(wrong, known, n=3, cutoff=0.5) or (known if len(known) <= 8 else [])
    return f"; did you mean {names(near)}?" if near else ""


def _raise_if(problems: list[str]) -> None:
    if problems:
        raise ConfigurationError("; ".join(problems))

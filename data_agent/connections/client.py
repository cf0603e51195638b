"""`VenueClient`: one long-lived asynchronous CCXT client per venue, product and process.

async with VenueClient(facts, limiter=limiter, priority=Priority.BACKFILL, base_url=None, timeout_seconds=10) as client:
    answer = await client.request("publicGetKlines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1000})
    answer.payload          # the wire's JSON: strings stay strings, bare numbers keep their digits
    answer.venue_time       # the venue's clock showed at least this when the request was sent
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

from psycopg_pool import AsyncConnectionPool
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from data_agent.connections.bans import BanBook
from data_agent.connections.bridge import create_bridge
from data_agent.connections.clock import VenueClock
from data_agent.connections.exchange import Exchange, current
from data_agent.connections.facts import ConnectionFacts
from data_agent.connections.failures import SHORTEST_BAN, classify
from data_agent.connections.limiter import Limiter
from data_agent.connections.limits import PATIENCE_SECONDS, Priority
from data_agent.connections.markets import MarketCache
from data_agent.connections.retry import RetryPolicy
from data_agent.core.errors import Banned, BrokenData, RateLimited
from data_agent.core.metrics import VENUE_REQUESTS, VENUE_SECONDS
from data_agent.core.time import from_milliseconds
from data_agent.storage.redis import keys

_REDIS_TIMEOUT_SECONDS: Final = 2.0


class Answer(NamedTuple):
    """One answer of a venue.

    Attributes:
        payload: decoded JSON; bare numbers with a fraction or an exponent are text, digits as sent.
        sent_at, observed_at: by the machine's clock.
        venue_time: a lower bound of the venue's clock at the moment the request was sent.
    """

    payload: Any
    sent_at: datetime
    observed_at: datetime
    venue_time: datetime


def host_of(facts: ConnectionFacts, base_url: str | None) -> str:
    """The host whose limits and bans apply."""
    return urlsplit(base_url).netloc if base_url else facts.host


class VenueClient:
    """Asks one product of a venue: debits limits before sending, retries what is worth it, raises typed errors.

    Safe for many tasks at once. An asynchronous context manager; always closed.

    Args:
        facts: what the product is and what it allows.
        limiter: shared with every other client of the same host.
        priority: of all requests of this client.
        base_url: replaces scheme, host and port, and puts a path prefix before the venue's own path.
        timeout_seconds: longest wait for one answer.
        redis: where markets are shared; a client that does not decode responses.
        retry: how often and how long one request is tried.
    """

    def __init__(
        self,
        facts: ConnectionFacts,
        *,
        limiter: Limiter,
        priority: Priority,
        base_url: str | None,
        timeout_seconds: float,
        redis: Redis | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        self.facts = facts
        self.clock = VenueClock(self._ask_time)
        self._limiter = limiter
        self._priority = priority
        # Waiting for the budget is not failing: it must not use up the time for trying again.
        self._retry = retry or RetryPolicy(total=RetryPolicy.total + timedelta(seconds=PATIENCE_SECONDS[priority]))
        self._markets = MarketCache(redis, keys.markets(f"{facts.venue}@{host_of(facts, base_url)}", facts.product))
        self._ccxt = create_bridge(facts, self._carry, base_url=base_url, timeout_seconds=timeout_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection. Safe to repeat."""
        await self._ccxt.close()

    async def request(self, method: str, params: Mapping[str, Any]) -> Answer:
        """Call one endpoint by the name CCXT gives it (`publicGetKlines`) and return its JSON untouched.

        The venue's clock is asked first if that was long ago; whoever needs it sharper refreshes `clock` before.

        Raises:
            VenueError: see `core.errors`; what may be retried has been, within bounds.
            StorageError: neither Redis nor PostgreSQL can tell whether a ban holds.
        """
        return await self._call(method, dict(params))

    async def unified(self, method: str, *arguments: Any) -> Answer:
        """Call one of CCXT's unified methods (`fetch_ohlcv`) and return its structures; numbers are text.

        For venues without a row parser of ours. Raises as `request` does.
        """
        await self.markets()
        return await self._call(method, *arguments)

    async def _call(self, method: str, *arguments: Any) -> Answer:
        await self.clock.refresh()
        asked = Exchange(method)
        token = current.set(asked)
        try:
            payload = await getattr(self._ccxt, method)(*arguments)
        except Exception as error:
            failure = classify(error, asked, self.facts.venue)
            if failure is error:
                raise
            raise failure from error
        finally:
            current.reset(token)
        if asked.observed_at is None:
            raise BrokenData("no request was sent for it", venue=self.facts.venue, endpoint=method)
        return Answer(payload, asked.sent_at, asked.observed_at, self.clock.lower_bound(asked.sent))

    async def markets(self, *, fresh: bool = False) -> dict[str, dict[str, Any]]:
        """CCXT's markets by unified symbol, each with the wire's own description under `info`.

        Args:
            fresh: ask the venue even if another process did so a moment ago.
        """
        if not self._ccxt.markets or fresh:
            shared = None if fresh else await self._markets.read()
            if shared is None:
                shared = await self._ccxt.fetch_markets()
                await self._markets.write(shared)
            self._ccxt.set_markets(shared)
        markets: dict[str, dict[str, Any]] = dict(self._ccxt.markets)
        return markets

    async def _ask_time(self) -> datetime:
        told = await self._ccxt.fetch_time()
        if not isinstance(told, int):
            raise BrokenData("the time endpoint tells no time", venue=self.facts.venue, endpoint="time")
        return from_milliseconds(told)

    async def _carry(self, endpoint: str, send: Callable[[], Awaitable[Any]]) -> Any:
        """Bring one request of CCXT to the venue and its answer back: admitted, retried, classified, counted."""
        asked = current.get(None)
        async for attempt in self._retry.retrying():
            with attempt:
                await self._limiter.admit(endpoint, self._priority)
                exchange = Exchange(endpoint)
                token = current.set(exchange)
                try:
                    payload = await self._send_once(exchange, send)
                finally:
                    current.reset(token)
                if asked is not None:
                    asked.take(exchange)
        return payload

    async def _send_once(self, exchange: Exchange, send: Callable[[], Awaitable[Any]]) -> Any:
        outcome = "ok"
        try:
            return await send()
        except Exception as error:
            failure = classify(error, exchange, self.facts.venue)
            outcome = getattr(failure, "reason", "failed")
            await self._obey(failure, exchange)
            if failure is error:
                raise
            raise failure from error
        finally:
            VENUE_REQUESTS.labels(self.facts.venue, exchange.endpoint, outcome).inc()
            VENUE_SECONDS.labels(self.facts.venue, exchange.endpoint).observe(time.monotonic() - exchange.sent)
            await self._limiter.account(exchange.endpoint, exchange.headers)

    async def _obey(self, failure: Exception, exchange: Exchange) -> None:
        """Freeze what the venue closed, for every process, before anybody can ask again."""
        reason = f"HTTP {exchange.status} on {exchange.endpoint}"
        if isinstance(failure, Banned):
            length = exchange.retry_after or SHORTEST_BAN
            await self._limiter.ban(exchange.endpoint, length, reason, whole_venue=True)
        elif isinstance(failure, RateLimited):
            length = failure.retry_after or timedelta()
            if length:
                await self._limiter.ban(exchange.endpoint, length, reason, whole_venue=False)
            else:
                await self._limiter.exhaust(exchange.endpoint)


@asynccontextmanager
async def open_client(
    facts: ConnectionFacts,
    *,
    base_url: str | None,
    ceiling: float,
    timeout_seconds: float,
    priority: Priority,
    redis_url: str | None,
    pool: AsyncConnectionPool[Any] | None,
) -> AsyncIterator[VenueClient]:
    """A client with the limiter and the bans of its host; everything is closed at the end. Nothing is asked yet."""
    host = host_of(facts, base_url)
    bans = BanBook(facts.venue, host, pool)
    async with AsyncExitStack() as stack:
        redis = None if redis_url is None else await stack.enter_async_context(connect_redis(redis_url))
        limiter = Limiter(facts.venue, host, facts.budget, ceiling=ceiling, bans=bans, redis=redis)
        yield await stack.enter_async_context(
            VenueClient(
                facts,
                limiter=limiter,
                priority=priority,
                base_url=base_url,
                timeout_seconds=timeout_seconds,
                redis=redis,
            )
        )


def connect_redis(url: str) -> Redis:
    """A client for limits, bans and markets: it gives up fast, because a trickle is better than a hang."""
    return Redis.from_pool(
        BlockingConnectionPool.from_url(
            url,
            max_connections=8,
            timeout=_REDIS_TIMEOUT_SECONDS,
            socket_timeout=_REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
            # One retry at once heals a connection that a restarted server has closed.
            retry=Retry(NoBackoff(), 1),
        )
    )

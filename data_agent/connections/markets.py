"""The markets of a product, loaded once and shared between processes through Redis."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Any, Final

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from data_agent.core.logging import get_logger

_log = get_logger(__name__)
# Listings change by the day; a short life keeps a fleet of short-lived runs from asking each for itself.
TIME_TO_LIVE: Final = timedelta(minutes=10)


class MarketCache:
    """One product's markets in Redis, compressed JSON. Redis away or a damaged value: as if it held nothing.

    Args:
        redis: a client that does not decode responses, or None.
        key: see `storage.redis.keys.markets`.
    """

    def __init__(self, redis: Redis | None, key: str) -> None:
        self._redis = redis
        self._key = key

    async def read(self) -> list[dict[str, Any]] | None:
        """The markets as CCXT's unified structures, or None."""
        if self._redis is None:
            return None
        try:
            stored: Any = await self._redis.get(self._key)
            return msgspec.json.decode(zlib.decompress(stored), type=list[dict[str, Any]]) if stored else None
        except (RedisError, OSError, zlib.error, msgspec.MsgspecError) as error:
            _log.warning("market_cache_unread", key=self._key, error=str(error))
            return None

    async def write(self, markets: list[dict[str, Any]]) -> None:
        """Share the markets for a while."""
        if self._redis is None:
            return
        try:
            await self._redis.set(self._key, zlib.compress(msgspec.json.encode(markets), 1), ex=TIME_TO_LIVE)
        except (RedisError, OSError) as error:
            _log.warning("market_cache_unwritten", key=self._key, error=str(error))

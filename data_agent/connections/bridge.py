"""The CCXT client of a venue with our hands on its hooks: exact digits, limits before sending, failures told apart.

Importing this module imports CCXT (about a second, several from a cold disk); only opening a venue does.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, Final, cast

import ccxt.async_support
import msgspec

from data_agent.connections.base_url import override_base_url
from data_agent.connections.exchange import current
from data_agent.connections.facts import ConnectionFacts
from data_agent.core.errors import BrokenData
from data_agent.core.time import utc_now

# JSON as the wire has it: a bare number keeps its digits as text, an integer of any length stays an integer, and NaN,
# a cut end or a second value are errors. CCXT's own parser turns 1.10 into 1.1 and 0.12345678901234567890 into ...568.
_JSON: Final = msgspec.json.Decoder(float_hook=str)

# Sends one request (`send`) for an endpoint and returns the payload; waits, retries and classifies as it sees fit.
Courier = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]


class _Bridge:
    """Mixed in before a CCXT class; CCXT calls these hooks."""

    courier: Courier

    on_json_response = staticmethod(_JSON.decode)
    number = str

    async def fetch2(
        self, path: str, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None
    ) -> Any:
        """Every request of CCXT passes here, with its endpoint still known."""

        async def send() -> Any:
            return await super(_Bridge, self).fetch2(path, api, method, params or {}, config or {})  # type: ignore[misc]

        return await self.courier(path, send)

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        """The last moment before the request leaves: what the venue says may be as old as this, and no older."""
        exchange = current.get()
        exchange.sent_at, exchange.sent = utc_now(), time.monotonic()
        return await super().fetch(url, method, headers, body)  # type: ignore[misc]

    def on_rest_response(self, *answer: Any) -> str:
        """Every answer passes here, whatever its status."""
        status, _reason, _url, _method, headers, body, *_request = answer
        exchange = current.get()
        exchange.observed_at = utc_now()
        exchange.status = status
        exchange.headers = {name.lower(): value for name, value in headers.items()}
        exchange.body = body.strip()
        return exchange.body

    def parse_json(self, http_response: str) -> Any:
        """Decode an answer. CCXT takes what is not JSON for None, and later for no rows at all.

        Raises:
            BrokenData: the status says that all is well, but the body is empty, HTML, cut off or a bare value.
        """
        exchange = current.get()
        try:
            exchange.payload = self.on_json_response(http_response)
        except (ValueError, RecursionError) as error:
            if not exchange.is_success:
                return None
            raise BrokenData(self._describe(f"not JSON ({error})"), **self._where()) from None
        if exchange.is_success and not isinstance(exchange.payload, (dict, list)):
            raise BrokenData(self._describe("neither an object nor an array"), **self._where())
        return exchange.payload

    def _describe(self, problem: str) -> str:
        exchange = current.get()
        return f"HTTP {exchange.status} with a body that is {problem}: {exchange.body[:120]!r}"

    def _where(self) -> dict[str, str]:
        return {"venue": cast("Any", self).id, "endpoint": current.get().endpoint}


@lru_cache
def _bridge_class(ccxt_id: str) -> type[Any]:
    return type(f"Bridged_{ccxt_id}", (_Bridge, getattr(ccxt.async_support, ccxt_id)), {})


def create_bridge(facts: ConnectionFacts, courier: Courier, *, base_url: str | None, timeout_seconds: float) -> Any:
    """The CCXT client of a product; must be closed. CCXT's own limiter and retries are off: the courier does both."""
    client = _bridge_class(facts.ccxt_id)(
        {
            "enableRateLimit": False,
            "timeout": int(timeout_seconds * 1000),
            "options": {
                **facts.options,
                "fetchMarkets": {"types": list(facts.market_types)},
                "fetchCurrencies": False,
                "defaultType": facts.market_types[0],
            },
        }
    )
    client.courier = courier
    client.number = str
    client.has["fetchCurrencies"] = False
    if base_url is not None:
        client.urls["api"] = override_base_url(client.urls["api"], base_url, client.implode_hostname)
        # CCXT lingers for TLS to close down cleanly; without TLS there is nothing to wait for.
        client.timeout_on_exit = 0 if base_url.startswith("http:") else client.timeout_on_exit
    return client

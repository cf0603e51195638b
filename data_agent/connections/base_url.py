"""Another server in a venue's place: a simulator, a proxy, a test server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

# WebSocket hosts of CCXT's table; they have settings of their own.
_NOT_REST = frozenset({"ws"})


def override_base_url(urls: Any, base_url: str, implode: Callable[[str], str]) -> Any:
    """CCXT's table of REST URLs with scheme, host and port replaced, and a path prefix put before the venue's path.

    `https://api.binance.com/api/v3` with the base URL `http://127.0.0.1:9000/binance` becomes
    `http://127.0.0.1:9000/binance/api/v3`. Every host is replaced, so that nothing can leak to the real venue.

    Args:
        urls: CCXT's `urls['api']`: a URL or a table of tables of URLs.
        base_url: scheme, host, port, optional path prefix; no trailing slash.
        implode: fills in `{hostname}` (CCXT's `implode_hostname`).
    """
    if isinstance(urls, dict):
        return {
            name: value if name in _NOT_REST else override_base_url(value, base_url, implode)
            for name, value in urls.items()
        }
    if not isinstance(urls, str) or not urls.startswith("http"):
        return urls
    return base_url + urlsplit(implode(urls)).path.rstrip("/")

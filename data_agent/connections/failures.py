"""Every failure of a request, told apart by what it means for us.

The HTTP status comes first: CCXT files 418 and 451 under network errors (and would have them retried), takes an
OKX 429 without its own code and a truncated body for plain exchange errors, and 400 and 403 for an outage. Its error
classes decide only where the status says that all is well, because venues send errors with status 200 too.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import aiohttp
from ccxt.base import errors as ccxt_errors

from data_agent.connections.exchange import Exchange
from data_agent.core.errors import Banned, BrokenData, DataAgentError, NetworkFault, RateLimited, Refused, VenueError
from data_agent.core.logging import redact_text
from data_agent.core.time import utc_now

# Binance's shortest ban; taken where a venue bans without saying for how long.
SHORTEST_BAN: Final = timedelta(minutes=2)
_TEXT_LENGTH: Final = 300
# One of these names an error, in every venue's envelope; an answer without any is no envelope at all.
_ENVELOPE: Final = frozenset({"code", "msg", "message", "error", "errors", "status", "err-code", "result"})


def classify(error: Exception, exchange: Exchange, venue: str) -> DataAgentError:
    """The typed error for whatever came of a request; errors of our own tree pass unchanged."""
    if isinstance(error, DataAgentError):
        return error
    where: dict[str, Any] = {"venue": venue, "endpoint": exchange.endpoint}
    if exchange.status is None:
        return _unanswered(error, where)
    if exchange.is_success:
        return _answered_with_success(error, exchange, where)
    return _answered_with_status(exchange.status, error, exchange, where)


def _unanswered(error: Exception, where: dict[str, Any]) -> VenueError:
    if isinstance(error.__cause__, aiohttp.ClientPayloadError):
        return BrokenData("the answer was cut off", **where)
    if isinstance(error, (ccxt_errors.NetworkError, aiohttp.ClientError, OSError)) or isinstance(
        error.__cause__, (aiohttp.ClientError, OSError)
    ):
        cause = error.__cause__ or error
        return NetworkFault(f"{type(cause).__name__}: {_text(cause)}", **where)
    if isinstance(error, ccxt_errors.ExchangeError):
        return Refused(_text(error), **where)
    raise error


def _answered_with_status(status: int, error: Exception, exchange: Exchange, where: dict[str, Any]) -> VenueError:
    text = f"HTTP {status}: {_text(exchange.body)}"
    if status == 418:
        return Banned(text, until=utc_now() + (exchange.retry_after or SHORTEST_BAN), **where)
    if status == 429 or isinstance(error, ccxt_errors.RateLimitExceeded):
        return RateLimited(text, retry_after=exchange.retry_after, **where)
    if status >= 500 or status == 408:
        return NetworkFault(text, **where)
    return Refused(text, **where)


def _answered_with_success(error: Exception, exchange: Exchange, where: dict[str, Any]) -> VenueError:
    text = f"HTTP {exchange.status}: {_text(exchange.body)}"
    if isinstance(error, (ccxt_errors.RateLimitExceeded, ccxt_errors.DDoSProtection)):
        return RateLimited(text, retry_after=exchange.retry_after, **where)
    if isinstance(error, (ccxt_errors.BadResponse, ccxt_errors.NullResponse)):
        return BrokenData(text, **where)
    if isinstance(error, ccxt_errors.NetworkError):
        return NetworkFault(text, **where)
    if not isinstance(error, ccxt_errors.BaseError):
        # CCXT itself stumbled over the answer (KeyError, TypeError, ...): it is of another shape than documented.
        return BrokenData(f"{type(error).__name__} while reading {text}", **where)
    is_envelope = isinstance(exchange.payload, dict) and not _ENVELOPE.isdisjoint(exchange.payload)
    return Refused(text, **where) if is_envelope else BrokenData(text, **where)


def _text(value: object) -> str:
    text = redact_text(" ".join(str(value).split()))
    return text if len(text) <= _TEXT_LENGTH else text[:_TEXT_LENGTH] + "…"

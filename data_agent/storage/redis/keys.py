"""The names of everything in Redis. Each is disposable: PostgreSQL or the venue can give it again.

The part in braces is the hash tag: what one script touches together lies on one node of a cluster.
"""

from __future__ import annotations

from typing import Final

PREFIX: Final = "data-agent"


def limit(venue_host: str, name: str) -> str:
    """Counters of one limit: a hash, bucket of time -> amount used."""
    return f"{PREFIX}:{{{venue_host}}}:limit:{name}"


def ban(venue_host: str, scope: str) -> str:
    """Present while the venue has shut us out of a scope; expires when the ban ends. The value is when, in ms."""
    return f"{PREFIX}:{{{venue_host}}}:ban:{scope}"


def bans_known(venue_host: str) -> str:
    """Present once the bans kept in PostgreSQL have been loaded; gone after a loss of Redis."""
    return f"{PREFIX}:{{{venue_host}}}:bans-known"


def markets(venue_host: str, product: str) -> str:
    """The markets of one product, compressed."""
    return f"{PREFIX}:{{{venue_host}}}:markets:{product}"

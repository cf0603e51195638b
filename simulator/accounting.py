"""How often the venues were asked, and how politely."""

from collections import Counter
from typing import Any


class Requests:
    """Counts per venue, endpoint and status, and how many came over a limit or inside a ban."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, str, str]] = Counter()
        self._over_limit: Counter[str] = Counter()
        self._inside_ban: Counter[str] = Counter()

    def answered(self, venue: str, endpoint: str, status: str) -> None:
        """Count an answer; what is no HTTP status is a word: ``timeout``, ``reset``."""
        self._answers[venue, endpoint, status] += 1

    def over_limit(self, venue: str) -> None:
        """Count a request that was refused for being over a limit."""
        self._over_limit[venue] += 1

    def inside_ban(self, venue: str) -> None:
        """Count a request that came although the address is banned."""
        self._inside_ban[venue] += 1

    def clear(self) -> None:
        """Forget everything."""
        for counter in (self._answers, self._over_limit, self._inside_ban):
            counter.clear()

    def summary(self) -> dict[str, Any]:
        """All counts, as the ledger shows them."""
        rows: list[dict[str, Any]] = [
            {"venue": venue, "endpoint": endpoint, "status": status, "count": count}
            for (venue, endpoint, status), count in sorted(self._answers.items())
        ]
        venues = sorted({*(row["venue"] for row in rows), *self._over_limit, *self._inside_ban})
        return {
            "requests": rows,
            "over_limit": {venue: self._over_limit[venue] for venue in venues},
            "inside_ban": {venue: self._inside_ban[venue] for venue in venues},
            "total": sum(self._answers.values()),
        }

"""Request limits as venues enforce them, in real seconds (clients wait in real seconds, whatever the clock shows)."""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from typing_extensions import override

MINUTE_SECONDS = 60.0
THREE_DAYS_SECONDS = 3 * 86_400.0


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """``scale`` multiplies every limit, so that tests can make them small; ``enabled`` False refuses nobody."""

    enabled: bool = True
    scale: float = 1.0
    ban_after: int = 10
    first_ban_seconds: float = 120.0
    seconds: Callable[[], float] = time.time

    def scaled(self, limit: int) -> int:
        """A limit after scaling, at least 1."""
        return max(1, int(limit * self.scale))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limits say to one request. ``status`` 200 lets it pass, 429 is over the limit, 418 inside a ban."""

    status: int = 200
    retry_after_seconds: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Limiter(ABC):
    """Counts the requests of every client address; one of each venue."""

    @abstractmethod
    def check(self, address: str, endpoint: str, query: str) -> Verdict:
        """Count a request and say whether it may pass."""

    def ban(self, address: str, seconds: float | None) -> Verdict:
        """Ban an address now; venues without bans only answer so once."""
        return Verdict(418, None if seconds is None else max(1, round(seconds)))


class SlidingWindows(Limiter):
    """So many requests per endpoint in any window of so many seconds; refused requests do not count."""

    def __init__(self, limits: dict[str, tuple[int, float]], settings: LimitSettings) -> None:
        self._limits = limits
        self._settings = settings
        self._passed: dict[tuple[str, str], deque[float]] = {}

    @override
    def check(self, address: str, endpoint: str, query: str) -> Verdict:
        if not self._settings.enabled or endpoint not in self._limits:
            return Verdict()
        limit, window_seconds = self._limits[endpoint]
        now = self._settings.seconds()
        passed = self._passed.setdefault((address, endpoint + query), deque())
        while passed and passed[0] <= now - window_seconds:
            passed.popleft()
        if len(passed) >= self._settings.scaled(limit):
            return Verdict(429)
        passed.append(now)
        return Verdict()


@dataclass(slots=True)
class _Account:
    """One address at a venue that weighs requests."""

    minute: int = 0
    used: int = 0
    refused: int = 0
    bans: int = 0
    banned_until: float = 0.0


class MinuteWeight(Limiter):
    """So much weight per minute of the clock; who goes on after a 429 is banned, each time twice as long."""

    def __init__(self, limit: int, weights: dict[str, int], settings: LimitSettings) -> None:
        self._limit = settings.scaled(limit)
        self._weights = weights
        self._settings = settings
        self._accounts: dict[str, _Account] = {}

    @override
    def check(self, address: str, endpoint: str, query: str) -> Verdict:
        account, now = self._account(address), self._settings.seconds()
        if now < account.banned_until:
            return self._banned(account, now)
        if int(now // MINUTE_SECONDS) != account.minute:
            account.minute, account.used, account.refused = int(now // MINUTE_SECONDS), 0, 0
        account.used += self._weights.get(endpoint, 1)
        if not self._settings.enabled or account.used <= self._limit:
            return Verdict(headers=self._used(account))
        account.refused += 1
        if account.refused > self._settings.ban_after:
            return self.ban(address, None)
        wait = MINUTE_SECONDS - now % MINUTE_SECONDS
        return Verdict(429, max(1, round(wait + 0.5)), self._used(account))

    @override
    def ban(self, address: str, seconds: float | None) -> Verdict:
        account, now = self._account(address), self._settings.seconds()
        longer = self._settings.first_ban_seconds * 2.0**account.bans
        account.banned_until = now + (min(longer, THREE_DAYS_SECONDS) if seconds is None else seconds)
        account.bans += 1
        return self._banned(account, now)

    def _account(self, address: str) -> _Account:
        return self._accounts.setdefault(address, _Account())

    def _banned(self, account: _Account, now: float) -> Verdict:
        return Verdict(418, max(1, round(account.banned_until - now + 0.5)))

    def _used(self, account: _Account) -> dict[str, str]:
        return {"x-mbx-used-weight": str(account.used), "x-mbx-used-weight-1m": str(account.used)}

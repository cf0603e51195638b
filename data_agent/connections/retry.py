"""Asking again: only what may succeed when asked again, a bounded number of times, within a bounded time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_base, wait_exponential_jitter

from data_agent.core.errors import RateLimited, VenueError


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long a request is tried.

    Attributes:
        attempts: tries in all.
        total: no try begins later than this after the first.
        first_wait, longest_wait: bounds of the exponential wait between two tries; jitter of up to `first_wait`
            is added. A wait the venue asked for replaces it if it is longer.
    """

    attempts: int = 4
    total: timedelta = timedelta(seconds=60)
    first_wait: timedelta = timedelta(seconds=0.5)
    longest_wait: timedelta = timedelta(seconds=10)

    def retrying(self) -> AsyncRetrying:
        """A tenacity loop for one request; the last error is raised as it is."""
        return AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, VenueError) and error.is_retryable),
            stop=stop_after_attempt(self.attempts) | stop_before_delay(self.total),
            wait=_AsTold(
                wait_exponential_jitter(
                    multiplier=self.first_wait.total_seconds(),
                    max=self.longest_wait.total_seconds(),
                    jitter=self.first_wait.total_seconds(),
                )
            ),
            reraise=True,
        )


class _AsTold(wait_base):
    """At least as long as the venue said; otherwise as `otherwise` says."""

    def __init__(self, otherwise: wait_base) -> None:
        self._otherwise = otherwise

    def __call__(self, retry_state: RetryCallState) -> float:
        wait = self._otherwise(retry_state)
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if isinstance(error, RateLimited) and error.retry_after is not None:
            # A hair longer: the ban this process keeps ends with the very second the venue named.
            return max(wait, error.retry_after.total_seconds() + 0.05)
        return wait

from datetime import UTC, datetime

from data_agent.core.errors import Banned, BrokenData, NetworkFault, RateLimited, Refused, VenueError


def test_what_a_venue_answered_is_not_retried_and_what_was_lost_on_the_way_is() -> None:
    retryable = {error: error.is_retryable for error in (NetworkFault, RateLimited, Banned, Refused, BrokenData)}
    assert retryable == {NetworkFault: True, RateLimited: True, Banned: False, Refused: False, BrokenData: True}


def test_a_failure_says_where_and_until_when() -> None:
    until = datetime(2026, 1, 5, tzinfo=UTC)
    error = Banned("shut out", venue="binance", endpoint="klines", until=until)
    assert str(error) == "binance klines: shut out (until 2026-01-05T00:00:00+00:00)"
    assert isinstance(error, VenueError)

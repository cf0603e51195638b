from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from data_agent.cli.deployment import Deployment
from data_agent.cli.waiting import Standing, await_final, progress_text, wanted_series
from data_agent.core.collection import Target
from data_agent.core.errors import EnvironmentFault
from data_agent.core.time import Timeframe

NOW = datetime(2026, 3, 2, 12, 1, 30, tzinfo=UTC)


def target(history: timedelta, *timeframes: Timeframe) -> Target:
    return Target("okx", "spot", ("BTC/USDT", "ETH/USDT"), timeframes, history)


def test_the_whole_history_is_waited_for_up_to_what_closed_a_few_minutes_ago() -> None:
    [first, second] = wanted_series([target(timedelta(days=1), Timeframe.M5)], NOW)
    assert (first.name, second.name) == ("okx BTC/USDT 5m", "okx ETH/USDT 5m")
    assert first.start == datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
    # The candle of 11:55 closed ninety seconds ago and may still be on its way.
    assert first.end == datetime(2026, 3, 2, 11, 55, tzinfo=UTC)


def test_a_series_that_can_have_no_candle_yet_is_not_waited_for() -> None:
    assert wanted_series([target(timedelta(hours=2), Timeframe.D1)], NOW) == []


@pytest.mark.parametrize(
    ("expected", "final", "is_final"), [(0, 0, False), (10, 9, False), (10, 10, True), (10, 11, True)]
)
def test_final_means_every_expected_candle(expected: int, final: int, is_final: bool) -> None:
    assert Standing("okx BTC/USDT 5m", expected, final).is_final is is_final


def test_progress_counts_series() -> None:
    wanted = wanted_series([target(timedelta(days=1), Timeframe.M5)], NOW)
    standings = [Standing("okx BTC/USDT 5m", 10, 10), Standing("okx ETH/USDT 5m", 10, 0)]
    assert progress_text(wanted, standings) == "1 of 2 series final, 2 begun"
    assert progress_text(wanted, []) == "0 of 2 series final, 0 begun"


@pytest.mark.integration
def test_waiting_ends_and_says_what_lacks_and_why(running: Deployment) -> None:
    """In place of the API stands a web server that knows none of its pages."""
    said: list[str] = []
    with pytest.raises(EnvironmentFault) as caught:
        await_final(running, said.append, patience_seconds=1)
    message = str(caught.value)
    assert "not everything is final after 1.0 s; lacking: binance BTC/USDT 1m" in message
    assert "and 45 more" in message
    assert "404" in message
    assert said[0].endswith(": 0 of 48 series final, 0 begun")

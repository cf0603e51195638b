"""Recorded weeks through the whole path: what the file says is what the marts and the API say, digit by digit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from data_agent.core.time import Span, Timeframe
from data_agent.storage.postgres.series import Series
from simulator.testing import RunningSimulator, running_simulator

from .path import WholePath, whole_path
from .recordings import MINUTE, RECORDINGS, RecordedRow, Recording

pytestmark = [pytest.mark.integration, pytest.mark.recordings, pytest.mark.timeout(600)]


@pytest.fixture(params=sorted(RECORDINGS))
def recording(request: pytest.FixtureRequest) -> Recording:
    return RECORDINGS[request.param]


@pytest.fixture
def recorded(recording: Recording, recordings: Path) -> list[RecordedRow]:
    return recording.read(recordings / recording.path)


@pytest.fixture
def simulator(recording: Recording, recorded: list[RecordedRow], recordings: Path) -> Iterator[RunningSimulator]:
    after = recorded[-1].open_time + timedelta(minutes=30)
    with running_simulator(
        venues=recording.venue,
        clock=after.isoformat(),
        market_start=recorded[0].open_time.isoformat(),
        replay=[f"{recording.venue}:{recording.symbol}:1m={recordings / recording.path}"],
    ) as running:
        yield running


@pytest.fixture
async def path(
    recording: Recording, simulator: RunningSimulator, database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[WholePath]:
    async with whole_path(
        database_url=database_url,
        redis_url=redis_url,
        data_directory=tmp_path,
        venue_urls={recording.venue: simulator.venue_url(recording.venue)},
        symbols={recording.venue: [recording.symbol]},
    ) as opened:
        yield opened


def whole(recorded: list[RecordedRow]) -> Span:
    return Span(recorded[0].open_time, recorded[-1].open_time + MINUTE)


async def one_minute_series(path: WholePath, recording: Recording) -> Series:
    return next(each for each in await path.collector.series(recording.venue) if each.timeframe is Timeframe.M1)


async def test_a_recorded_week_arrives_digit_by_digit(
    path: WholePath, recording: Recording, recorded: list[RecordedRow]
) -> None:
    series, span = await one_minute_series(path, recording), whole(recorded)
    [collected] = await path.collect(recording.venue, span)
    assert (collected.count_inserted, collected.failures, collected.holes) == (len(recorded), (), ())
    published = await path.publish()
    assert (published.count_failed, published.count_dirty_left) == (0, 0)
    assert path.published(series) == recorded

    served, coverage = await path.candles(series, span)
    assert [(row["open_time"], *(row[field] for field in RecordedRow._fields[1:])) for row in served] == [
        (row.open_time.strftime("%Y-%m-%dT%H:%M:%SZ"), *row[1:]) for row in recorded
    ]
    assert {row["status"] for row in served} == {"final"}
    assert all(row["is_closed"] for row in served)
    assert (coverage["expected"], coverage["present"], coverage["gaps"]) == (len(recorded), len(recorded), [])


async def test_candles_of_every_length_are_built_of_the_recorded_minutes(
    path: WholePath, recording: Recording, recorded: list[RecordedRow]
) -> None:
    """The venue's own hours (made by the simulator of the same minutes) and ours agree, so nothing differs."""
    span = Span(recorded[0].open_time, recorded[0].open_time + timedelta(days=2))
    await path.collect(recording.venue, span, tuple(Timeframe))
    await path.publish()
    counts = dict(path.rows("SELECT timeframe || origin, count(*) FROM marts.candles GROUP BY 1"))
    for timeframe in Timeframe:
        expected = span.count(timeframe)
        assert counts[f"{timeframe}venue"] == expected
        assert counts.get(f"{timeframe}built") == (None if timeframe is Timeframe.M1 else expected)
    assert path.rows("SELECT * FROM marts.candle_differences") == []

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_agent.connections.clock import REFRESH_SECONDS, VenueClock

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


class World:
    """A venue whose clock is off by `skew`, reached over a slow line, seen from a machine with a monotonic clock."""

    def __init__(self, skew: float = 0.0, there: float = 0.0, back: float = 0.0) -> None:
        self.seconds = 1_000.0
        self.skew, self.there, self.back = skew, there, back
        self.count_asked = 0

    def venue_now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds - 1_000 + self.skew)

    async def ask(self) -> datetime:
        self.count_asked += 1
        self.seconds += self.there
        told = self.venue_now()
        self.seconds += self.back
        return told

    def clock(self) -> VenueClock:
        return VenueClock(self.ask, lambda: self.seconds)


@given(
    skew=st.floats(-3_600, 3_600), there=st.floats(0, 10), back=st.floats(0, 10),
    later=st.lists(st.floats(0, 100), max_size=5),
)  # fmt: skip
def test_never_ahead_of_the_venue_and_behind_by_no_more_than_the_way_back(
    skew: float, there: float, back: float, later: list[float]
) -> None:
    world = World(skew, there, back)
    clock = world.clock()
    asyncio.run(clock.refresh())
    for step in later:
        world.seconds += step
        bound = clock.lower_bound()
        assert bound <= world.venue_now() + timedelta(microseconds=2)
        assert world.venue_now() - bound <= timedelta(seconds=back + 0.2)


async def test_a_moment_before_the_sample_is_bounded_too() -> None:
    world = World(there=1.0, back=1.0)
    clock = world.clock()
    sent, venue_when_sent = world.seconds, world.venue_now()
    await clock.refresh()
    assert clock.lower_bound(sent) <= venue_when_sent


async def test_asks_again_only_when_the_sample_is_old() -> None:
    world = World()
    clock = world.clock()
    await asyncio.gather(clock.refresh(), clock.refresh(), clock.refresh())
    assert world.count_asked == 1
    world.seconds += 10
    await clock.refresh()
    assert world.count_asked == 1
    await clock.refresh(max_age_seconds=5)
    assert world.count_asked == 2
    world.seconds += REFRESH_SECONDS + 1
    await clock.refresh()
    assert world.count_asked == 3


async def test_follows_a_venue_that_sets_its_clock_back() -> None:
    world = World(skew=30)
    clock = world.clock()
    await clock.refresh()
    world.skew = 0
    await clock.refresh(max_age_seconds=-1)
    assert clock.lower_bound() <= world.venue_now()


async def test_a_step_of_the_machine_s_own_clock_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    clock = world.clock()
    await clock.refresh()
    before = clock.lower_bound()
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert clock.lower_bound() == before


async def test_without_a_sample_nothing_is_closed() -> None:
    with pytest.raises(RuntimeError, match="never asked"):
        World().clock().lower_bound()


async def test_a_failed_question_leaves_the_old_sample() -> None:
    world = World()
    clock = world.clock()
    await clock.refresh()

    async def fail() -> datetime:
        raise OSError("away")

    world.seconds += 10
    clock._ask = fail
    with pytest.raises(OSError, match="away"):
        await clock.refresh(max_age_seconds=1)
    assert clock.lower_bound() <= world.venue_now()

import asyncio

import pytest

from simulator.clock import Clock
from simulator.times import iso, parse_instant


class Seconds:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_follows_real_time() -> None:
    source = Seconds()
    clock = Clock(source=source)
    source.now += 1.5
    assert clock.now_ms() == 1_001_500


@pytest.mark.parametrize(("speed", "shown"), [(1.0, 10_000), (60.0, 600_000), (0.0, 0)])
def test_starts_elsewhere_at_any_speed(speed: float, shown: int) -> None:
    source = Seconds()
    clock = Clock(5_000_000, speed, source)
    source.now += 10
    assert clock.now_ms() == 5_000_000 + shown


def test_is_set_and_frozen() -> None:
    source = Seconds()
    clock = Clock(source=source)
    clock.set(now_ms=42, speed=0.0)
    source.now += 100
    assert clock.now_ms() == 42
    clock.set(speed=2.0)
    source.now += 1
    assert clock.now_ms() == 2_042


async def test_waits_until_it_is_moved() -> None:
    clock = Clock(0, 0.0)
    waiting = asyncio.create_task(clock.wait_until(1_000))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    clock.set(now_ms=1_000)
    await asyncio.wait_for(waiting, 1)


@pytest.mark.parametrize("text", ["2026-01-05T00:00:00Z", "2026-01-05", "2026-01-05T01:00:00+01:00", "1767571200000"])
def test_instants_are_read(text: str) -> None:
    assert iso(parse_instant(text)) == "2026-01-05T00:00:00.000Z"


def test_nonsense_is_no_instant() -> None:
    with pytest.raises(ValueError, match="isoformat"):
        parse_instant("yesterday")

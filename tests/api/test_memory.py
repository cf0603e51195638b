from __future__ import annotations

from datetime import timedelta

from api.coverage.composition import Coverage, Gap
from api.coverage.memory import Memory, Range, Survey
from data_agent.core.time import Span
from tests.api.support import MIDNIGHT, at


def a_range(number: int) -> Range:
    return Range(1, Span(at(0), at(10)), MIDNIGHT + timedelta(seconds=number), MIDNIGHT)


def test_another_state_of_the_store_is_another_range() -> None:
    memory = Memory()
    survey = Survey(Coverage(10, 10, ()), at(10))
    memory.remember(a_range(1), survey)
    assert memory.recall(a_range(1)) == survey
    assert memory.recall(a_range(2)) is None


def test_it_never_grows_past_its_bound_and_drops_what_nobody_needed() -> None:
    memory = Memory()
    for number in range(200):
        memory.remember(a_range(number), Survey(Coverage(1, number, ()), None))
        assert memory.recall(a_range(0)) is not None
    kept = [number for number in range(200) if memory.recall(a_range(number))]
    assert len(kept) == 64
    assert kept[-63:] == list(range(137, 200))


def test_a_range_in_rags_is_not_kept() -> None:
    memory = Memory()
    gaps = tuple(Gap(at(2 * i), at(2 * i + 1), "unknown", "") for i in range(10_001))
    memory.remember(a_range(1), Survey(Coverage(20_002, 10_001, gaps), None))
    assert memory.recall(a_range(1)) is None

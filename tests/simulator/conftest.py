"""Simulators to talk to, and a quick way to ask one without a socket."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from simulator.config import Config
from simulator.faults.registry import Occasion
from simulator.rows import NO_ROW_FAULTS, RowFaults
from simulator.simulator import Simulator
from simulator.testing import RunningSimulator, simulator_thread
from simulator.times import parse_instant
from simulator.venues.base import Answer, Question, Refused

NOW = "2026-01-05T10:20:30Z"
NOW_MS = parse_instant(NOW)
MIDNIGHT_MS = parse_instant("2026-01-05T00:00:00Z")
MINUTE = 60_000


class Asker:
    """Asks a simulator's venues without a socket."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def answer(self, venue: str, path: str, rows: RowFaults = NO_ROW_FAULTS) -> Answer:
        """The answer to ``/path?query``, with the venue's errors as answers."""
        path, _, query = path.partition("?")
        exchange = self.simulator.exchanges[venue]
        pairs = parse_qsl(query, keep_blank_values=True)
        question = Question(pairs, self.simulator.clock.now_ms(), exchange.truth, rows)
        try:
            return exchange.venue.endpoints[path].answer(question)
        except Refused as refused:
            return refused.answer

    def json(self, venue: str, path: str) -> Any:
        return json.loads(self.answer(venue, path).body)

    def faulty(self, venue: str, path: str, endpoint: str, symbol: str) -> Any:
        """The parsed answer after the row faults that strike it."""
        now_ms = self.simulator.clock.now_ms()
        plan = self.simulator.faults.plan(Occasion(venue, endpoint, "ohlcv", symbol, now_ms, now_ms + MINUTE))
        return json.loads(self.answer(venue, path, plan.rows).body)


@pytest.fixture
def ask() -> Asker:
    """A simulator whose clock stands at NOW."""
    return Asker(Simulator(Config(clock_start_ms=NOW_MS, clock_speed=0)))


@pytest.fixture
def start() -> Iterator[Callable[..., RunningSimulator]]:
    """Starts simulators on a socket, frozen at NOW unless told otherwise, and stops them at the end."""
    running = []

    def begin(**options: Any) -> RunningSimulator:
        context = simulator_thread(**({"clock": NOW, "clock_speed": 0} | options))
        running.append(context)
        return context.__enter__()

    yield begin
    for context in running:
        context.__exit__(None, None, None)

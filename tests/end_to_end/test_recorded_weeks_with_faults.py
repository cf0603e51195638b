"""The same weeks with the venue misbehaving: after repair every row the venue will still give is there, and equal.

The oracle is the file and the simulator's own ledger. Repair waits between its questions; a time machine moves the
product's clock instead of the test's patience.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from data_agent.connections import bridge
from data_agent.core.time import Span, utc_now
from data_agent.coverage.evidence import ENOUGH_ATTEMPTS
from orchestration import withheld
from simulator.testing import RunningSimulator

from .path import WholePath
from .recordings import MINUTE, RecordedRow, Recording
from .test_recorded_weeks import one_minute_series, path, recorded, recording, simulator, whole

__all__ = ["path", "recorded", "recording", "simulator"]  # fixtures, used by name
pytestmark = [pytest.mark.integration, pytest.mark.recordings, pytest.mark.timeout(600)]

# Positions in the recording of what will never be given, and of what is corrected afterwards.
LOST, GARBAGE, IMPOSSIBLE, CORRECTED = (700, 701, 4_321), (2_000,), (3_000,), (5_000, 5_001)
MOST_CYCLES = 4 * ENOUGH_ATTEMPTS


# Where the moment of an observation, of a question and of a verdict is taken.
OUR_CLOCKS = (bridge, withheld)


class TimeMachine:
    """Moves the product's clock; the venue's stays where it is, and so does what is between us: limits and bans."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta()
        for module in OUR_CLOCKS:
            monkeypatch.setattr(module, "utc_now", self.now)

    def now(self) -> datetime:
        return utc_now() + self.ahead

    def advance(self, by: timedelta) -> None:
        self.ahead += by


@pytest.fixture
def time_machine(monkeypatch: pytest.MonkeyPatch, path: WholePath) -> TimeMachine:
    machine = TimeMachine(monkeypatch)
    path.collector.now = machine.now
    return machine


def switch_faults_on(simulator: RunningSimulator, recorded: list[RecordedRow], symbol: str) -> None:
    def times(*positions: int) -> list[str]:
        return [recorded[position].open_time.isoformat() for position in positions]

    candles: dict[str, Any] = {"symbol": symbol, "endpoint": "ohlcv"}
    minute: dict[str, Any] = candles | {"timeframe": "1m"}
    now_and_then: dict[str, Any] = candles | {"probability": 0.04, "count": 4}
    corrected_from = recorded[-1].open_time + timedelta(hours=1)
    simulator.faults(
        {"kind": "latency", "seconds": 0.2, **now_and_then},
        {"kind": "http_5xx", **now_and_then},
        {"kind": "http_5xx", "body": "html", **now_and_then},
        {"kind": "http_429", "retry_after_seconds": 1, **now_and_then, "count": 2},
        {"kind": "reset", **now_and_then},
        {"kind": "truncated", **now_and_then},
        {"kind": "truncated", "mode": "chunked", **now_and_then},
        {"kind": "malformed_json", **now_and_then},
        {"kind": "html", **now_and_then},
        {"kind": "empty_body", **now_and_then},
        {"kind": "duplicate_rows", "share": 0.05, **minute, "count": 10},
        {"kind": "missing_candles", "share": 0.02, **minute, "count": 12},
        {"kind": "malformed_row", "defect": "nan", "share": 0.01, **minute, "count": 12},
        {"kind": "malformed_row", "defect": "high_below_low", "share": 0.005, **minute, "count": 8},
        {"kind": "off_grid", "open_times": times(42), **minute, "count": 2},
        {"kind": "missing_candles", "for_good": True, "open_times": times(*LOST), **minute},
        {"kind": "malformed_row", "defect": "text", "for_good": True, "open_times": times(*GARBAGE), **minute},
        {"kind": "malformed_row", "defect": "negative_volume", "for_good": True, "open_times": times(*IMPOSSIBLE)}
        | minute,
        {"kind": "late_revision", "at": corrected_from.isoformat(), "open_times": times(*CORRECTED), **minute},
    )  # fmt: skip


async def repair(path: WholePath, time_machine: TimeMachine, venue: str, span: Span) -> int:
    """Collect and publish until nothing is left to ask; how many cycles that took."""
    for cycle in range(1, MOST_CYCLES + 1):
        outcomes = await path.collect(venue, span)
        await path.publish()
        time_machine.advance(timedelta(hours=2))
        if not any(outcome.holes or outcome.failures for outcome in outcomes) and not path.rows(
            "SELECT 1 FROM ops.coverage WHERE retry_at IS NOT NULL LIMIT 1"
        ):
            return cycle
    raise AssertionError(f"repair does not come to an end: {[outcome.facts() for outcome in outcomes]}")


async def test_after_repair_every_row_equals_and_every_hole_has_its_cause(
    path: WholePath,
    recording: Recording,
    recorded: list[RecordedRow],
    simulator: RunningSimulator,
    time_machine: TimeMachine,
) -> None:
    series, span = await one_minute_series(path, recording), whole(recorded)
    switch_faults_on(simulator, recorded, recording.symbol)
    await repair(path, time_machine, recording.venue, span)
    simulator.set_clock(advance_seconds=7_200)
    await path.reread(recording.venue, span)
    await path.publish()

    never = {recorded[position].open_time for position in (*LOST, *GARBAGE, *IMPOSSIBLE)}
    truth = as_ledger_rows(simulator, recording)
    assert {row.open_time for row in truth} == {row.open_time for row in recorded} - never
    changed = {row.open_time for row in set(recorded) - set(truth)} - never
    assert sorted(changed) == [recorded[position].open_time for position in CORRECTED]

    assert path.published(series) == truth
    served, coverage = await path.candles(series, span)
    assert [tuple(row[field] for field in RecordedRow._fields[1:]) for row in served] == [row[1:] for row in truth]
    assert {row["status"] for row in served} == {"final"}
    check_gaps(coverage["gaps"], recorded)
    check_rejects(path, recorded)
    check_injected(simulator)


def as_ledger_rows(simulator: RunningSimulator, recording: Recording) -> list[RecordedRow]:
    """The simulator's truth, without what it will never give (nor the gate let pass)."""
    rows = simulator.ledger(recording.venue, recording.symbol, "1m")
    return [
        RecordedRow(datetime.fromisoformat(row["open_time_iso"]), *(row[field] for field in RecordedRow._fields[1:]))
        for row in rows
        if row["closed"] and "missing" not in row and "malformed" not in row
    ]


def check_gaps(gaps: list[dict[str, str]], recorded: list[RecordedRow]) -> None:
    def gap(first: int, count: int, words: str) -> tuple[str, str, str, str]:
        start = recorded[first].open_time
        return _iso(start), _iso(start + count * MINUTE), "unrecoverable", words

    expected = [
        gap(700, 2, "no candle"),
        gap(2_000, 1, "could not be understood"),
        gap(3_000, 1, "failed rule"),
        gap(4_321, 1, "no candle"),
    ]
    assert len(gaps) == len(expected), gaps
    for found, (start, end, status, words) in zip(gaps, expected, strict=True):
        assert (found["start"], found["end"], found["status"]) == (start, end, status)
        assert words in found["cause"]


def check_rejects(path: WholePath, recorded: list[RecordedRow]) -> None:
    rejects = path.rows("SELECT open_time, reason, payload FROM raw.rejects")
    assert recorded[2_000].open_time in {open_time for open_time, _, _ in rejects}
    assert {"not_a_number", "off_grid"} <= {reason for _, reason, _ in rejects}
    assert all(payload.startswith("[") for _, _, payload in rejects), "rejects are kept whole"
    duplicates = "SELECT series_id, open_time FROM marts.candles GROUP BY 1, 2 HAVING count(*) > 1"
    assert path.rows(duplicates) == []


def check_injected(simulator: RunningSimulator) -> None:
    """The test proves nothing if the faults did not happen."""
    injected: dict[str, int] = {}
    for fault in simulator.fault_report():
        injected[fault["kind"]] = injected.get(fault["kind"], 0) + fault["injected"]
    for kind in ("missing_candles", "malformed_row", "duplicate_rows", "late_revision", "off_grid"):
        assert injected[kind], injected
    assert sum(map(bool, injected.values())) >= len(injected) - 4, f"few of the faults by chance happened: {injected}"


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

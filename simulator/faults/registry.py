"""All faults of a simulator: which are on, and which strike a request."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.amendments import Revision
from simulator.exchange import Exchange
from simulator.faults.active import ActiveFault
from simulator.faults.checks import checked_fault
from simulator.faults.kinds import (
    AnyFault,
    Ban,
    ClockSkew,
    EmptyBody,
    Html,
    Latency,
    LateRevision,
    MalformedJson,
    MalformedRow,
    MissingCandles,
    Reset,
    RowFault,
    ServerError,
    Stale,
    Timeout,
    TooManyRequests,
    Truncated,
)
from simulator.faults.rows import DISTORTERS, Hidden
from simulator.rows import NO_ROW_FAULTS, RowFaults
from simulator.times import SECOND_MS, parse_instant

# At most one of these strikes a request: it decides what the client gets instead of the answer.
REPLACING = (ServerError, TooManyRequests, Ban, Timeout, Reset, Html, EmptyBody)
SPOILING = (Truncated, MalformedJson)
Replacing = ServerError | TooManyRequests | Ban | Timeout | Reset | Html | EmptyBody
Spoiling = Truncated | MalformedJson


@dataclass(slots=True)
class Plan:
    """What happens to one request."""

    replacing: Replacing | None = None
    spoiling: Spoiling | None = None
    latency_seconds: float = 0.0
    skew_ms: int = 0
    stale: Stale | None = None
    rows: RowFaults = field(default_factory=lambda: NO_ROW_FAULTS)


@dataclass(frozen=True, slots=True)
class Occasion:
    """The request a plan is made for. ``closes_at_ms`` is the next close of the asked timeframe."""

    venue: str
    endpoint: str
    group: str
    symbol: str | None
    now_ms: int
    closes_at_ms: int


class Registry:
    """Faults by number. Faults that change history (for good, late revisions) also amend the venues' truth."""

    def __init__(self, seed: int, exchanges: Mapping[str, Exchange]) -> None:
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311 - faults need repeatable luck, not secrets
        self._exchanges = exchanges
        self._active: list[ActiveFault] = []
        self._past: list[ActiveFault] = []
        self._next = 1

    def add(self, specs: Iterable[AnyFault]) -> list[dict[str, Any]]:
        """Switch faults on, all or none. Raises UnknownFault."""
        checked = [checked_fault(spec, self._exchanges) for spec in specs]
        added = []
        for spec in checked:
            fault = ActiveFault(self._next, spec, self._seed)
            self._next += 1
            self._active.append(fault)
            self._amend(fault)
            added.append(fault.summary())
        return added

    def remove(self, number: int | None = None, for_good: bool = False) -> int:
        """Switch one fault off, or all; those that changed history stay unless ``for_good``. How many were on."""
        chosen = [
            fault
            for fault in self._active
            if number in (None, fault.number) and (for_good or number is not None or not fault.is_for_good)
        ]
        self._active = [fault for fault in self._active if fault not in chosen]
        self._past += chosen
        for exchange in self._exchanges.values():
            exchange.truth.amendments.clear()
        for fault in self._active:
            self._amend(fault)
        return len(chosen)

    def active(self) -> list[dict[str, Any]]:
        """The faults that are on."""
        return [fault.summary() for fault in self._active]

    def report(self) -> list[dict[str, Any]]:
        """Everything injected since the start, faults that are off again included."""
        return [fault.report() for fault in sorted((*self._past, *self._active), key=lambda fault: fault.number)]

    def is_on(self, spec: AnyFault) -> bool:
        """Whether this very fault is still on."""
        return any(fault.spec is spec for fault in self._active)

    def plan(self, occasion: Occasion) -> Plan:
        """Draw what strikes this request."""
        plan = Plan()
        if not self._active:
            return plan
        hiders, distorters = [], []
        for fault in self._active:
            if not self._strikes(fault, occasion, plan):
                continue
            if isinstance(fault.spec, MissingCandles):
                hiders.append(Hidden(fault, occasion.venue, occasion.now_ms))
            elif isinstance(fault.spec, RowFault):
                distorters.append(DISTORTERS[type(fault.spec)](fault, occasion.venue, occasion.now_ms))
            else:
                fault.injected += 1
                _put_into(plan, fault.spec)
        plan.rows = RowFaults(hiders, distorters)
        return plan

    def _strikes(self, fault: ActiveFault, occasion: Occasion, plan: Plan) -> bool:
        spec = fault.spec
        if not fault.is_alive(occasion.now_ms):
            return False
        if not fault.concerns(occasion.venue, occasion.endpoint, occasion.group, occasion.symbol):
            return False
        if isinstance(spec, Ban) and not self._exchanges[occasion.venue].venue.bans:
            return False
        if (isinstance(spec, REPLACING) and plan.replacing) or (isinstance(spec, SPOILING) and plan.spoiling):
            return False
        if isinstance(spec, Stale) and not _is_near_close(spec, occasion):
            return False
        return spec.probability >= 1.0 or self._random.random() < spec.probability

    def _amend(self, fault: ActiveFault) -> None:
        spec, selected = fault.spec, fault.selected
        if not fault.is_for_good or selected is None:
            return
        for venue, exchange in self._exchanges.items():
            if spec.venue not in (None, venue):
                continue
            amendments = exchange.truth.amendments
            if isinstance(spec, LateRevision):
                amendments.revisions.append(Revision(selected, parse_instant(spec.at), dict(spec.changes.items())))
            elif isinstance(spec, MissingCandles):
                amendments.missing.append(selected)
            elif isinstance(spec, MalformedRow):
                amendments.malformed.append(selected)


def _is_near_close(spec: Stale, occasion: Occasion) -> bool:
    if occasion.group != "ohlcv":
        return False
    return spec.mode == "cached" or occasion.closes_at_ms - occasion.now_ms <= spec.window_seconds * SECOND_MS


def _put_into(plan: Plan, spec: AnyFault) -> None:
    if isinstance(spec, Latency):
        plan.latency_seconds += spec.seconds
    elif isinstance(spec, ClockSkew):
        plan.skew_ms += round(spec.seconds * SECOND_MS)
    elif isinstance(spec, Stale):
        plan.stale = spec
    elif isinstance(spec, SPOILING):
        plan.spoiling = spec
    elif isinstance(spec, REPLACING):
        plan.replacing = spec

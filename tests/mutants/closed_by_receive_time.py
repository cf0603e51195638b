"""Whether a candle is closed is judged when the answer has come, not when the question was sent."""

from datetime import datetime

from data_agent.connections.clock import VenueClock

_lower_bound = VenueClock.lower_bound


def lower_bound(self: VenueClock, at: float | None = None) -> datetime:
    return _lower_bound(self, None)


VenueClock.lower_bound = lower_bound

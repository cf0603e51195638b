"""A simulator: its clock, its exchanges, its faults and its books. It knows nothing of sockets."""

from simulator.accounting import Requests
from simulator.clock import Clock
from simulator.config import Config
from simulator.exchange import Exchange
from simulator.faults.registry import Registry


class Simulator:
    """Everything one running simulator holds. Raises what Exchange raises."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = Clock(config.clock_start_ms, config.clock_speed)
        self.market_start_ms = config.market_begins_at(self.clock.now_ms())
        self.exchanges = {name: Exchange(name, config, self.market_start_ms) for name in config.venues}
        self.faults = Registry(config.seed, self.exchanges)
        self.requests = Requests()

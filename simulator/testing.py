"""Helpers for tests that talk to a simulator over a socket.

    with running_simulator(clock="2026-01-05T00:00:00Z", clock_speed=0) as simulator:
        client = Spot(base_url=simulator.venue_url("binance"))

``running_simulator`` starts a process, ``simulator_thread`` a thread of this one (faster to start, but it shares the
interpreter with what is measured). Both take the options of ``python -m simulator`` with underscores.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from simulator.cli import read_arguments, serve
from simulator.simulator import Simulator

START_SECONDS = 15.0
STOP_SECONDS = 5.0
# Never through a proxy that the environment names.
_OPENER = build_opener(ProxyHandler({}))


class SimulatorError(Exception):
    """The simulator refused a request to its own paths, or did not start; the text is its reason."""


class RunningSimulator:
    """A simulator by its URL. Every method is one synchronous request."""

    def __init__(self, url: str) -> None:
        self.url = url

    def venue_url(self, venue: str) -> str:
        """What takes the place of the exchange's scheme and host, e.g. ``http://127.0.0.1:9000/binance``."""
        return f"{self.url}/{venue}"

    def health(self) -> dict[str, Any]:
        """What it plays and since when."""
        answer: dict[str, Any] = self._json("GET", "/_health")
        return answer

    def ledger(
        self,
        venue: str,
        symbol: str,
        timeframe: str,
        *,
        start: int | str | None = None,
        end: int | str | None = None,
        as_of: int | str | None = None,
    ) -> list[dict[str, Any]]:
        """The true candles that open in [start, end), ascending; see ``simulator.ledger``."""
        asked = {"venue": venue, "symbol": symbol, "timeframe": timeframe, "start": start, "end": end, "as_of": as_of}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return [json.loads(line) for line in self._ask("GET", f"/_ledger?{query}").splitlines()]

    def faults(self, *faults: dict[str, Any]) -> list[dict[str, Any]]:
        """Switch faults on; without any, list those that are on."""
        answer: list[dict[str, Any]] = (
            self._json("POST", "/_faults", faults) if faults else self._json("GET", "/_faults")
        )
        return answer

    def clear_faults(self, number: int | None = None, for_good: bool = False) -> int:
        """Switch one fault off, or all; ``for_good`` also takes back changes of history. How many were on."""
        query = urlencode({"for_good": str(for_good).lower()} | ({} if number is None else {"id": number}))
        removed: int = self._json("DELETE", f"/_faults?{query}")["removed"]
        return removed

    def fault_report(self) -> list[dict[str, Any]]:
        """Everything injected since the start, with the candles each fault touched."""
        answer: list[dict[str, Any]] = self._json("GET", "/_ledger/faults")
        return answer

    def requests(self) -> dict[str, Any]:
        """Requests per venue, endpoint and status; how many over a limit and inside a ban."""
        answer: dict[str, Any] = self._json("GET", "/_ledger/requests")
        return answer

    def forget_requests(self) -> None:
        """Begin counting requests again."""
        self._ask("DELETE", "/_ledger/requests")

    def clock(self) -> dict[str, Any]:
        """``{"now_ms": …, "now": "…", "speed": …}``"""
        answer: dict[str, Any] = self._json("GET", "/_clock")
        return answer

    def set_clock(
        self, now: int | str | None = None, *, advance_seconds: float | None = None, speed: float | None = None
    ) -> dict[str, Any]:
        """Set the clock, move it, or change its speed (0 freezes it)."""
        wanted = {"now": now, "advance_seconds": advance_seconds, "speed": speed}
        body = {name: value for name, value in wanted.items() if value is not None}
        answer: dict[str, Any] = self._json("POST", "/_clock", body)
        return answer

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(self._ask(method, path, body))

    def _ask(self, method: str, path: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(self.url + path, data, headers, method=method)  # noqa: S310 - always http
        try:
            with _OPENER.open(request, timeout=60) as answer:
                content: bytes = answer.read()
                return content
        except HTTPError as error:
            with error:
                raise SimulatorError(f"{method} {path}: {error.code} {error.read().decode()}") from error


@contextmanager
def running_simulator(**options: Any) -> Iterator[RunningSimulator]:
    """A simulator in a process of its own, on a free port unless ``port`` is given."""
    with _process("simulator", *_arguments({"port": 0, **options})) as url:
        yield RunningSimulator(url)


@contextmanager
def running_static_server(*files: Path | str, **options: Any) -> Iterator[str]:
    """The static server for recorded answers in a process of its own; its URL."""
    with _process("simulator.static", *_arguments({"port": 0, **options}), *map(str, files)) as url:
        yield url


@contextmanager
def _process(module: str, *arguments: str) -> Iterator[str]:
    """Run a module that prints ``… at URL`` when it listens; stop it at the end."""
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if " at http" not in line:
                raise SimulatorError(f"did not start: {' '.join(command)}")
            yield line.split(" at ")[1].strip()
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def simulator_thread(**options: Any) -> Iterator[RunningSimulator]:
    """A simulator in a thread of this process, on a free port unless ``port`` is given."""
    parsed = read_arguments(_arguments({"port": 0, **options}))
    loop, stop, addresses = asyncio.new_event_loop(), asyncio.Event(), list[str]()
    simulator = Simulator(parsed.config)

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve(simulator, parsed.host, parsed.ports, stop, lambda _, url: addresses.append(url)))

    thread = threading.Thread(target=run, name="simulator", daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not addresses and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        if not addresses:
            raise SimulatorError("the simulator did not start")
        yield RunningSimulator(addresses[0])
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(STOP_SECONDS)
        loop.close()


def _arguments(options: dict[str, Any]) -> list[str]:
    """``replay=[…]`` becomes several ``--replay``, ``clock_speed=0`` becomes ``--clock-speed=0``."""
    found = []
    for name, value in options.items():
        values: Sequence[Any] = value if isinstance(value, list | tuple) and name == "replay" else [value]
        for each in values:
            text = ",".join(each) if isinstance(each, list | tuple) else each
            found.append(f"--{name.replace('_', '-')}={text}")
    return found

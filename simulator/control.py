"""The simulator's own paths, all beginning with ``/_``: health, clock, ledger and faults."""

import json
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from aiohttp import web

from simulator.faults.kinds import UnknownFault, read_faults
from simulator.ledger import ledger_rows
from simulator.simulator import Simulator
from simulator.times import iso, parse_instant

# Ledger rows per chunk of an answer: a year of minutes streams without ever being held.
ROWS_PER_CHUNK = 2000


def control_routes(simulator: Simulator) -> list[web.RouteDef]:
    """Routes for one simulator."""
    control = Control(simulator)
    return [
        web.get("/_health", control.health),
        web.get("/_clock", control.clock),
        web.post("/_clock", control.set_clock),
        web.get("/_ledger", control.ledger),
        web.get("/_ledger/requests", control.requests),
        web.delete("/_ledger/requests", control.forget_requests),
        web.get("/_ledger/faults", control.fault_report),
        web.get("/_faults", control.faults),
        web.post("/_faults", control.add_faults),
        web.delete("/_faults", control.remove_faults),
    ]


class Control:
    """Handlers; every refusal is a 400 with ``{"error": "…"}``."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def health(self, request: web.Request) -> web.Response:
        """That it runs, what it plays and since when."""
        simulator = self._simulator
        venues = {name: sorted(exchange.venue.listed) for name, exchange in simulator.exchanges.items()}
        return web.json_response({
            "status": "ok", "simulated": True, "seed": simulator.config.seed, "venues": venues,
            "market_start": iso(simulator.market_start_ms), **self._clock_now(),
        })  # fmt: skip

    async def clock(self, request: web.Request) -> web.Response:
        """The time the exchanges show."""
        return web.json_response(self._clock_now())

    async def set_clock(self, request: web.Request) -> web.Response:
        """``{"now": ms or ISO, "advance_seconds": s, "speed": x}``, each optional."""
        try:
            wanted = await request.json()
            now = wanted.get("now")
            now_ms = None if now is None else parse_instant(now)
            if "advance_seconds" in wanted:
                start_ms = self._simulator.clock.now_ms() if now_ms is None else now_ms
                now_ms = start_ms + round(wanted["advance_seconds"] * 1000)
            speed = wanted.get("speed")
            self._simulator.clock.set(now_ms, None if speed is None else float(speed))
        except (ValueError, TypeError, AttributeError) as error:
            raise _refused(f"clock: {error}") from error
        return web.json_response(self._clock_now())

    async def ledger(self, request: web.Request) -> web.StreamResponse:
        """Rows as NDJSON, or as one JSON array with ``format=json``."""
        rows = self._ledger_rows(request)
        if request.query.get("format") == "json":
            return web.json_response(list(rows))
        answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await answer.prepare(request)
        while chunk := "".join(json.dumps(row) + "\n" for row in islice(rows, ROWS_PER_CHUNK)):
            await answer.write(chunk.encode())
        return answer

    async def requests(self, request: web.Request) -> web.Response:
        """How often the venues were asked."""
        return web.json_response(self._simulator.requests.summary())

    async def forget_requests(self, request: web.Request) -> web.Response:
        """Begin counting again."""
        self._simulator.requests.clear()
        return web.json_response(self._simulator.requests.summary())

    async def fault_report(self, request: web.Request) -> web.Response:
        """What was injected, how often, into which candles."""
        return web.json_response(self._simulator.faults.report())

    async def faults(self, request: web.Request) -> web.Response:
        """The faults that are on."""
        return web.json_response(self._simulator.faults.active())

    async def add_faults(self, request: web.Request) -> web.Response:
        """Switch on one fault or a list of them."""
        try:
            return web.json_response(self._simulator.faults.add(read_faults(await request.read())), status=201)
        except UnknownFault as error:
            raise _refused(str(error)) from error

    async def remove_faults(self, request: web.Request) -> web.Response:
        """All, or one by ``?id=``; ``?for_good=true`` also takes back what changed the venues' history."""
        number = request.query.get("id")
        removed = self._simulator.faults.remove(
            None if number is None else _asked(int, number, "id"), request.query.get("for_good") == "true"
        )
        return web.json_response({"removed": removed})

    def _ledger_rows(self, request: web.Request) -> Iterator[dict[str, Any]]:
        query, now_ms = request.query, self._simulator.clock.now_ms()
        try:
            exchange = self._simulator.exchanges[query["venue"]]
            rows = ledger_rows(
                exchange, query["symbol"], query["timeframe"],
                start_ms=_asked(parse_instant, query.get("start", "0"), "start"),
                end_ms=_asked(parse_instant, query.get("end", str(1 << 62)), "end"),
                as_of_ms=_asked(parse_instant, query.get("as_of", str(now_ms)), "as_of"),
            )  # fmt: skip
            first = list(islice(rows, 1))
        except KeyError as error:
            raise _refused(f"ledger: {error} is unknown or was not given") from error
        return chain(first, rows)

    def _clock_now(self) -> dict[str, Any]:
        clock = self._simulator.clock
        now_ms = clock.now_ms()
        return {"now_ms": now_ms, "now": iso(now_ms), "speed": clock.speed}


def _refused(reason: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"error": reason}), content_type="application/json")


def _asked(read: Callable[[str], int], text: str, name: str) -> int:
    try:
        return read(text)
    except ValueError as error:
        raise _refused(f"{name}: {error}") from error

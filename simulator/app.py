"""The simulator behind a port."""

from aiohttp import web

from simulator.config import Config
from simulator.control import control_routes
from simulator.simulator import Simulator
from simulator.wire import play


def create_app(config: Config | Simulator | None = None, root_venue: str | None = None) -> web.Application:
    """An aiohttp application: each venue under ``/<venue>/``, the simulator's own paths under ``/_``.

    ``root_venue`` is also served without a prefix; by default that is the venue of a simulator with only one.
    """
    simulator = config if isinstance(config, Simulator) else Simulator(config or Config())
    if root_venue is None and len(simulator.exchanges) == 1:
        root_venue = next(iter(simulator.exchanges))

    async def answer(request: web.Request) -> web.StreamResponse:
        venue, _, path = request.path[1:].partition("/")
        if venue in simulator.exchanges:
            return await play(simulator, simulator.exchanges[venue], request, f"/{path}")
        if root_venue is not None:
            return await play(simulator, simulator.exchanges[root_venue], request, request.path)
        known = ", ".join(f"/{name}/" for name in simulator.exchanges)
        return web.json_response({"error": f"no such path; venues are served under {known}"}, status=404)

    app = web.Application()
    app.add_routes(control_routes(simulator))
    app.router.add_route("*", "/{path:.*}", answer)
    return app

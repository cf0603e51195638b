"""Serving recorded answers."""

import argparse
import asyncio
import logging
import signal
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from simulator.static.cassettes import Recorded, UnreadableCassette, read_cassette, sorted_query

log = logging.getLogger("simulator.static")

MATCHES = ("exact", "subset", "path")


class Shelf:
    """Recorded answers by method, path and query.

    ``match`` says how like a recorded query the asked one must be: ``exact`` (order aside), ``subset`` (all of the
    recorded pairs are asked, more may be; the recording with the most pairs wins) or ``path`` (the query is ignored
    when no recording is exact). ``ignore`` names parameters that never count, such as timestamps and signatures.
    """

    def __init__(self, recorded: Sequence[Recorded], match: str = "exact", ignore: Sequence[str] = ()) -> None:
        self._match = match
        self._ignore = frozenset(ignore)
        self._found: dict[tuple[str, str], list[Recorded]] = {}
        for each in recorded:
            self._found.setdefault((each.method, each.path), []).append(each)

    def find(self, method: str, path: str, query: str) -> Recorded | None:
        """The recording for a request, or None."""
        candidates = self._found.get((method, path), [])
        asked = self._counting(sorted_query(query))
        exact = [each for each in candidates if self._counting(each.query) == asked]
        if exact:
            return exact[0]
        if self._match == "path":
            return candidates[0] if candidates else None
        if self._match == "subset":
            within = [each for each in candidates if set(self._counting(each.query)) <= set(asked)]
            return max(within, key=lambda each: len(each.query), default=None)
        return None

    def _counting(self, query: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        return [pair for pair in query if pair[0] not in self._ignore]


def create_app(shelf: Shelf) -> web.Application:
    """An aiohttp application that serves the shelf, and 404 for what is not on it."""

    async def answer(request: web.Request) -> web.Response:
        found = shelf.find(request.method, request.path, request.query_string)
        if found is None:
            return web.json_response({"error": "not recorded", "path": request.path_qs}, status=404)
        return web.Response(
            body=found.body, status=found.status, content_type=found.content_type, charset="utf-8",
            headers=found.headers,
        )  # fmt: skip

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve files until SIGINT or SIGTERM. 1 when it cannot start."""
    parser = argparse.ArgumentParser("python -m simulator.static", description="Serves recorded answers.")
    parser.add_argument("--port", type=int, default=9100, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--match", choices=MATCHES, default="exact", help="how like a recorded query the asked must be")
    parser.add_argument("--ignore", default="timestamp,signature,recvWindow", help="parameters that never count")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    logging.basicConfig(level="WARNING")
    try:
        recorded = [each for path in options.files for each in read_cassette(path)]
        asyncio.run(_serve(Shelf(recorded, options.match, options.ignore.split(",")), options.host, options.port))
    except (OSError, UnreadableCassette) as error:
        log.error("%s", error)
        return 1
    return 0


async def _serve(shelf: Shelf, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(create_app(shelf), access_log=None, shutdown_timeout=0.2)
    try:
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        url = f"http://{host}:{runner.addresses[0][1]}"
        print(f"static at {url}", flush=True)  # noqa: T201 - the one line that says where it listens
        await stop.wait()
    finally:
        await runner.cleanup()

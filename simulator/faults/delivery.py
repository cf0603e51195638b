"""How an answer leaves the socket: well, late, broken, or not at all."""

import asyncio
import socket
import struct
from collections.abc import Callable

from aiohttp import web

from simulator.faults.kinds import Truncated
from simulator.venues.base import Answer

HTML_PAGE = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
)
# SO_LINGER on with zero seconds: closing sends RST.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
LOOK_AGAIN_SECONDS = 0.05


def html_page(status: int) -> Answer:
    """A page of the kind that protection services and gateways show."""
    return Answer(status, HTML_PAGE, content_type="text/html")


def cut_json(answer: Answer) -> Answer:
    """The same answer, ending in the middle of its JSON."""
    return Answer(answer.status, answer.body[: max(1, len(answer.body) * 2 // 3)], answer.headers)


def response(answer: Answer) -> web.Response:
    """The answer as it should be delivered."""
    return web.Response(
        body=answer.body, status=answer.status, headers=answer.headers,
        content_type=answer.content_type, charset="utf-8",
    )  # fmt: skip


async def truncated(request: web.Request, answer: Answer, fault: Truncated) -> web.StreamResponse:
    """Promise the whole body, send a part, and close."""
    broken = web.StreamResponse(status=answer.status, headers=answer.headers)
    broken.content_type = answer.content_type
    if fault.mode == "chunked":
        broken.enable_chunked_encoding()
    else:
        broken.content_length = len(answer.body)
    await broken.prepare(request)
    await broken.write(answer.body[: min(int(len(answer.body) * fault.keep), len(answer.body) - 1)])
    if request.transport is not None:
        request.transport.close()
    return broken


def reset(request: web.Request) -> web.Response:
    """Reset the connection; the returned response has nowhere to go."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()
    return web.Response()


async def never(request: web.Request, seconds: float, is_on: Callable[[], bool]) -> web.Response:
    """Say nothing until the client has left, the time is over or the fault is switched off, then close."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds

    def is_waiting() -> bool:
        transport = request.transport
        return transport is not None and not transport.is_closing() and loop.time() < until and is_on()

    while is_waiting():  # noqa: ASYNC110 - aiohttp tells by no event that a client has left
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    if request.transport is not None:
        request.transport.abort()
    return web.Response()

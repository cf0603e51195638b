"""The command ``python -m simulator``."""

import argparse
import asyncio
import logging
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, NoReturn

from aiohttp import web

from simulator.app import create_app
from simulator.config import Config, Replay, parse_clock, parse_replay
from simulator.limits import LimitSettings
from simulator.market.files import UnreadableRecording
from simulator.simulator import Simulator
from simulator.times import iso, parse_instant
from simulator.venues import VENUES

log = logging.getLogger("simulator")

# How long open requests may take after a signal; timeouts being played never end by themselves.
STOP_SECONDS = 0.2


class Arguments(NamedTuple):
    """The command line, read. ``ports`` by the venue served alone there; None is the port of all venues."""

    config: Config
    host: str
    ports: dict[str | None, int]
    log_level: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM. 0 after a clean stop, 1 when the simulator cannot start, 2 for wrong arguments."""
    read = read_arguments(arguments)
    logging.basicConfig(level=read.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_run(Simulator(read.config), read))
    except (OSError, UnreadableRecording) as error:
        log.error("%s", error)
        return 1
    return 0


def read_arguments(arguments: Sequence[str] | None = None) -> Arguments:
    """Parse a command line; ends the process with 2 and a message when it is wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    alone = {name: getattr(options, f"port_{name}") for name in VENUES}
    ports: dict[str | None, int] = {None: options.port}
    ports |= {name: port for name, port in alone.items() if port is not None}
    return Arguments(_config(options, parser), options.host, ports, options.log_level)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m simulator", description="Plays exchanges' REST wire.")
    add = parser.add_argument
    add("--port", type=int, default=9000, help="serves all venues, each under /<venue>/; 0 takes a free one")
    for name in VENUES:
        add(f"--port-{name}", type=int, help=f"serves {name} alone, without a prefix")
    add("--host", default="127.0.0.1")
    add("--seed", type=int, default=7)
    add("--venues", default=",".join(VENUES), help="comma-separated: %(default)s")
    add("--clock", default="real", help="'real', or where the clock starts: ISO-8601 or milliseconds")
    add("--clock-speed", type=float, default=1.0, help="0 freezes the clock, 60 lets a minute pass each second")
    add("--history-days", type=int, default=30, help="days of market before the start (default 30)")
    add("--market-start", help="first instant of the market, instead of --history-days")
    add("--replay", action="append", default=[], metavar="VENUE:SYMBOL:TIMEFRAME=FILE", help="recorded candles")
    add("--limits", choices=("on", "off"), default="on", help="enforce the venues' request limits")
    add("--limits-scale", type=float, default=1.0, help="multiplies every request limit")
    add("--ban-after", type=int, default=10, help="requests answered 429 within a minute before a ban")
    add("--ban-seconds", type=float, default=120.0, help="length of the first ban; each next is twice as long")
    add("--log-level", default="warning", choices=("debug", "info", "warning", "error"))
    return parser


def _config(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Config:
    try:
        venues = tuple(filter(None, options.venues.split(",")))
        replays = tuple(map(parse_replay, options.replay))
        _check_venues(parser, venues, replays)
        return Config(
            seed=options.seed, venues=venues, clock_start_ms=parse_clock(options.clock),
            clock_speed=options.clock_speed, history_days=options.history_days,
            market_start_ms=None if options.market_start is None else parse_instant(options.market_start),
            replays=replays,
            limits=LimitSettings(options.limits == "on", options.limits_scale, options.ban_after, options.ban_seconds),
        )  # fmt: skip
    except ValueError as error:
        parser.error(str(error))


def _check_venues(parser: argparse.ArgumentParser, venues: Sequence[str], replays: Sequence[Replay]) -> None:
    for venue in venues:
        if venue not in VENUES:
            _unknown(parser, "venue", venue, VENUES)
    for replay in replays:
        if replay.venue not in venues:
            _unknown(parser, "venue", replay.venue, venues)
        try:
            VENUES[replay.venue].frame(replay.timeframe)
        except KeyError:
            _unknown(parser, "timeframe", replay.timeframe, VENUES[replay.venue].frames)


def _unknown(parser: argparse.ArgumentParser, what: str, name: str, known: Iterable[str]) -> NoReturn:
    parser.error(f"unknown {what} {name!r}; known: {', '.join(known)}")


async def _run(simulator: Simulator, read: Arguments) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(simulator, read.host, read.ports, stop, _announce)


def _announce(what: str, url: str) -> None:
    print(f"{what} at {url}", flush=True)  # noqa: T201 - programs that start us read where we listen


async def serve(
    simulator: Simulator,
    host: str,
    ports: Mapping[str | None, int],
    stop: asyncio.Event,
    ready: Callable[[str, str], None],
) -> None:
    """Listen on all ports until ``stop``; tells ``ready`` what listens at which URL, the shared port first."""
    runners = []
    try:
        for venue, port in ports.items():
            runner = web.AppRunner(create_app(simulator, venue), access_log=None, shutdown_timeout=STOP_SECONDS)
            runners.append(runner)
            await runner.setup()
            await web.TCPSite(runner, host, port).start()
            url = f"http://{host}:{runner.addresses[0][1]}"
            ready(venue or "simulator", url)
        log.info("seed %s, market from %s", simulator.config.seed, iso(simulator.market_start_ms))
        await stop.wait()
    finally:
        for runner in runners:
            await runner.cleanup()

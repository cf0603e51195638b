"""Playing a venue to one HTTP request: limits, faults, answer, delivery."""

import asyncio

from aiohttp import web

from simulator.exchange import Exchange
from simulator.faults import delivery
from simulator.faults.kinds import Ban, EmptyBody, Html, Reset, ServerError, Timeout, TooManyRequests
from simulator.faults.registry import Occasion, Plan, Replacing
from simulator.limits import Verdict
from simulator.simulator import Simulator
from simulator.timeframes import timeframe
from simulator.times import SECOND_MS
from simulator.venues.base import Answer, Endpoint, Query, Question, Refused

ONE_MINUTE = timeframe("1m")


async def play(simulator: Simulator, exchange: Exchange, request: web.Request, path: str) -> web.StreamResponse:
    """Answer a request as the venue would, faults included."""
    venue = exchange.venue
    endpoint = venue.endpoints.get(path) if request.method in ("GET", "HEAD") else None
    if endpoint is None:
        simulator.requests.answered(venue.name, "unknown", "404")
        return delivery.response(venue.unknown_path(path))
    query = tuple(request.query.items())
    address, now_ms = request.remote or "", simulator.clock.now_ms()
    verdict = exchange.limiter.check(address, endpoint.name, venue.limit_key(endpoint, query))
    if verdict.status != 200:
        return _send(simulator, exchange, endpoint, _refusal(simulator, exchange, verdict, now_ms))
    frame = venue.timeframe_asked(query) or ONE_MINUTE
    closes_at_ms = frame.following(frame.floor(now_ms))
    symbol = venue.symbol_asked(query)
    plan = simulator.faults.plan(Occasion(venue.name, endpoint.name, endpoint.group, symbol, now_ms, closes_at_ms))
    if plan.latency_seconds:
        await asyncio.sleep(plan.latency_seconds)
        now_ms = simulator.clock.now_ms()
    if plan.replacing is not None:
        return await _replaced(simulator, exchange, endpoint, request, plan.replacing, verdict)
    answer = _answered(exchange, endpoint, query, plan, _computed_at(plan, now_ms, frame.floor(now_ms)))
    answer.headers |= verdict.headers
    if plan.stale is not None and plan.stale.mode == "held":
        await simulator.clock.wait_until(closes_at_ms + round(plan.stale.seconds * SECOND_MS))
    return await _spoiled(simulator, exchange, endpoint, request, plan, answer)


def _computed_at(plan: Plan, now_ms: int, closed_ms: int) -> int:
    """The venue's time the answer is made of."""
    if plan.stale is not None and plan.stale.mode == "cached":
        now_ms = min(now_ms, closed_ms - round(plan.stale.seconds * SECOND_MS))
    return now_ms + plan.skew_ms


def _answered(exchange: Exchange, endpoint: Endpoint, query: Query, plan: Plan, now_ms: int) -> Answer:
    try:
        return endpoint.answer(Question(query, now_ms, exchange.truth, plan.rows))
    except Refused as refused:
        return refused.answer


def _refusal(simulator: Simulator, exchange: Exchange, verdict: Verdict, now_ms: int) -> Answer:
    """The venue's words for being over the limit or inside a ban."""
    venue, wait = exchange.venue, verdict.retry_after_seconds
    if verdict.status == 418:
        simulator.requests.inside_ban(venue.name)
        answer = venue.banned(wait or 0, now_ms)
    else:
        simulator.requests.over_limit(venue.name)
        answer = venue.over_limit(wait, now_ms)
    answer.headers |= verdict.headers
    if wait is not None:
        answer.headers["Retry-After"] = str(wait)
    return answer


async def _replaced(
    simulator: Simulator,
    exchange: Exchange,
    endpoint: Endpoint,
    request: web.Request,
    fault: Replacing,
    verdict: Verdict,
) -> web.StreamResponse:
    """What the client gets in the answer's place."""
    venue, now_ms = exchange.venue, simulator.clock.now_ms()
    match fault:
        case Timeout():
            simulator.requests.answered(venue.name, endpoint.name, "timeout")
            return await delivery.never(request, fault.seconds, lambda: simulator.faults.is_on(fault))
        case Reset():
            simulator.requests.answered(venue.name, endpoint.name, "reset")
            return delivery.reset(request)
        case ServerError():
            page = fault.body == "html"
            answer = delivery.html_page(fault.status) if page else venue.server_error(fault.status)
        case TooManyRequests():
            answer = venue.over_limit(fault.retry_after_seconds, now_ms)
            if fault.retry_after_seconds is not None:
                answer.headers["Retry-After"] = str(fault.retry_after_seconds)
        case Ban():
            banned = exchange.limiter.ban(request.remote or "", fault.retry_after_seconds)
            answer = venue.banned(banned.retry_after_seconds or 0, now_ms)
            answer.headers["Retry-After"] = str(banned.retry_after_seconds)
        case Html():
            answer = delivery.html_page(fault.status)
        case EmptyBody():
            answer = Answer(200, b"")
    answer.headers |= verdict.headers
    return _send(simulator, exchange, endpoint, answer)


async def _spoiled(
    simulator: Simulator, exchange: Exchange, endpoint: Endpoint, request: web.Request, plan: Plan, answer: Answer
) -> web.StreamResponse:
    if plan.spoiling is None:
        return _send(simulator, exchange, endpoint, answer)
    if isinstance(plan.spoiling, delivery.Truncated):
        simulator.requests.answered(exchange.venue.name, endpoint.name, "truncated")
        return await delivery.truncated(request, answer, plan.spoiling)
    return _send(simulator, exchange, endpoint, delivery.cut_json(answer))


def _send(simulator: Simulator, exchange: Exchange, endpoint: Endpoint, answer: Answer) -> web.Response:
    simulator.requests.answered(exchange.venue.name, endpoint.name, str(answer.status))
    return delivery.response(answer)

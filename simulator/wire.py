"""Playing a venue to one HTTP request: limits, faults, answer, delivery."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from simulator.exchange import Exchange
from simulator.faults import delivery
from simulator.faults.kinds import Ban, EmptyBody, Html, Reset, ServerError, Timeout, TooManyRequests, Truncated
from simulator.faults.registry import Occasion, Plan, Replacing
from simulator.limits import Verdict
from simulator.simulator import Simulator
from simulator.timeframes import Timeframe, timeframe
from simulator.times import SECOND_MS
from simulator.venues.base import Answer, Endpoint, Query, Question, Refused

ONE_MINUTE = timeframe("1m")


async def play(simulator: Simulator, exchange: Exchange, request: web.Request, path: str) -> web.StreamResponse:
    """Answer a request as the venue would, faults included."""
    endpoint = exchange.venue.endpoints.get(path) if request.method in ("GET", "HEAD") else None
    if endpoint is None:
        simulator.requests.answered(exchange.venue.name, "unknown", "404")
        return delivery.response(exchange.venue.unknown_path(path))
    query = tuple(request.query.items())
    verdict = exchange.limiter.check(
        request.remote or "", endpoint.name, exchange.venue.limit_key(endpoint, query)
    )  # fmt: skip
    return await Call(simulator, exchange, endpoint, request, query, verdict).answer()


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a known endpoint of a venue."""

    simulator: Simulator
    exchange: Exchange
    endpoint: Endpoint
    request: web.Request
    query: Query
    verdict: Verdict

    async def answer(self) -> web.StreamResponse:
        """Refuse, or draw the faults and answer."""
        if self.verdict.status != 200:
            return self._send(self._refusal(self.verdict))
        frame = self.exchange.venue.timeframe_asked(self.query) or ONE_MINUTE
        now_ms = self.simulator.clock.now_ms()
        closes_at_ms = frame.following(frame.floor(now_ms))
        plan = self.simulator.faults.plan(self._occasion(now_ms, closes_at_ms))
        if plan.latency_seconds:
            await asyncio.sleep(plan.latency_seconds)
        if plan.replacing is not None:
            return await self._replaced(plan.replacing)
        answer = self._computed(plan, frame)
        if plan.stale is not None and plan.stale.mode == "held":
            await self.simulator.clock.wait_until(closes_at_ms + round(plan.stale.seconds * SECOND_MS))
        return await self._delivered(plan, answer)

    def _occasion(self, now_ms: int, closes_at_ms: int) -> Occasion:
        venue = self.exchange.venue
        symbol = venue.symbol_asked(self.query)
        return Occasion(venue.name, self.endpoint.name, self.endpoint.group, symbol, now_ms, closes_at_ms)

    def _computed(self, plan: Plan, frame: Timeframe) -> Answer:
        """The venue's answer, as of its time."""
        now_ms = self.simulator.clock.now_ms()
        if plan.stale is not None and plan.stale.mode == "cached":
            now_ms = min(now_ms, frame.floor(now_ms) - round(plan.stale.seconds * SECOND_MS))
        question = Question(self.query, now_ms + plan.skew_ms, self.exchange.truth, plan.rows)
        try:
            return self.endpoint.answer(question)
        except Refused as refused:
            return refused.answer

    async def _replaced(self, fault: Replacing) -> web.StreamResponse:
        """What the client gets in the answer's place."""
        match fault:
            case Timeout():
                self._count("timeout")
                return await delivery.never(self.request, fault.seconds, lambda: self.simulator.faults.is_on(fault))
            case Reset():
                self._count("reset")
                return delivery.reset(self.request)
        return self._send(self._false_answer(fault))

    def _false_answer(self, fault: TooManyRequests | Ban | ServerError | Html | EmptyBody) -> Answer:
        match fault:
            case TooManyRequests():
                answer = self._in_words_of_venue(429, fault.retry_after_seconds)
            case Ban():
                banned = self.exchange.limiter.ban(self.request.remote or "", fault.retry_after_seconds)
                answer = self._in_words_of_venue(418, banned.retry_after_seconds)
            case ServerError() if fault.body == "venue":
                answer = self.exchange.venue.server_error(fault.status)
            case ServerError() | Html():
                answer = delivery.html_page(fault.status)
            case EmptyBody():
                answer = Answer(200, b"")
        return answer

    def _refusal(self, verdict: Verdict) -> Answer:
        """Over the limit or inside a ban, and booked as such."""
        venue, requests = self.exchange.venue.name, self.simulator.requests
        (requests.inside_ban if verdict.status == 418 else requests.over_limit)(venue)
        return self._in_words_of_venue(verdict.status, verdict.retry_after_seconds)

    def _in_words_of_venue(self, status: int, wait_seconds: int | None) -> Answer:
        venue, now_ms = self.exchange.venue, self.simulator.clock.now_ms()
        answer = venue.banned(wait_seconds or 0, now_ms) if status == 418 else venue.over_limit(wait_seconds, now_ms)
        if wait_seconds is not None:
            answer.headers["Retry-After"] = str(wait_seconds)
        return answer

    async def _delivered(self, plan: Plan, answer: Answer) -> web.StreamResponse:
        if isinstance(plan.spoiling, Truncated):
            self._count("truncated")
            return await delivery.truncated(self.request, answer, plan.spoiling)
        return self._send(answer if plan.spoiling is None else delivery.cut_json(answer))

    def _send(self, answer: Answer) -> web.Response:
        self._count(str(answer.status))
        answer.headers |= self.verdict.headers
        return delivery.response(answer)

    def _count(self, status: str) -> None:
        self.simulator.requests.answered(self.exchange.venue.name, self.endpoint.name, status)

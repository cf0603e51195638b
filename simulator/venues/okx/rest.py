"""OKX spot's REST wire (published "OKX API guide", docs-v5)."""

import json
from collections.abc import Sequence
from decimal import Decimal

from typing_extensions import override

from simulator.digits import Writer, plain, trimmed
from simulator.limits import Limiter, LimitSettings, SlidingWindows
from simulator.market.model import Candle, Instrument
from simulator.timeframes import Timeframe
from simulator.venues.base import Answer, Endpoint, Query, Question, Venue
from simulator.venues.okx import errors, facts
from simulator.venues.okx.instruments import INSTRUMENT_TYPES, market_id, spot_instrument

FOREVER_MS = 1 << 62


class OkxSpot(Venue):
    """OKX spot; other instrument types are asked for by clients and answered with none."""

    name = "okx"
    frames = facts.FRAMES
    unified_frames = facts.UNIFIED_FRAMES
    row_fields = facts.ROW_FIELDS
    instruments = facts.INSTRUMENTS

    @override
    @classmethod
    def market_id(cls, instrument: Instrument) -> str:
        return market_id(instrument)

    @override
    @classmethod
    def write_number(cls, value: Decimal) -> str:
        return plain(value.normalize()) if value else "0"

    @override
    @classmethod
    def writer(cls, scale: int) -> Writer:
        return trimmed(scale)

    @override
    @classmethod
    def write_candle(cls, candle: Candle) -> str:
        """``["1597026383085","3.721","3.743","3.677","3.708","8422410","22698348.04828491","22698348.04828491","1"]``"""
        return (
            f'["{candle.open_time}","{candle.open}","{candle.high}","{candle.low}","{candle.close}",'
            f'"{candle.volume}","{candle.quote_volume}","{candle.quote_volume}","{int(candle.is_closed)}"]'
        )

    @override
    def make_endpoints(self) -> Sequence[Endpoint]:
        return (
            Endpoint("time", "/api/v5/public/time", "time", self._time),
            Endpoint("instruments", "/api/v5/public/instruments", "instruments", self._instruments),
            Endpoint("candles", "/api/v5/market/candles", "ohlcv", self._candles),
            Endpoint("history-candles", "/api/v5/market/history-candles", "ohlcv", self._history_candles),
        )

    @override
    def unknown_path(self, path: str) -> Answer:
        return errors.not_found()

    @override
    def server_error(self, status: int) -> Answer:
        return errors.error(status, "50001", "Service temporarily unavailable. Please try again later.")

    @override
    def limiter(self, settings: LimitSettings) -> Limiter:
        return SlidingWindows(facts.LIMITS, settings)

    @override
    def over_limit(self, retry_after_seconds: int | None, now_ms: int) -> Answer:
        return errors.too_many_requests()

    @override
    def banned(self, retry_after_seconds: int, now_ms: int) -> Answer:
        return errors.too_many_requests()

    @override
    def limit_key(self, endpoint: Endpoint, query: Query) -> str:
        """Instruments are limited by instrument type."""
        return dict(query).get("instType", "") if endpoint.name == "instruments" else ""

    @override
    def symbol_asked(self, query: Query) -> str | None:
        return self.symbols.get(dict(query).get("instId", ""))

    @override
    def timeframe_asked(self, query: Query) -> Timeframe | None:
        return self.frames.get(dict(query).get("bar", "") or "1m")

    def _time(self, question: Question) -> Answer:
        return Answer(200, b'{"code":"0","data":[{"ts":"%d"}],"msg":""}' % question.now_ms)

    def _instruments(self, question: Question) -> Answer:
        kind, wanted = question.parameters.get("instType", ""), question.parameters.get("instId", "")
        if not kind:
            raise errors.empty_parameter("instType")
        if kind not in INSTRUMENT_TYPES:
            raise errors.bad_parameter("instType")
        if wanted and wanted not in self.symbols:
            raise errors.unknown_instrument()
        data = [
            spot_instrument(instrument, number, self.listed_at_ms)
            for number, instrument in enumerate(self.listed.values())
            if kind == "SPOT" and wanted in ("", market_id(instrument))
        ]
        return Answer(200, json.dumps({"code": "0", "data": data, "msg": ""}, separators=(",", ":")).encode())

    def _candles(self, question: Question) -> Answer:
        """The latest 1,440, the running one first."""
        symbol, frame = self._series(question)
        oldest = frame.floor(question.now_ms - (facts.LATEST_ENTRIES - 1) * frame.size_ms)
        return self._page(question, symbol, frame, oldest, FOREVER_MS)

    def _history_candles(self, question: Question) -> Answer:
        """Only completed candles, of any age."""
        symbol, frame = self._series(question)
        return self._page(question, symbol, frame, 0, frame.floor(question.now_ms))

    def _series(self, question: Question) -> tuple[str, Timeframe]:
        parameters = question.parameters
        instrument, bar = parameters.get("instId", ""), parameters.get("bar", "") or "1m"
        if not instrument:
            raise errors.empty_parameter("instId")
        if bar not in self.frames:
            raise errors.bad_parameter("bar")
        if instrument not in self.symbols:
            raise errors.unknown_instrument()
        return self.symbols[instrument], self.frames[bar]

    def _page(self, question: Question, symbol: str, frame: Timeframe, start_ms: int, end_ms: int) -> Answer:
        """Newest first; ``after`` asks for what is earlier than a time, ``before`` for what is newer than one."""
        after, before = _whole(question, "after"), _whole(question, "before")
        limit = _whole(question, "limit")
        if limit == 0:
            raise errors.bad_parameter("limit")
        first = start_ms if before is None else max(start_ms, before + 1)
        stop = end_ms if after is None else min(end_ms, after)
        count = min(limit or facts.DEFAULT_LIMIT, facts.MAXIMUM_LIMIT)
        candles = question.newest(symbol, frame, first, stop, count)
        return Answer(200, f'{{"code":"0","msg":"","data":[{self.rows(question, symbol, frame, candles)}]}}'.encode())


def _whole(question: Question, name: str) -> int | None:
    """A whole number, or None when it was not sent or is empty."""
    text = question.parameters.get(name, "")
    if not text:
        return None
    if not text.isdecimal():
        raise errors.bad_parameter(name)
    return int(text)

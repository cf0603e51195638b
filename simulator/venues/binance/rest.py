"""Binance spot's REST wire (published document "Public Rest API")."""

import json
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from typing_extensions import override

from simulator.digits import Writer, padded
from simulator.limits import Limiter, LimitSettings, MinuteWeight
from simulator.market.model import Candle, Instrument, Trade
from simulator.timeframes import Timeframe
from simulator.times import HOUR_MS
from simulator.venues.base import Answer, Endpoint, Query, Question, Venue
from simulator.venues.binance import errors, facts
from simulator.venues.binance.instruments import NAMES, exchange_info
from simulator.venues.binance.parameters import Parameters, market_id

EIGHT_PLACES = Decimal("0.00000001")
# Aggregate trades have ids of their own, fewer than the trades.
AGGREGATE_IDS_BEHIND = 1_000_000
KLINE_NAMES = ("symbol", "interval", "startTime", "endTime", "timeZone", "limit")
FOREVER_MS = 1 << 62


class BinanceSpot(Venue):
    """Binance spot; USD-M and COIN-M are other hosts with limits of their own."""

    name = "binance"
    frames = facts.FRAMES
    unified_frames = {name: name for name in facts.FRAMES}  # noqa: RUF012 - declared by Venue
    row_fields = facts.ROW_FIELDS
    instruments = facts.INSTRUMENTS
    bans = True

    @override
    @classmethod
    def market_id(cls, instrument: Instrument) -> str:
        return market_id(instrument)

    @override
    @classmethod
    def write_number(cls, value: Decimal) -> str:
        return str(value.quantize(EIGHT_PLACES)) if value else "0.00000000"

    @override
    @classmethod
    def writer(cls, scale: int) -> Writer:
        return padded(scale)

    @override
    @classmethod
    def write_candle(cls, candle: Candle) -> str:
        """``[1499040000000,"0.01634790",…,1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","0"]``"""
        return (
            f'[{candle.open_time},"{candle.open}","{candle.high}","{candle.low}","{candle.close}","{candle.volume}",'
            f'{candle.close_time},"{candle.quote_volume}",{candle.trade_count},"{candle.taker_volume}",'
            f'"{candle.taker_quote_volume}","0"]'
        )

    @override
    def make_endpoints(self) -> Sequence[Endpoint]:
        return (
            Endpoint("ping", "/api/v3/ping", "ping", self._ping),
            Endpoint("time", "/api/v3/time", "time", self._time),
            Endpoint("exchangeInfo", "/api/v3/exchangeInfo", "instruments", self._exchange_info),
            Endpoint("klines", "/api/v3/klines", "ohlcv", self._klines),
            Endpoint("aggTrades", "/api/v3/aggTrades", "trades", self._aggregate_trades),
            Endpoint("trades", "/api/v3/trades", "trades", self._recent_trades),
            Endpoint("historicalTrades", "/api/v3/historicalTrades", "trades", self._old_trades),
        )

    @override
    def unknown_path(self, path: str) -> Answer:
        return Answer(404, b"<html><body><h2>404 Not found</h2></body></html>", content_type="text/html")

    @override
    def server_error(self, status: int) -> Answer:
        return errors.error(status, -1001, "Internal error; unable to process your request. Please try again.")

    @override
    def limiter(self, settings: LimitSettings) -> Limiter:
        self._weight_limit = settings.scaled(facts.REQUEST_WEIGHT_PER_MINUTE)
        return MinuteWeight(facts.REQUEST_WEIGHT_PER_MINUTE, facts.WEIGHTS, settings)

    @override
    def over_limit(self, retry_after_seconds: int | None, now_ms: int) -> Answer:
        return errors.too_much_weight(self._weight_limit)

    @override
    def banned(self, retry_after_seconds: int, now_ms: int) -> Answer:
        return errors.banned(now_ms + retry_after_seconds * 1000)

    @override
    def symbol_asked(self, query: Query) -> str | None:
        return self.symbols.get(dict(query).get("symbol", ""))

    @override
    def timeframe_asked(self, query: Query) -> Timeframe | None:
        return self.frames.get(dict(query).get("interval", ""))

    def _ping(self, question: Question) -> Answer:
        Parameters(question.query, ())
        return Answer(200, b"{}")

    def _time(self, question: Question) -> Answer:
        Parameters(question.query, ())
        return Answer(200, b'{"serverTime":%d}' % question.now_ms)

    def _exchange_info(self, question: Question) -> Answer:
        parameters = Parameters(question.query, NAMES)
        return Answer(200, exchange_info(parameters, self.listed.values(), question.now_ms, self._weight_limit))

    def _klines(self, question: Question) -> Answer:
        """Ascending. A start gives the first ones from there, otherwise the last ones; both bounds are inclusive."""
        parameters = Parameters(question.query, KLINE_NAMES)
        symbol, interval = parameters.symbol(self.symbols), parameters.text("interval")
        if interval not in self.frames:
            raise errors.invalid_interval()
        frame, limit = self.frames[interval], parameters.limit()
        if zone_ms := parameters.zone_ms():
            frame = frame.shifted(-zone_ms)
        start_ms, end_ms = parameters.instant("startTime"), parameters.instant("endTime")
        stop_ms = FOREVER_MS if end_ms is None else end_ms + 1
        if start_ms is None:
            candles = question.newest(symbol, frame, 0, stop_ms, limit)[::-1]
        else:
            candles = question.oldest(symbol, frame, start_ms, stop_ms, limit)
        return Answer(200, f"[{self.rows(question, symbol, frame, candles)}]".encode())

    def _recent_trades(self, question: Question) -> Answer:
        parameters = Parameters(question.query, ("symbol", "limit"))
        symbol = parameters.symbol(self.symbols)
        return self._written_trades(symbol, self._latest(question, symbol, parameters.limit()))

    def _old_trades(self, question: Question) -> Answer:
        parameters = Parameters(question.query, ("symbol", "limit", "fromId"))
        symbol, limit, first = parameters.symbol(self.symbols), parameters.limit(), parameters.whole("fromId")
        if first is None:
            return self._written_trades(symbol, self._latest(question, symbol, limit))
        trades = self.truth.sources[symbol].trades(first, 0, question.now_ms + 1)
        return self._written_trades(symbol, list(islice(trades, limit)))

    def _aggregate_trades(self, question: Question) -> Answer:
        parameters = Parameters(question.query, ("symbol", "fromId", "startTime", "endTime", "limit"))
        symbol, limit, first = parameters.symbol(self.symbols), parameters.limit(), parameters.whole("fromId")
        start_ms, end_ms = parameters.instant("startTime"), parameters.instant("endTime")
        if first is not None and (start_ms is not None or end_ms is not None):
            raise errors.bad_combination()
        if first is None and start_ms is None:
            trades = self._latest(question, symbol, limit, end_ms)
        else:
            first_id = None if first is None else first + AGGREGATE_IDS_BEHIND
            until_ms = question.now_ms + 1 if end_ms is None else min(end_ms, question.now_ms) + 1
            trades = list(islice(self.truth.sources[symbol].trades(first_id, start_ms or 0, until_ms), limit))
        instrument = self.listed[symbol]
        return _listed([_aggregate(instrument, trade) for trade in trades])

    def _latest(self, question: Question, symbol: str, limit: int, end_ms: int | None = None) -> list[Trade]:
        until_ms = min(question.now_ms, FOREVER_MS if end_ms is None else end_ms) + 1
        hours = 1
        while True:
            trades = list(self.truth.sources[symbol].trades(None, until_ms - hours * HOUR_MS, until_ms))
            if len(trades) >= limit or hours > 48:
                return trades[-limit:]
            hours *= 4

    def _written_trades(self, symbol: str, trades: Sequence[Trade]) -> Answer:
        instrument = self.listed[symbol]
        return _listed([_trade(instrument, trade) for trade in trades])


def _listed(rows: list[dict[str, Any]]) -> Answer:
    return Answer(200, json.dumps(rows, separators=(",", ":")).encode())


def _trade(instrument: Instrument, trade: Trade) -> dict[str, Any]:
    both = instrument.price_scale + instrument.lot_scale
    return {
        "id": trade.trade_id,
        "price": padded(instrument.price_scale)(trade.price),
        "qty": padded(instrument.lot_scale)(trade.quantity),
        "quoteQty": padded(both)(trade.price * trade.quantity),
        "time": trade.time_ms,
        "isBuyerMaker": trade.is_buyer_maker,
        "isBestMatch": True,
    }


def _aggregate(instrument: Instrument, trade: Trade) -> dict[str, Any]:
    return {
        "a": trade.trade_id - AGGREGATE_IDS_BEHIND,
        "p": padded(instrument.price_scale)(trade.price),
        "q": padded(instrument.lot_scale)(trade.quantity),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.time_ms,
        "m": trade.is_buyer_maker,
        "M": True,
    }

"""Finds the series a request means, or says what may have been meant."""

from __future__ import annotations

from datetime import datetime

from api.problems import Problem, UnknownExchange, UnknownSeries, UnknownSymbol, near_matches
from api.series import repository
from api.series.repository import SeriesRow
from api.store import Connection
from data_agent.core.time import Timeframe


async def resolve(
    connection: Connection, *, exchange: str, symbol: str, timeframe: Timeframe, origin: str, as_of: datetime
) -> SeriesRow:
    """The series of this name at `as_of`.

    Raises:
        UnknownExchange, UnknownSymbol, UnknownSeries: there is none; with near matches.
    """
    found = await repository.find(
        connection, exchange=exchange, symbol=symbol, timeframe=timeframe, origin=origin, as_of=as_of
    )
    if found is None:
        raise await _unknown(connection, exchange, symbol, timeframe, origin)
    return found


async def check_names(connection: Connection, exchange: str | None, symbol: str | None) -> None:
    """Make sure that an exchange, and a symbol of it or of any, are known if they are given.

    Raises:
        UnknownExchange, UnknownSymbol: with near matches.
    """
    exchanges = await repository.exchanges(connection)
    if exchange is not None and exchange not in exchanges:
        raise _unknown_exchange(exchange, exchanges)
    if symbol is None:
        return
    known: set[str] = set()
    for each in [exchange] if exchange else exchanges:
        known |= set(await repository.symbols(connection, each))
    if symbol not in known:
        raise _unknown_symbol(exchange or "No exchange", symbol, known)


async def _unknown(connection: Connection, exchange: str, symbol: str, timeframe: Timeframe, origin: str) -> Problem:
    exchanges = await repository.exchanges(connection)
    if exchange not in exchanges:
        return _unknown_exchange(exchange, exchanges)
    symbols = await repository.symbols(connection, exchange)
    if symbol not in symbols:
        return _unknown_symbol(exchange, symbol, set(symbols))
    collected = await repository.collected(connection, exchange, symbol)
    same_origin = [each for each, its_origin in collected if its_origin == origin]
    return UnknownSeries(
        f"{exchange} lists {symbol}, but {origin} candles of {timeframe} are not collected.",
        field="timeframe" if same_origin else "origin" if collected else "symbol",
        near_matches=sorted(same_origin, key=lambda each: Timeframe(each).duration),
    )


def _unknown_exchange(exchange: str, known: list[str]) -> Problem:
    return UnknownExchange(
        f"Nothing is collected from {exchange[:64]!r}; known: {', '.join(known) or 'no exchange yet'}.",
        field="exchange",
        near_matches=near_matches(exchange, known),
    )


def _unknown_symbol(exchange: str, symbol: str, known: set[str]) -> Problem:
    return UnknownSymbol(
        f"{exchange} lists no {symbol[:64]!r}.", field="symbol", near_matches=near_matches(symbol, known)
    )

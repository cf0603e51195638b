"""Answers for instruments."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from api import cursors
from api.instruments import repository
from api.instruments.schemas import InstrumentAnswer, InstrumentsAnswer, InstrumentsQuery
from api.series.service import check_names
from api.store import Store

_SAME_ON_ALL_PAGES: Final = ("exchange", "product", "symbol", "active")


class _After(Struct, frozen=True, array_like=True):
    """The last instrument of the page before."""

    exchange: str
    product: str
    symbol: str
    instrument_id: int


async def answer(store: Store, query: InstrumentsQuery, *, is_simulated: bool) -> InstrumentsAnswer:
    """A page of instruments.

    Raises:
        Problem: see `api.problems`.
    """
    fixed = {name: getattr(query, name) for name in _SAME_ON_ALL_PAGES}
    after = cursors.decode(fixed, query.cursor, _After) if query.cursor else None
    async with store.snapshot() as connection:
        await check_names(connection, query.exchange, query.symbol)
        found = await repository.instruments(
            connection,
            **fixed,
            after_exchange=after and after.exchange,
            after_product=after and after.product,
            after_symbol=after and after.symbol,
            after_instrument_id=after and after.instrument_id,
            limit=query.limit + 1,
        )
    page = found[: query.limit]
    next_cursor = None
    if len(found) > query.limit:
        last = page[-1]
        position = _After(last["exchange"], last["product"], last["symbol"], last["instrument_id"])
        next_cursor = cursors.encode(fixed, position)
    return InstrumentsAnswer(
        data=[InstrumentAnswer(**row) for row in page], next_cursor=next_cursor, simulated=is_simulated
    )

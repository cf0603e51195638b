"""`/v1/instruments`: what can be asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.instruments import service
from api.instruments.schemas import InstrumentsAnswer, InstrumentsQuery
from api.problems import BadCursor, BadParameter, UnknownExchange, UnknownParameter, UnknownSymbol, declared
from api.state import state_of

router = APIRouter(prefix="/v1/instruments", tags=["instruments"])


@router.get(
    "",
    operation_id="list_instruments",
    summary="What the exchanges list, and what is collected of it",
    responses=declared(BadParameter, UnknownParameter, BadCursor, UnknownExchange, UnknownSymbol),
)
async def list_instruments(request: Request, query: Annotated[InstrumentsQuery, Query()]) -> InstrumentsAnswer:
    """Instruments under the names they have now, in the order of exchange, product and symbol."""
    state = state_of(request)
    return await service.answer(state.store, query, is_simulated=state.settings.simulated)

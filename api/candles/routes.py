"""`/v1/candles`: pages of candles, and the history of one candle."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.candles import revisions, service
from api.candles.schemas import CandlesAnswer, CandlesQuery, RevisionsAnswer, RevisionsQuery
from api.problems import (
    BadCursor,
    BadParameter,
    QualityTooLow,
    UnknownCandle,
    UnknownExchange,
    UnknownParameter,
    UnknownSeries,
    UnknownSymbol,
    UnknownTimeframe,
    VersionsNotKept,
    declared,
)
from api.state import state_of

router = APIRouter(prefix="/v1/candles", tags=["candles"])
_NAMES = (BadParameter, UnknownParameter, UnknownTimeframe, UnknownExchange, UnknownSymbol, UnknownSeries)


@router.get(
    "",
    operation_id="list_candles",
    summary="Candles, each marked, with the coverage of the asked range",
    response_model=CandlesAnswer,
    responses=declared(*_NAMES, BadCursor, VersionsNotKept, QualityTooLow),
)
async def list_candles(request: Request, query: Annotated[CandlesQuery, Query()]) -> Response:
    """Open times in `[start, end)`, ascending. Without both, the last `limit` candles up to now.

    `final` candles passed the quality gate; `provisional` ones are the latest that is known, not judged yet; those that
    failed a rule are not served and show up among the gaps. With `as_of` the answer is the one that could be given at
    that moment. With `min_quality` an answer below it is refused (409), and what was below is named.
    """
    state = state_of(request)
    body = await service.answer(state.store, query, memory=state.memory, is_simulated=state.settings.simulated)
    return Response(body, media_type="application/json")


@router.get(
    "/revisions",
    operation_id="list_candle_revisions",
    summary="Why did this candle change",
    responses=declared(*_NAMES, UnknownCandle),
)
async def list_candle_revisions(request: Request, query: Annotated[RevisionsQuery, Query()]) -> RevisionsAnswer:
    """Every version of one candle of the exchange: values, when it was observed and committed, by whom, the verdict."""
    state = state_of(request)
    return await revisions.answer(state.store, query, is_simulated=state.settings.simulated)

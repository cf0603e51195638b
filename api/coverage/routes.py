"""`/v1/coverage`: what is there of what should be there, series by series."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.coverage import service
from api.coverage.schemas import CoverageListAnswer, CoverageQuery
from api.problems import (
    BadCursor,
    BadParameter,
    UnknownExchange,
    UnknownParameter,
    UnknownSymbol,
    UnknownTimeframe,
    declared,
)
from api.state import state_of

router = APIRouter(prefix="/v1/coverage", tags=["coverage"])


@router.get(
    "",
    operation_id="list_coverage",
    summary="Per series: expected, present, gaps with their causes, quality, watermark",
    responses=declared(BadParameter, UnknownParameter, UnknownTimeframe, BadCursor, UnknownExchange, UnknownSymbol),
)
async def list_coverage(request: Request, query: Annotated[CoverageQuery, Query()]) -> CoverageListAnswer:
    """The ledger of each series over a range; without one, from where the series begins up to now.

    `gaps` explains every expected candle that is not served. `watermark` is the end of the contiguous known prefix:
    everything before it is there, or is known not to exist or not to be had.
    """
    state = state_of(request)
    return await service.answer(state.store, query, is_simulated=state.settings.simulated)

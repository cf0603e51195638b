"""`/metrics`, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.metrics import service
from api.state import state_of

router = APIRouter(tags=["operations"])


@router.get("/metrics", operation_id="get_metrics", summary="Metrics in Prometheus' text format")
async def get_metrics(request: Request) -> Response:
    """Requests and latencies by route, and gauges of the data: age, coverage, waiting slices, rejects."""
    return Response(await service.exposition(state_of(request)), media_type=CONTENT_TYPE_LATEST)

"""Tells Prometheus what has been counted. It counts nothing."""

import asyncio
import contextlib
from importlib import import_module
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from sqlalchemy import func, select

from ..errors import DatabaseTrouble
from ..oauth_tables import device_flows as flows
from ..parts import Parts
from ..statements import Statement
from .device import STATUS
from .shapes import RunningParts

on = APIRouter(tags=["metrics"])

_STATUSES = ("pending", "entered", "approved", "denied", "redeemed", "expired")
_BY_STATUS = Statement(select(STATUS.label("status"), func.count().label("number")).select_from(flows).group_by(STATUS))
_TEXT = {"schema": {"type": "string"}}
_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": _TEXT}}}


@on.get("/metrics", response_class=Response, responses=_RESPONSES)
async def show_metrics(parts: RunningParts, accept: Annotated[str, Header()] = "") -> Response:
    """Show counters, histograms and gauges of all processes on the database, in the text format of Prometheus."""
    parts.metrics.sample(parts)
    flows_by_status = await _device_flows(parts)
    exposition = await asyncio.to_thread(import_module, "..metrics.exposition", __package__)
    text, media_type = await asyncio.to_thread(exposition.exposition, parts.metrics, flows_by_status, accept)
    return Response(text, media_type=media_type)


async def _device_flows(parts: Parts) -> dict[str, int] | None:
    """Return how many device flows are in each status, or None where the database does not answer."""
    with contextlib.suppress(DatabaseTrouble):
        pages = parts.store.pages(_BY_STATUS, now=parts.clock.now())
        found = {row.status: row.number async for page in pages for row in page}
        return {status: found.get(status, 0) for status in _STATUSES}
    return None

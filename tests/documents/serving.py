"""The documents' routes alone, in front of nothing, with parts whose modes a test may change."""

from contextlib import asynccontextmanager

import httpx
from starlette.routing import Router

from app.documents import document_routes, not_found
from app.main import make_parts
from app.settings import Settings
from app.tms import OPERATIONS


@asynccontextmanager
async def documents(**settings):
    """Yield a client of the documents and the parts behind them."""
    parts = make_parts(Settings(**{"database": "sqlite://", **settings}))
    router = Router(document_routes(parts, OPERATIONS), redirect_slashes=False, default=not_found)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(router), base_url="http://standin") as client:
        yield client, parts
    await parts.keys.close()

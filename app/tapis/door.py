"""The Tapis dialect's ASGI entry and its list of endpoints: every path and method once. It decides nothing else."""

import asyncio
import re
from importlib import import_module
from typing import Any

from ..edge import Application, Receive, Scope, send_whole
from ..parts import Parts
from ..uvicorn_connection import Send

_PREFIX = re.compile(r"(/tenants/[^/]+)?/v3/")
_SLASHES = re.compile(r"/{2,}")


class TapisDoor:
    """Answers what lies below /v3/ and passes everything else on. Nothing of Tapis is loaded before its first request."""

    def __init__(self, parts: Parts, otherwise: Application) -> None:
        self._parts = parts
        self._otherwise = otherwise
        self._endpoints: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; tapipy doubles a slash where its base URL ends with one (contract tapis 5.2)."""
        path = scope["raw_path"].decode("latin-1")
        if "//" in path:
            path = _SLASHES.sub("/", path)
        if _PREFIX.match(path) is None:
            await self._otherwise(scope, receive, send)
            return
        if self._endpoints is None:
            self._endpoints = await asyncio.to_thread(import_module, f"{__package__}.endpoints")
        found = await self._endpoints.answer(self._parts, scope, path, receive)
        await send_whole(send, scope["method"], found.status, list(found.headers), found.body)

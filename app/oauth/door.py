"""The authorization server's ASGI entry: is the path its own, then which issuer, then which endpoint; else further on.

Nothing of the protocol is loaded before its first request, which a start need not pay for.
"""

import asyncio
from importlib import import_module
from typing import Any

from starlette.middleware.cors import CORSMiddleware

from ..edge import Application, Receive, Scope, send_whole
from ..parts import Parts
from ..uvicorn_connection import Send
from .issuers import split_path

Headers = tuple[tuple[bytes, bytes], ...]

VARY: Headers = ((b"vary", b"Origin"),)
CROSS_ORIGIN = frozenset(
    (
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/oauth2/device_authorization",
        "/oauth2/token",
        "/oauth2/revoke",
        "/oauth2/introspect",
        "/oauth2/userinfo",
        "/oauth2/jwks",
    )
)
SAME_ORIGIN = frozenset(
    (
        "/oauth2/authorize",
        "/device",
        "/device/login",
        "/device/logout",
        "/device/decision",
        "/device/simulator",
        "/device/simulator/start",
    )
)
_SIMULATED = "/device/simulator/"


class Door:
    """Answers what belongs to the authorization server and passes everything else on."""

    def __init__(self, parts: Parts, otherwise: Application) -> None:
        self._parts = parts
        self._otherwise = otherwise
        self._endpoints: Any = None
        self._cross_origin = CORSMiddleware(
            self._answer,
            allow_origins=["*"],
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["WWW-Authenticate", "Retry-After"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, from any origin where browsers may ask (row OA-22)."""
        issuer, path = split_path(scope["raw_path"].decode("latin-1"))
        if path in CROSS_ORIGIN:
            await self._from_anywhere({**scope, "issuer": issuer, "endpoint": path}, receive, send)
        elif path in SAME_ORIGIN or path.startswith(_SIMULATED):
            await self._answer({**scope, "issuer": issuer, "endpoint": path}, receive, send)
        else:
            await self._otherwise(scope, receive, send)

    async def _from_anywhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let Starlette's middleware see what a browser sends; for everything else it costs a seventh of a poll."""
        if any(name == b"origin" for name, _ in scope["headers"]):
            await self._cross_origin(scope, receive, send)
        else:
            await self._answer(scope, receive, send, VARY)

    async def _answer(self, scope: Any, receive: Any, send: Any, more: Headers = ()) -> None:
        if self._endpoints is None:
            self._endpoints = await asyncio.to_thread(import_module, f"{__package__}.endpoints")
        found = await self._endpoints.answer(self._parts, scope, receive)
        await send_whole(send, scope["method"], found.status, [*found.headers, *more], found.body)

"""The authorization server's ASGI entry: is the path its own, then which issuer, then which endpoint; else further on.

Nothing of the protocol is loaded before its first request, which a start need not pay for.
"""

import logging
from typing import Any

from starlette.middleware.cors import CORSMiddleware

from ..edge import Application, Receive, Scope
from ..parts import Parts
from ..uvicorn_connection import Send
from .issuers import split_path

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

_log = logging.getLogger("tms_standin.oauth")


class Door:
    """Answers what belongs to the authorization server and passes everything else on."""

    def __init__(self, parts: Parts, otherwise: Application) -> None:
        self._parts = parts
        self._otherwise = otherwise
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
            await self._cross_origin({**scope, "issuer": issuer, "endpoint": path}, receive, send)
        elif path in SAME_ORIGIN or path.startswith(_SIMULATED):
            await self._answer({**scope, "issuer": issuer, "endpoint": path}, receive, send)
        else:
            await self._otherwise(scope, receive, send)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        from .endpoints import answer

        found = await answer(self._parts, scope, receive)
        headers = [*found.headers, (b"content-length", b"%d" % len(found.body))]
        await send({"type": "http.response.start", "status": found.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else found.body})

"""Ends the reading of a body that is too large. Starlette's own limit answers in plain text, which is no problem+json."""

import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1_048_576  # bytes
LARGEST_SNAPSHOT = 4 * 1024**3  # bytes, which go to a file as they come
_SNAPSHOT = re.compile(r".*/snapshots/[^/]+")


class BodyLimit:
    """Pure ASGI around what reads bodies; whoever reads too much gets an HTTPException with status 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass and count what is read of it."""
        read, most = 0, LARGEST_SNAPSHOT if _SNAPSHOT.fullmatch(scope.get("path", "")) else LARGEST_BODY

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413, f"The body is larger than {most} bytes")
            return message

        await self._app(scope, counted, send)

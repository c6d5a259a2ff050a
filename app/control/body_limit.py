"""Ends the reading of a body that is too large. Starlette's own limit answers in plain text, which is no problem+json."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1_048_576  # bytes


class BodyLimit:
    """Pure ASGI around what reads bodies; whoever reads too much gets an HTTPException with status 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass and count what is read of it."""
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST_BODY:
                raise HTTPException(413, f"The body is larger than {LARGEST_BODY} bytes")
            return message

        await self._app(scope, counted, send)

"""A request on its way through the rules: who sends it, and what was read of it already. It decides nothing."""

import base64
import binascii
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from ..edge import LARGEST_BODY, Application, Receive, Scope
from ..parts import Parts
from ..steering.operations import Named
from ..uvicorn_connection import Send, drop

_LARGEST_BODY = 65_536  # bytes in which a client's id is looked for, as many as the endpoints read
_PIECE = 1_048_576  # bytes, more than a server hands on at once
_MOST_PARAMETERS = 100
_GONE = "http.disconnect"

Message = MutableMapping[str, Any]


class Request:
    """What a rule may know of a request, and how it goes on."""

    def __init__(self, parts: Parts, named: Named, scope: Scope, receive: Receive, send: Send) -> None:
        self.parts = parts
        self.named = named
        self.scope = scope
        self.send = send
        self.started: float = parts.clock.stopwatch()
        self._receive = receive
        self._read: list[Message] = []
        self._client_id: str | None = None
        self._client_is_known = False

    @property
    def method(self) -> str:
        """Return the method."""
        return str(self.scope["method"])

    @property
    def tenant(self) -> str | None:
        """Return X-TMS-TENANT, or None."""
        return self._header(b"x-tms-tenant")

    @property
    def seconds(self) -> float:
        """Return how long it has been here."""
        return float(self.parts.clock.stopwatch() - self.started)

    async def client_id(self) -> str | None:
        """Return the id of the client: X-TMS-CLIENT-ID, or what an OAuth or Tapis request shows by Basic, query or body."""
        if not self._client_is_known:
            self._client_id = await self._shown_client_id()
            self._client_is_known = True
        return self._client_id

    async def forward(self, application: Application, send: Send | None = None) -> None:
        """Have it answered by an application, which reads all of it, and whose log line counts the time before."""
        await application({**self.scope, "started": self.started}, self._again, send or self.send)

    async def gone(self) -> None:
        """Return when the client has left; what it sends until then is kept for the application.

        Of a body that the application will refuse for its size, no more is kept than makes it too large.
        """
        size = sum(len(message.get("body", b"")) for message in self._read)
        while True:
            message = await self._receive()
            size += len(message.get("body", b""))
            if size <= LARGEST_BODY + _PIECE or message["type"] == _GONE:
                self._read.append(message)
            elif not message.get("more_body", False):
                self._read.append({**message, "body": b""})  # Some applications read to the end all the same.
            if message["type"] == _GONE:
                return

    def note(self, status: int) -> None:
        """Note the answer in the log; 0 is a connection without one."""
        self.parts.log.request(self.method, self.scope["raw_path"], status, self.started)

    async def end(self, how: Callable[[Send], Awaitable[None]] = drop) -> None:
        """End it without an answer. Raises ConnectionDropped where the server has no way to do it."""
        self.note(0)
        await how(self.send)

    def _header(self, name: bytes) -> str | None:
        found = next((value for given, value in self.scope["headers"] if given == name), None)
        return None if found is None else found.strip(b" \t").decode("latin-1")

    async def _shown_client_id(self) -> str | None:
        shown = self._header(b"x-tms-client-id")
        if shown is not None or self.named.operation_id is not None:
            return shown
        return self._basic() or _of_form(self.scope["query_string"]) or self._of_body(await self._body())

    def _basic(self) -> str | None:
        """Return the id of HTTP Basic, as RFC 6749 2.3.1 encodes it."""
        scheme, _, encoded = (self._header(b"authorization") or "").partition(" ")
        if scheme.lower() == "basic":
            with contextlib.suppress(binascii.Error, ValueError):
                return unquote_plus(base64.b64decode(encoded, validate=True).decode().partition(":")[0])
        return None

    async def _body(self) -> bytes:
        """Return the body, nothing of one that is too large, and keep what was read for the application."""
        size = 0
        while size <= _LARGEST_BODY:
            message = await self._receive()
            self._read.append(message)
            size += len(message.get("body", b""))
            if not message.get("more_body", False):
                break
        return b"".join(message.get("body", b"") for message in self._read) if size <= _LARGEST_BODY else b""

    def _of_body(self, body: bytes) -> str | None:
        if "json" not in (self._header(b"content-type") or ""):
            return _of_form(body)
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = msgspec.json.decode(body)
            return found.get("client_id") if isinstance(found, dict) else None
        return None

    async def _again(self) -> Message:
        """Hand the application what was read before, then what comes."""
        return self._read.pop(0) if self._read else await self._receive()


def _of_form(encoded: bytes) -> str | None:
    with contextlib.suppress(ValueError):
        pairs = parse_qsl(encoded.decode("latin-1"), max_num_fields=_MOST_PARAMETERS)
        return next((value for name, value in pairs if name == "client_id"), None)
    return None

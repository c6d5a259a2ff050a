"""Writes one entry for each request that passes (design 2.7): the hook that `Front.journal` is. It changes nothing.

The entry is stored before the last byte of the answer is handed on, so that whoever has the answer finds the entry.
"""

import logging
from collections.abc import MutableMapping
from typing import Any

import msgspec

from ..edge import Application, Receive, Scope
from ..parts import Parts
from ..steering.operations import Named
from ..telltale import without_secrets
from ..uvicorn_connection import Send
from .bodies import Kept, answer_body, is_opaque, media_type, request_body
from .near_misses import Seen, near_misses
from .redaction import Redaction
from .ring import Ring, Row

LONGEST = 4_000  # letters of a path or of a header's value
_BODILESS = (204, 304)

_log = logging.getLogger("tms_standin.journal")
_encode = msgspec.json.Encoder().encode


class Recorder:
    """The hook."""

    def __init__(self, parts: Parts, ring: Ring) -> None:
        self._parts = parts
        self._ring = ring

    async def __call__(self, named: Named, scope: Scope, receive: Receive, send: Send, forward: Application) -> None:
        """Have a request answered and keep both; what had no answer has the status 0."""
        exchange = Recording(self._parts, self._ring, named, scope, send)

        async def heard() -> MutableMapping[str, Any]:
            message = await receive()
            exchange.asked.add(message.get("body", b""))
            return message

        try:
            await forward(scope, heard, exchange)
        finally:
            await exchange.store()


class Recording:
    """A `send` that keeps what passes; `inner` is the one that it hands on to."""

    __slots__ = (
        *("_at", "_expected", "_is_stored", "_named", "_parts", "_ring", "_scope", "_started", "_status"),
        *("answered", "asked", "headers", "inner"),
    )

    def __init__(self, parts: Parts, ring: Ring, named: Named, scope: Scope, send: Send) -> None:
        self._parts = parts
        self._ring = ring
        self._named = named
        self._scope = scope
        self._at = parts.clock.now()
        self._started = parts.clock.stopwatch()
        self._status = 0
        self._expected: int | None = None
        self._is_stored = False
        self.asked = Kept()
        self.answered = Kept()
        self.headers: list[tuple[bytes, bytes]] = []
        self.inner = send

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Keep a message and pass it on."""
        if message["type"] == "http.response.start":
            self._status, self.headers = message["status"], list(message.get("headers", ()))
            self._expected = self._length()
        else:
            self.answered.add(message.get("body", b""))
        is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if is_last or self.answered.size == self._expected:
            await self.store()
        await self.inner(message)

    async def store(self) -> None:
        """Write the entry, once."""
        if self._is_stored:
            return
        self._is_stored = True
        try:
            entry = _encode(await self._entry())
        except Exception:  # noqa: BLE001 - no fault of the journal's may cost the caller the answer
            _log.exception("an entry of the journal is lost")
            return
        self._ring.add(Row(self._at.timestamp(), self._named.label, self._named.template, self._status, entry))

    def _length(self) -> int | None:
        """Return how many bytes of a body complete the answer, if that is known beforehand."""
        if self._scope["method"] == "HEAD" or self._status in _BODILESS:
            return 0
        return next((int(value) for name, value in self.headers if name == b"content-length"), None)

    async def _entry(self) -> dict[str, Any]:
        took_ms = round((self._parts.clock.stopwatch() - self._started) * 1_000, 3)
        hidden, scope = Redaction(), self._scope
        asked_headers = hidden.headers(_cut(scope["headers"]))
        asked = request_body(self.asked, media_type(asked_headers), hidden)
        missed = await near_misses(self._parts, self._named, self._seen())
        headers = hidden.headers(_cut(self.headers))
        answered = answer_body(self.answered, media_type(headers), hidden, request_is_opaque=is_opaque(asked))
        entry = {
            "at": self._at.isoformat(),
            "operation": self._named.label,
            "method": scope["method"],
            "path": hidden.address(_path(scope)),
            "status": self._status,
            "took_ms": took_ms,
            "request": {"headers": asked_headers, "body": asked},
            "response": {"headers": headers, "body": answered},
        }
        return {**entry, "near_miss": [hidden.text(sentence) for sentence in missed]} if missed else entry

    def _seen(self) -> Seen:
        return Seen(self._scope, self._status, self.asked, self.answered)


def _path(scope: Scope) -> str:
    raw_path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    path = without_secrets(raw_path)
    return (f"{path}?{query}" if query else path)[:LONGEST]


def _cut(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value[:LONGEST]) for name, value in headers]

"""What FastAPI serves beside the API: the real server's documents and pages, and an honest OpenAPI document.

Each is made at its first request and kept for each wire version, since the wire may change while running.
"""

from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from ..declare import Operation
from ..parts import Parts

_HTML, _TEXT = b"text/html; charset=utf-8", b"text/plain; charset=utf-8"
_JSON, _YAML = b"application/json", b"application/x-yaml"
_TYPE = b"content-type"

Headers = tuple[tuple[bytes, bytes], ...]

HEADERS: dict[str, Headers] = {
    "/": ((_TYPE, _HTML),),
    "/oauth-receiver.html": ((_TYPE, _HTML),),
    "/spec": ((_TYPE, _JSON),),
    "/spec_yaml": ((_TYPE, _YAML), (b"content-disposition", b'inline; filename="spec.yaml"')),
    "/openapi.json": ((_TYPE, _JSON),),
}


def document_routes(parts: Parts, operations: list[Operation]) -> list[BaseRoute]:
    """Return the routes of contract 1.1 and of /openapi.json. Each answers any method, even an invented one."""
    return [Route(path, Document(path, parts, operations)) for path in HEADERS]


def openapi_method(parts: Parts, operations: list[Operation]) -> Callable[[], dict[str, Any]]:
    """Return what stands in for FastAPI's own `openapi`: the document of /openapi.json."""

    def openapi() -> dict[str, Any]:
        from .honest import openapi_document  # Like contents.py, it costs the start nothing.

        return openapi_document(operations, parts.modes.wire)

    return openapi


class Document:
    """An ASGI application that answers every request with one document."""

    def __init__(self, path: str, parts: Parts, operations: list[Operation]) -> None:
        self._path = path
        self._parts = parts
        self._operations = operations
        self._made: dict[str, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the document of the wire version in force, at its undecoded path alone (contract 6.1)."""
        if scope["raw_path"] != self._path.encode():
            await not_found(scope, receive, send)
        else:
            await _answer(scope, send, 200, HEADERS[self._path], self._body())

    def _body(self) -> bytes:
        version = self._parts.modes.wire_version
        if version not in self._made:
            from .contents import MAKERS  # Most runs never ask for a document, and the start need not pay for it.

            self._made[version] = MAKERS[self._path](self._parts, self._operations)
        return self._made[version]


async def not_found(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer every other path, whatever the method (contract 1.1)."""
    await _answer(scope, send, 404, ((_TYPE, _TEXT),), b"not found")


async def _answer(scope: Scope, send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer; that to HEAD tells the length of the body that it leaves out (contract 7)."""
    whole = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": whole})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

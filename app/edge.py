"""ASGI entry: finds the operation, decodes, runs the gate, calls the function, encodes. It knows no resource.

What is not an operation of the API goes on to FastAPI, with the same log line and the same headers.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from .bodies import BodyDecoder, check_content_type, path_value, query_values
from .call import Call
from .declare import Listing, Operation, Reply
from .errors import ConnectionDropped, DatabaseError, DatabaseGone, FrameworkRefusal, Refusal, RowsReplaced
from .parts import Parts
from .routes import Routes
from .uvicorn_connection import Send, drop, send_at_once, send_joined, silence_headers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON, TEXT = b"application/json; charset=utf-8", b"text/plain; charset=utf-8"

LARGEST_BODY = 4 * 1024 * 1024  # bytes; the reference has no limit, and took 3 MB (contract 6.3)

_encode = msgspec.json.Encoder(order="sorted").encode
_log = logging.getLogger("tms_standin.edge")


class Sent:
    """What goes out: status, content type, body; `framework` answers tell the length of a body that HEAD leaves out.

    `again` ones say that the same may work in a second.
    """

    __slots__ = ("again", "body", "content_type", "framework", "status")

    def __init__(
        self, status: int, content_type: bytes, body: bytes, framework: bool = False, again: bool = False
    ) -> None:
        self.status = status
        self.content_type = content_type
        self.body = body
        self.framework = framework
        self.again = again


class Edge:
    """The way of every request, from the ASGI server to an endpoint and back."""

    def __init__(self, operations: list[Operation], parts: Parts, otherwise: Application) -> None:
        self._parts = parts
        self._otherwise = otherwise
        self._routes = Routes(operations)
        self._decoders = {operation: BodyDecoder(operation.body) for operation in operations if operation.body}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        started = scope.get("started") or self._parts.clock.stopwatch()  # Whoever made it wait has begun earlier.
        silence_headers(send)
        try:
            found = self._routes.find(scope["method"], scope["raw_path"])
            if found is None:
                await self._pass_on(scope, receive, send, started)
                return
            sent = await self._answer(*found, scope, receive)
        except FrameworkRefusal as refusal:
            sent = Sent(refusal.status, TEXT, refusal.text.encode(), framework=True)
        except ConnectionDropped:
            self._parts.log.request(scope["method"], scope["raw_path"], 0, started)
            await drop(send)
            return
        self._parts.log.request(scope["method"], scope["raw_path"], sent.status, started)
        await self._send(scope["method"], sent, send)

    async def _answer(self, operation: Operation, values: dict[str, str], scope: Scope, receive: Receive) -> Sent:
        """Decode, check, run. Raises FrameworkRefusal and ConnectionDropped."""
        call = Call(self._parts, operation, scope["headers"])
        await self._decode(call, values, scope, receive)
        while True:
            call.begin()
            try:
                sent = await self._carried_out(call)
            except RowsReplaced:
                continue
            if call.has_written or call.epoch == self._parts.steering.epoch:  # Else it may have read half of each.
                return sent

    async def _carried_out(self, call: Call) -> Sent:
        """Check and run. Raises RowsReplaced when nothing was written and all of it has to be done again."""
        operation = call.operation
        try:
            for check in operation.gate.checks:
                await check(call)
            named = call.arguments if call.body is None else {**call.arguments, "body": call.body}
            answer = await operation.handler(call, **named)
            body = await self._listed(answer) if isinstance(answer, Listing) else _encoded(answer)
            return Sent(operation.status, TEXT if isinstance(answer, str) else JSON, body)
        except Refusal as refusal:
            return _envelope(refusal.status, refusal.message)
        except DatabaseError as error:
            return _envelope(500, f"ERROR: {self._parts.modes.wire.database_text(error)}")
        except DatabaseGone:
            return _envelope(503, "ERROR: the database does not answer, try again", again=True)
        except (ConnectionDropped, FrameworkRefusal, RowsReplaced):
            raise
        except Exception:  # noqa: BLE001 - no fault of ours may show a caller more than a sentence
            _log.exception("%s failed", operation.operation_id)
            return _envelope(500, "ERROR: internal error of the stand-in, see its log")

    async def _decode(self, call: Call, values: dict[str, str], scope: Scope, receive: Receive) -> None:
        """Read path, query and body in the reference's order, before any header of TMS is looked at."""
        operation = call.operation
        for name, kind in operation.path_parameters.items():
            call.arguments[name] = path_value(name, values[name], kind)
        if operation.query_parameters:
            call.arguments.update(query_values(scope["query_string"], operation.query_parameters))
        if operation.body:
            check_content_type(scope["headers"])
            call.body = await self._decoders[operation].decode(await _read(receive))

    async def _listed(self, listing: Listing) -> bytes:
        """Encode an array page by page, so that a long one never holds the loop."""
        count = 0
        pieces: list[bytes] = []
        async with contextlib.aclosing(listing.pages) as pages:
            async for page in pages:
                if self._parts.modes.real_defects and listing.shows_enabled:
                    raise ConnectionDropped
                count += len(page)
                pieces.append(_encode(page)[1:-1])
        members = {
            listing.count: str(count).encode(),
            listing.name: b"[" + b",".join(pieces) + b"]",
            "result_code": b'"0"',
            "result_msg": b'"success"',
        }
        return b"{" + b",".join(b'"%s":%s' % (name.encode(), members[name]) for name in sorted(members)) + b"}"

    async def _send(self, method: str, sent: Sent, send: Send) -> None:
        headers = [(b"content-type", sent.content_type)]
        if method != "HEAD" or sent.framework:
            headers.append((b"content-length", b"%d" % len(sent.body)))
        if sent.again:
            headers.append((b"retry-after", b"1"))
        headers.append((b"date", self._parts.clock.http_date()))
        await send_at_once(send, sent.status, headers, b"" if method == "HEAD" else sent.body)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, started: float) -> None:
        await self._otherwise(scope, receive, NotedSend(self._parts, scope, send, started))


class NotedSend:
    """A `send` that notes the answer in the log and puts the date behind its headers. `inner` is the server's own."""

    __slots__ = ("_parts", "_scope", "_started", "inner")

    def __init__(self, parts: Parts, scope: Scope, send: Send, started: float) -> None:
        self._parts = parts
        self._scope = scope
        self._started = started
        self.inner = send

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            scope, status = self._scope, message["status"]
            self._parts.log.request(scope["method"], scope["raw_path"], status, self._started)
            message["headers"] = [*message.get("headers", []), (b"date", self._parts.clock.http_date())]
        await self.inner(message)


async def send_whole(send: Send, method: str, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send an answer whose body is complete, in one write where the server can; HEAD is told the length alone."""
    told = [*headers, (b"content-length", b"%d" % len(body))]
    await send_joined(send, status, told, b"" if method == "HEAD" else body)


def _encoded(answer: Reply | dict[str, Any] | str) -> bytes:
    return answer.encode() if isinstance(answer, str) else _encode(answer)


def _envelope(status: int, message: str, again: bool = False) -> Sent:
    return Sent(status, JSON, _encode({"result_code": str(status), "result_msg": message}), again=again)


async def _read(receive: Receive) -> bytes:
    """Return the whole body. Raises FrameworkRefusal 400 where the connection ended before it did, 413 past the bound."""
    pieces: list[bytes] = []
    size = 0
    while (message := await receive())["type"] == "http.request":
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > LARGEST_BODY:
            raise FrameworkRefusal(413, "payload too large")
        if not message.get("more_body", False):
            return b"".join(pieces)
    raise FrameworkRefusal(400, "io: error reading a body from connection")

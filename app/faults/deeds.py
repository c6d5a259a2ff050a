"""What a rule does to a request. Each deed returns whether the request goes on to the rules behind it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from ..edge import JSON, TEXT, Application
from ..uvicorn_connection import Send, drop, join_writes, reset, silence_headers
from . import document, durations
from .request import Request
from .waiting import keep

# The request, what would answer it, the end of the rules, and the draw of this match.
Deed = Callable[[Request, Application, asyncio.Event, float], Awaitable[bool]]


def answering(answer: document.Answer) -> Deed:
    """Return what answers in the endpoint's place."""
    body, kind = _encoded(answer.body)
    given = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    names = {name for name, _ in given}
    headers = [*([(b"content-type", kind)] if body and b"content-type" not in names else []), *given]
    if answer.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))

    async def answer_instead(request: Request, _application: Application, _over: asyncio.Event, _draw: float) -> bool:
        send, shown = request.send, b"" if request.method == "HEAD" else body
        request.note(answer.status)
        silence_headers(send)
        if shown:
            join_writes(send)
        date = [] if b"date" in names else [(b"date", request.parts.clock.http_date())]
        await send({"type": "http.response.start", "status": answer.status, "headers": [*headers, *date]})
        await send({"type": "http.response.body", "body": shown})
        return False

    return answer_instead


def delaying(seconds_of: Callable[[float], float]) -> Deed:
    """Return what makes a request wait for the seconds of its draw."""

    async def delay(request: Request, _application: Application, over: asyncio.Event, drawn: float) -> bool:
        return await keep(request, over, seconds_of(drawn))

    return delay


async def close(request: Request, _application: Application, _over: asyncio.Event, _draw: float) -> bool:
    """Close the connection without an answer."""
    await request.end()
    return False


async def reset_connection(request: Request, _application: Application, _over: asyncio.Event, _draw: float) -> bool:
    """Reset the connection."""
    await request.end(reset)
    return False


async def hang(request: Request, application: Application, over: asyncio.Event, _draw: float) -> bool:
    """Answer once the rules are over."""
    if await keep(request, over):
        await request.forward(application)
    return False


def cutting(most: int) -> Deed:
    """Return what closes the connection after so many bytes of the body."""

    async def cut(request: Request, application: Application, _over: asyncio.Event, _draw: float) -> bool:
        await request.forward(application, CutSend(request.send, most))
        return False

    return cut


def by_another(replacement: Application) -> Deed:
    """Return what has another application answer."""

    async def answer(request: Request, application: Application, _over: asyncio.Event, _draw: float) -> bool:
        is_endpoint = not request.named.template.endswith(" /(other)")
        await request.forward(replacement if is_endpoint else application)
        return False

    return answer


class CutSend:
    """A `send` that lets so many bytes of the body pass and then closes the connection. `inner` is the server's own."""

    __slots__ = ("_is_cut", "_left", "inner")

    def __init__(self, send: Send, most: int) -> None:
        self.inner = send
        self._left = most
        self._is_cut = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Pass a message on, or a part of it, or nothing."""
        if self._is_cut:
            return
        body = message.get("body", b"")
        if len(body) <= self._left:
            self._left -= len(body)
            await self.inner(message)
            return
        self._is_cut = True
        await self.inner({**message, "body": body[: self._left], "more_body": True})
        await drop(self.inner)


def deed_of(do: document.Strict, database_down: Callable[[document.DatabaseDown], Application]) -> Deed:
    """Return what carries out a deed of a document; the other function makes an application without database."""
    match do:
        case document.Answer():
            return answering(do)
        case document.Delay():
            return delaying(lambda _: do.delay_ms / 1000)
        case document.DistributedDelay():
            return delaying(_seconds_of(do.delay))
        case document.Cut():
            return cutting(do.cut_after_bytes)
        case document.DatabaseDown():
            return by_another(database_down(do))
        case document.Close():
            return close
        case document.Reset():
            return reset_connection
    return hang


def _seconds_of(time: document.FixedTime | document.UniformTime | document.LogNormalTime) -> Callable[[float], float]:
    match time:
        case document.FixedTime():
            return lambda _: time.fixed_ms / 1000
        case document.UniformTime():
            return lambda drawn: durations.uniform(drawn, time.uniform.from_ms, time.uniform.to_ms)
    return lambda drawn: durations.log_normal(drawn, time.log_normal.median_ms, time.log_normal.p99_ms)


def _encoded(body: Any) -> tuple[bytes, bytes]:
    if body is None:
        return b"", b""
    return (body.encode(), TEXT) if isinstance(body, str) else (msgspec.json.encode(body), JSON)

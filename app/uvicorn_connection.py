"""What ASGI has no word for and uvicorn can do: its own headers off, an answer in one write, no answer at all.

It touches attributes of uvicorn's pinned version, all of them here. Under another server nothing of it happens. What
wraps a `send` has it as `inner`.
"""

import signal
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from .errors import ConnectionDropped

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_NO_LINGERING = struct.pack("ii", 1, 0)  # What is not sent yet is forgotten, and the peer told by RST (socket(7)).


class JoinedWrites:
    """A transport that holds an answer's head back until the body comes, for one system call instead of two.

    uvicorn writes both apart; each call costs as much as finding and checking a client.
    """

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Keep the first piece, write it with the second, and any later one as it comes."""
        if self._head is None:
            self._head = data
        else:
            self._transport.write(self._head + data)
            self._head = b""

    def __getattr__(self, name: str) -> Any:
        """Pass everything else on."""
        return getattr(self._transport, name)


def silence_headers(send: Send) -> None:
    """Keep uvicorn from adding `server` and `date` in front: the real server has no `server`, and its `date` is last.

    `python -m app` switches both off by options; under a plain `uvicorn app.main:app` this is the only way.
    """
    try:
        send.__self__.default_headers = []  # type: ignore[attr-defined] # a bound method of uvicorn's
    except AttributeError:
        if hasattr(send, "inner"):
            silence_headers(send.inner)


def join_writes(send: Send) -> None:
    """Join the two writes of the answer that comes next; it must have a body."""
    try:
        cycle: Any = send.__self__  # type: ignore[attr-defined] # a bound method of uvicorn's
        cycle.transport = JoinedWrites(cycle.transport)
    except AttributeError:
        if hasattr(send, "inner"):
            join_writes(send.inner)


async def send_joined(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a whole answer by ASGI's two messages, in one write where the server can."""
    if body:
        join_writes(send)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_at_once(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a whole answer, past uvicorn's own `send` where nothing stands in between; else it is `send_joined`.

    uvicorn looks through each header with two regular expressions, which takes a tenth of a small answer's time. The
    headers given here have to be our own, in lower case: nothing that a caller wrote may be in them. A body needs its
    content-length among them; `connection` and `transfer-encoding` are not for them.
    """
    cycle = getattr(send, "__self__", None)
    if isinstance(cycle, RequestResponseCycle) and _may_be_written_at_once(cycle):
        _write_at_once(cycle, status, headers, body)
    else:
        await send_joined(send, status, headers, body)


def _may_be_written_at_once(cycle: RequestResponseCycle) -> bool:
    return not (cycle.flow.write_paused or cycle.disconnected or cycle.response_started or cycle.access_log)


def _write_at_once(cycle: RequestResponseCycle, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Do what uvicorn does for the two messages of an answer."""
    lines = [b"%b: %b\r\n" % header for header in headers]
    ending = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
    cycle.transport.write(b"".join((STATUS_LINE[status], *lines, ending, body)))
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


async def drop(send: Send) -> None:
    """Close the connection without an answer. Raises ConnectionDropped where the server has no way to do it."""
    cycle = _cycle(send)
    if cycle is None:
        raise ConnectionDropped
    cycle.transport.close()
    cycle.disconnected = True


async def reset(send: Send) -> None:
    """Reset the connection (TCP RST) without an answer. Raises ConnectionDropped where the server has no way to do it."""
    cycle = _cycle(send)
    if cycle is None:
        raise ConnectionDropped
    connection = cycle.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    cycle.transport.abort()
    cycle.disconnected = True


def is_stopping() -> bool:
    """Return whether the server was told to stop: its own handler of SIGTERM knows."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


def _cycle(send: Send) -> Any:
    """Return uvicorn's request behind a send and what wraps it, or None under another server."""
    while hasattr(send, "inner"):
        send = send.inner
    cycle = getattr(send, "__self__", None)
    return cycle if hasattr(cycle, "transport") else None

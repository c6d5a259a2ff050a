"""What ASGI has no word for and uvicorn can do: its own headers off, one write for an answer, no answer at all.

It touches attributes of uvicorn's pinned version, all of them here. Under another server nothing of it happens.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .errors import ConnectionDropped

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


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
    try:  # noqa: SIM105 - suppress() would cost each request as much as finding its operation
        send.__self__.default_headers = []  # type: ignore[attr-defined] # a bound method of uvicorn's
    except AttributeError:
        pass


def join_writes(send: Send) -> None:
    """Join the two writes of the answer that comes next; it must have a body."""
    try:
        cycle: Any = send.__self__  # type: ignore[attr-defined] # a bound method of uvicorn's
        cycle.transport = JoinedWrites(cycle.transport)
    except AttributeError:
        pass


async def drop(send: Send) -> None:
    """Close the connection without an answer. Raises ConnectionDropped where the server has no way to do it."""
    cycle: Any = getattr(send, "__self__", None)
    if cycle is None or not hasattr(cycle, "transport"):
        raise ConnectionDropped
    cycle.transport.close()
    cycle.disconnected = True

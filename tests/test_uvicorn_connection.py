"""Tests of app/uvicorn_connection.py with stand-ins for uvicorn's cycle; tests/test_headers.py has the real one."""

import socket

import pytest

from app.errors import ConnectionDropped
from app.uvicorn_connection import JoinedWrites, drop, join_writes, reset, silence_headers


class Transport:
    """A transport that remembers what was written to it."""

    def __init__(self):
        self.written = []
        self.closed = False

    def write(self, data):
        """Remember a piece."""
        self.written.append(data)

    def close(self):
        """Remember that it was closed."""
        self.closed = True


class Cycle:
    """What take_over and drop touch of uvicorn's RequestResponseCycle."""

    def __init__(self):
        self.default_headers = [(b"server", b"uvicorn")]
        self.transport = Transport()
        self.disconnected = False

    async def send(self, message):
        """Stand where uvicorn's method stands."""


async def nobody(message):
    """Stand for the send of a server that is not uvicorn."""


def test_head_and_body_are_written_at_once():
    """The first piece waits for the second, later ones go out as they come."""
    transport = Transport()
    joined = JoinedWrites(transport)

    joined.write(b"head ")
    assert transport.written == []
    joined.write(b"body")
    joined.write(b"more")

    assert transport.written == [b"head body", b"more"]


def test_an_empty_body_sends_the_head():
    """An answer without a body is not held back for ever."""
    transport = Transport()
    joined = JoinedWrites(transport)

    joined.write(b"head")
    joined.write(b"")

    assert transport.written == [b"head"]


def test_everything_else_is_the_transports():
    """Closing goes through."""
    transport = Transport()

    JoinedWrites(transport).close()

    assert transport.closed


def test_uvicorns_headers_go():
    """Neither server nor date is added in front."""
    cycle = Cycle()

    silence_headers(cycle.send)

    assert cycle.default_headers == []


def test_the_writes_of_the_next_answer_are_joined():
    """The transport is the same one behind the joining one."""
    cycle = Cycle()
    transport = cycle.transport

    join_writes(cycle.send)
    cycle.transport.write(b"head ")
    cycle.transport.write(b"body")

    assert transport.written == [b"head body"]


@pytest.mark.parametrize("function", [silence_headers, join_writes])
def test_another_server_is_left_alone(function):
    """A send that is no method of uvicorn's stays as it is."""
    assert function(nobody) is None


async def test_drop_closes_the_connection():
    """uvicorn is told that nobody waits for an answer any more."""
    cycle = Cycle()

    await drop(cycle.send)

    assert cycle.transport.closed
    assert cycle.disconnected


async def test_drop_says_that_it_cannot():
    """Under another server the caller learns that the connection stays open."""
    with pytest.raises(ConnectionDropped):
        await drop(nobody)


class SocketTransport(Transport):
    """A transport over a socket of the system."""

    def __init__(self, connection):
        super().__init__()
        self._connection = connection

    def get_extra_info(self, name):
        """Return the socket."""
        return {"socket": self._connection}[name]

    def abort(self):
        """Close the socket without writing what is left."""
        self._connection.close()


class Wrapped:
    """A send with another one inside."""

    def __init__(self, inner):
        self.inner = inner


async def test_reset_resets_the_connection():
    """The peer gets RST; uvicorn is told that nobody waits for an answer any more."""
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, socket.create_connection(listener.getsockname()) as peer:
        cycle = Cycle()
        cycle.transport = SocketTransport(listener.accept()[0])

        await reset(Wrapped(cycle.send))

        with pytest.raises(ConnectionResetError):
            peer.recv(1)
    assert cycle.disconnected


async def test_reset_says_that_it_cannot():
    """Under another server the caller learns that the connection stays open."""
    with pytest.raises(ConnectionDropped):
        await reset(nobody)

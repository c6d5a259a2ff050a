"""Tests of app/uvicorn_connection.py with stand-ins for uvicorn's cycle; tests/test_headers.py has the real one."""

import asyncio
import logging
import socket

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.errors import ConnectionDropped
from app.uvicorn_connection import JoinedWrites, drop, join_writes, reset, send_at_once, silence_headers


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


class Requested:
    """A request of uvicorn's own, and what became of its connection."""

    def __init__(self, keep_alive=True, method="GET", access_log=False):
        self.transport = Transport()
        self.flow = FlowControl(self.transport)
        self.ends = 0
        log = logging.getLogger("uvicorn.access")
        scope = {"method": method, "path": "/", "query_string": b"", "http_version": "1.1", "client": None}
        self.cycle = RequestResponseCycle(
            scope, self.transport, self.flow, log, log, access_log, [], asyncio.Event(), True, keep_alive, self._ended
        )

    def _ended(self):
        self.ends += 1

    @property
    def outcome(self):
        """All that uvicorn, or a client, can tell an answer by."""
        cycle = self.cycle
        done = cycle.response_started, cycle.response_complete, cycle.message_event.is_set()
        done += (cycle.waiting_for_100_continue, cycle.keep_alive)
        return b"".join(self.transport.written), self.transport.closed, self.ends, done


HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"4"), (b"date", b"now")]
NONE_LONG = [(b"content-type", b"text/plain"), (b"date", b"now")]


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize(
    ("method", "headers", "body"), [("GET", HEADERS, b"body"), ("HEAD", HEADERS, b""), ("HEAD", NONE_LONG, b"")]
)
async def test_an_answer_at_once_is_what_uvicorn_makes_of_it(keep_alive, method, headers, body):
    """Byte for byte, and its request is left as uvicorn leaves one; it goes out in one piece."""
    usual, ours = Requested(keep_alive, method), Requested(keep_alive, method)

    await usual.cycle.send({"type": "http.response.start", "status": 404, "headers": headers})
    await usual.cycle.send({"type": "http.response.body", "body": body})
    await send_at_once(ours.cycle.send, 404, headers, body)

    assert ours.outcome == usual.outcome
    assert len(ours.transport.written) == 1


async def test_an_answer_waits_for_a_slow_reader():
    """Nothing is written while the connection is full."""
    slow = Requested()
    slow.flow.pause_writing()

    sending = asyncio.create_task(send_at_once(slow.cycle.send, 200, HEADERS, b"body"))
    await asyncio.sleep(0)
    before = list(slow.transport.written)
    slow.flow.resume_writing()
    await sending

    assert before == []
    assert b"".join(slow.transport.written).endswith(b"\r\n\r\nbody")


async def test_nobody_is_answered_who_is_gone():
    """uvicorn has seen the connection end."""
    gone = Requested()
    gone.cycle.disconnected = True

    await send_at_once(gone.cycle.send, 200, HEADERS, b"body")

    assert gone.transport.written == []


async def test_uvicorns_own_log_is_still_written(caplog):
    """Whoever has switched it on gets his line."""
    with caplog.at_level(logging.INFO, "uvicorn.access"):
        await send_at_once(Requested(access_log=True).cycle.send, 200, HEADERS, b"body")

    assert [record.getMessage() for record in caplog.records] == [' - "GET / HTTP/1.1" 200']


async def test_an_answer_at_once_through_others():
    """What wraps the server's `send` sees both messages."""
    seen = []

    async def wrapping(message):
        seen.append(message)

    await send_at_once(wrapping, 200, HEADERS, b"body")

    assert seen == [
        {"type": "http.response.start", "status": 200, "headers": HEADERS},
        {"type": "http.response.body", "body": b"body"},
    ]


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

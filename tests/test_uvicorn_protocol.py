"""What one connection may make a real server remember, and how the HTTP layer refuses more (contract 6.4)."""

import asyncio
import socket
import ssl
import sys
import time
from contextlib import ExitStack, suppress

import pytest
import trustme
import uvloop
from uvicorn import Config
from uvicorn.server import ServerState

from app.uvicorn_protocol import LARGEST_HEAD, LONGEST_TARGET, MOST_HEADERS, BoundedProtocol
from tests.raw import RETRIEVE, connected, exchange, request_of
from tests.servers import running

VERSION = ("GET", "/v1/tms/version")
FLOOD = b"x" * 65_536


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Give the port of a server of this module's own."""
    with running(tmp_path_factory.mktemp("bounded")) as server:
        yield server.port


REFUSED = {
    "no HTTP": (b"nonsense\r\n\r\n", "400 Bad Request"),
    "a body that is chunked and counted": (
        request_of(*VERSION, "Content-Length: 1", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
        "400 Bad Request",
    ),
    "a body of unknown length": (request_of(*VERSION, "Transfer-Encoding: identity"), "400 Bad Request"),
    "a bad header line": (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "400 Bad Request"),
    "one header too many": (request_of(*VERSION, *["X-A: 1"] * MOST_HEADERS), "431 Request Header Fields Too Large"),
    "a header too large": (request_of(*VERSION, "X-A: " + "a" * LARGEST_HEAD), "431 Request Header Fields Too Large"),
    "a target too long": (request_of("GET", "/" + "a" * LONGEST_TARGET), "414 URI Too Long"),
}


@pytest.mark.parametrize(("request_", "status"), REFUSED.values(), ids=REFUSED)
def test_what_is_out_of_bounds_is_refused_as_by_the_real_server(port, request_, status):
    """Without a body and without a content type, and the connection ends."""
    with connected(port) as connection:
        connection.send(request_)
        answer = connection.answer()
        assert (answer.line, answer.names) == (f"HTTP/1.1 {status}", ["connection", "content-length", "date"])
        assert dict(answer.headers) | {"date": ""} == {"connection": "close", "content-length": "0", "date": ""}
        assert connection.rest() == b""


ALLOWED = {
    "as many headers": (request_of(*VERSION, *["X-A: 1"] * (MOST_HEADERS - 1)), 200),
    "a header as large": (request_of(*VERSION, "X-A: " + "a" * (LARGEST_HEAD - 200)), 200),
    "a URL that ends with its host": (request_of("GET", "http://127.0.0.1"), 200),
    "one with a query": (request_of("GET", "HTTP://127.0.0.1:1?a=/b"), 200),
    "one of https": (request_of("GET", "https://127.0.0.1"), 200),
    "a target as long": (request_of("GET", "/" + "a" * (LONGEST_TARGET - 1)), 404),
}


@pytest.mark.parametrize(("request_", "status"), ALLOWED.values(), ids=ALLOWED)
def test_what_is_just_within_bounds_is_answered(port, request_, status):
    """The bounds are those of the contract, not smaller ones."""
    assert exchange(port, request_).status == status


ENDLESS = {
    "a header's value": b"GET / HTTP/1.1\r\nX-A: ",
    "a header's name": b"GET / HTTP/1.1\r\n",
    "a trailer": b"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: ",
}


@pytest.mark.parametrize("begin", ENDLESS.values(), ids=ENDLESS)
def test_what_never_ends_is_refused_before_it_does(port, begin):
    """Nothing is remembered past the bound, though no line ever ends."""
    with connected(port) as connection:
        with suppress(ConnectionError):
            connection.send(begin)
            for _ in range(2 * LARGEST_HEAD // len(FLOOD)):
                connection.send(FLOOD)
        assert connection.answer().line == "HTTP/1.1 431 Request Header Fields Too Large"


def test_too_many_headers_are_refused_before_the_head_ends(port):
    """Whoever sends them need not say that there are no more; the last line is a header when the next one begins."""
    with connected(port) as connection:
        connection.send(request_of(*VERSION, *["X-A: 1"] * (MOST_HEADERS + 1)).removesuffix(b"\r\n"))
        assert connection.answer().line == "HTTP/1.1 431 Request Header Fields Too Large"


def test_an_empty_line_before_a_request(port):
    """It is passed over (RFC 9112 2.2), also where it comes alone."""
    with connected(port) as connection:
        connection.send(b"\r\n")
        time.sleep(0.05)
        connection.send(request_of(*VERSION))
        assert connection.answer().status == 200


def test_a_large_body_is_no_large_head(port):
    """Many pieces of a body, and many requests on one connection, are counted for nothing."""
    body = b'{"user":"' + b"a" * 2 * LARGEST_HEAD + b'"}'
    request = request_of("POST", "/v1/tms/pubkeys/creds/retrieve", "Content-Type: application/json", body=body)
    with connected(port) as connection:
        for _ in range(3):
            connection.send(request)
            assert connection.answer().status == 400


def test_more_connections_than_files(tmp_path):
    """Those who came first are served, the others are closed at once, and there is room again when some have gone."""
    few = ["prlimit", "--nofile=150:150", sys.executable, "-m", "app"]
    with running(tmp_path, lambda _port: few) as server, ExitStack() as stack:
        first = stack.enter_context(connected(server.port))
        crowd = [stack.enter_context(connected(server.port)) for _ in range(150)]
        assert crowd[-1].rest() == b""
        first.send(request_of(*VERSION))
        assert first.answer().status == 200
        assert "connections already: one more was closed." in server.log()
        for one in crowd:
            one.close()
        while not _is_served(server.port):
            time.sleep(0.01)


def _is_served(port):
    try:
        return exchange(port, request_of("GET", "/_standin/health/ready")).status == 200
    except (ConnectionError, IndexError):
        return False


@pytest.mark.parametrize("requests", [1, 2])
def test_a_request_in_front_of_what_is_no_http(port, requests):
    """It is there whole and may have changed something, so it gets its answer, which ends the connection."""
    with connected(port) as connection:
        connection.send(RETRIEVE * requests + b"nonsense\r\n\r\n")
        for _ in range(requests):
            assert connection.answer().line == "HTTP/1.1 404 Not Found"
        assert connection.rest() == b""


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
def test_a_connection_that_has_ended_is_forgotten(error):
    """Its timer goes with it, or it would be remembered for as long as it might have been idle."""

    async def ended():
        config = Config(answer_large, lifespan="off", timeout_keep_alive=3600)
        protocol = BoundedProtocol(config, ServerState(), {})
        ours, theirs = socket.socketpair()
        await asyncio.get_running_loop().create_connection(lambda: protocol, sock=ours)
        protocol.timeout_keep_alive_task = timer = asyncio.get_running_loop().call_later(3600, print)
        protocol.connection_lost(error)
        theirs.close()
        return timer.cancelled(), protocol.timeout_keep_alive_task

    assert asyncio.run(ended()) == (True, None)


LARGE = 12_000_000


async def answer_large(_scope, _receive, send):
    """Answer with more than the system takes at once."""
    headers = [(b"content-length", str(LARGE).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x" * LARGE})


async def read_over_a_stop(tls: bool) -> int:
    """Return how many bytes of a large answer a reader gets who pauses while the server stops."""
    authority = trustme.CA()
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(serving)
    authority.configure_trust(trusting)
    state, config = ServerState(), Config(answer_large, lifespan="off", server_header=False, date_header=False)
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedProtocol(config, state, {}), "127.0.0.1", 0, ssl=serving if tls else None
    )
    port = server.sockets[0].getsockname()[1]
    secured = {"ssl": trusting, "server_hostname": "localhost"} if tls else {}
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024, **secured)
    writer.write(request_of(*VERSION))
    await reader.readuntil(b"\r\n\r\n")
    for connection in list(state.connections):
        assert connection.cycle.response_complete
        connection.shutdown()
    await asyncio.sleep(0.4)
    body = await reader.read(-1)
    writer.close()
    server.close()
    return len(body)


@pytest.mark.parametrize("tls", [False, True])
def test_a_large_answer_may_be_read_to_its_end_while_the_server_stops(tls, monkeypatch):
    """What is written is not thrown away at once, although there is nothing left to answer."""
    monkeypatch.setattr("app.uvicorn_protocol.LAST_ANSWERS_SECONDS", 20)
    assert uvloop.run(read_over_a_stop(tls)) == LARGE

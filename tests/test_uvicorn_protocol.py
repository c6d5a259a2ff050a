"""What one connection may make a real server remember, and how the HTTP layer refuses more (contract 6.4)."""

import sys
import time
from contextlib import ExitStack, suppress

import pytest

from app.uvicorn_protocol import LARGEST_HEAD, LONGEST_TARGET, MOST_HEADERS
from tests.raw import connected, exchange, request_of
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

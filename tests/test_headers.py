"""Answers byte for byte from real processes, started both ways (contract sections 1.1, 1.3 and 7).

Known differences are not asserted here: where uvicorn puts `connection: close`, HTTP/1.1 in its answer to HTTP/1.0, and
what it makes of requests that are no HTTP.
"""

import json
import re
import time
from urllib.parse import quote

import pytest

from tests.raw import JSON, PATIENCE_SECONDS, TEXT, connected, exchange, request_of
from tests.servers import ADMIN_SECRET, STANDARD, Server, as_module, by_uvicorn, running

ADMIN = ("X-TMS-TENANT: test", "X-TMS-ADMIN-ID: ~~admin", f"X-TMS-ADMIN-SECRET: {ADMIN_SECRET}")
TYPED = "Content-Type: application/json"
DATE = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT"
USER = b'{"tenant":"test","tms_user_id":"headers","ttl_minutes":1}'


@pytest.fixture(scope="module", params=[as_module, by_uvicorn], ids=["python -m app", "uvicorn app.main:app"])
def served(request, tmp_path_factory):
    """A real server for each of the two commands."""
    with running(tmp_path_factory.mktemp("headers"), request.param, **STANDARD) as server:
        yield server


ANSWERS = [
    # Everything that TMS itself answers, then everything that the framework does.
    (request_of("GET", "/v1/tms/version"), "200 OK", JSON),
    (request_of("GET", "/v1/tms/hello"), "200 OK", TEXT),
    (request_of("POST", "/v1/tms/usermfa", *ADMIN, TYPED, body=USER), "201 Created", JSON),
    (request_of("POST", "/v1/tms/usermfa", *ADMIN, TYPED, body=USER), "500 Internal Server Error", JSON),
    (request_of("GET", "/v1/tms/client/list"), "400 Bad Request", JSON),
    (request_of("GET", "/v1/tms/client/list", *ADMIN[:2]), "401 Unauthorized", JSON),
    (request_of("DELETE", "/v1/tms/tenants/del/other", *ADMIN), "403 Forbidden", JSON),
    (request_of("GET", "/v1/tms/tenants/nobody"), "404 Not Found", JSON),
    (request_of("GET", "/v1/tms/hosts/x"), "400 Bad Request", TEXT),
    (request_of("POST", "/v1/tms/usermfa", TYPED, body=b"{"), "400 Bad Request", TEXT),
    (request_of("GET", "/v1/tms/client/%FF"), "400 Bad Request", TEXT),
    (request_of("GET", "/nothing"), "404 Not Found", TEXT),
    (request_of("PUT", "/nothing"), "404 Not Found", TEXT),
    (request_of("OPTIONS", "/v1/tms/version"), "405 Method Not Allowed", TEXT),
    (request_of("GET", "/v1/tms/pubkeys"), "405 Method Not Allowed", TEXT),
    (request_of("POST", "/v1/tms/usermfa", body=b"{}"), "415 Unsupported Media Type", TEXT),
    (request_of("GET", "/oauth-receiver.html"), "200 OK", "text/html; charset=utf-8"),
    (request_of("GET", "/"), "200 OK", "text/html; charset=utf-8"),
    (request_of("GET", "/spec"), "200 OK", "application/json"),
]


def test_every_answer_has_the_same_three_headers(served):
    """Lower case, in this order, no other: no `server`, no second `date`, nothing chunked. One connection serves all."""
    with connected(served.port) as connection:
        for request, status, content_type in ANSWERS:
            connection.send(request)
            answer = connection.answer()
            assert (answer.line, answer.names) == (f"HTTP/1.1 {status}", ["content-type", "content-length", "date"])
            kind, length, date = (value for _, value in answer.headers)
            assert (kind, int(length)) == (content_type, len(answer.body))
            assert re.fullmatch(DATE, date)


def test_the_bytes_of_an_answer(served):
    """One space behind each colon, CRLF at each end, and nothing before or after."""
    with connected(served.port) as connection:
        connection.send(request_of("GET", "/v1/tms/tenants/nobody"))
        connection.send(request_of("GET", "/v1/tms/hello", "Connection: close"))
        raw = connection.rest()
    first, _, second = raw.partition(b'"NOT_FOUND"}')
    assert re.fullmatch(
        rf"HTTP/1\.1 404 Not Found\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: 46\r\ndate: {DATE}"
        r'\r\n\r\n\{"result_code":"404","result_msg":',
        first.decode(),
    )
    assert second.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\n")
    assert second.endswith(b"\r\n\r\nhello!")


def test_spec_yaml_has_one_header_more(served):
    """Between type and length."""
    answer = exchange(served.port, request_of("GET", "/spec_yaml"))
    assert answer.names == ["content-type", "content-disposition", "content-length", "date"]
    assert answer.headers[:2] == [
        ("content-type", "application/x-yaml"),
        ("content-disposition", 'inline; filename="spec.yaml"'),
    ]


@pytest.mark.parametrize(
    ("path", "status", "headers"),
    [
        ("/v1/tms/version", "200 OK", {"content-type": JSON}),
        ("/v1/tms/hello", "200 OK", {"content-type": TEXT}),
        ("/v1/tms/client/list", "400 Bad Request", {"content-type": JSON}),
        ("/v1/tms/tenants/nobody", "404 Not Found", {"content-type": JSON}),
        ("/nothing", "404 Not Found", {"content-type": TEXT, "content-length": "9"}),
        ("/v1/tms/client", "405 Method Not Allowed", {"content-type": TEXT, "content-length": "18"}),
        ("/v1/tms/client/%FF", "400 Bad Request", {"content-type": TEXT, "content-length": "19"}),
    ],
)
def test_head(served, path, status, headers):
    """No body, and a length only where the framework answers; the connection stays usable."""
    with connected(served.port) as connection:
        connection.send(request_of("HEAD", path) + request_of("GET", "/v1/tms/hello"))
        answer = connection.answer(to_head=True)
        assert (answer.line, dict(answer.headers[:-1]), answer.names) == (
            f"HTTP/1.1 {status}",
            headers,
            [*headers, "date"],
        )
        assert connection.answer().body == b"hello!"


def test_pipelining(served):
    """Requests sent at once are answered in their order, bodies and refusals included."""
    body = b'{"user":"u","host":"h","public_key_fingerprint":"f"}'
    with connected(served.port) as connection:
        connection.send(
            request_of("GET", "/v1/tms/hello?name=first")
            + request_of("POST", "/v1/tms/pubkeys/creds/retrieve", TYPED, body=body)
            + request_of("GET", "/nothing")
            + request_of("GET", "/v1/tms/hello?name=last")
        )
        answers = [connection.answer() for _ in range(4)]
    assert [(answer.status, answer.body[:12]) for answer in answers] == [
        (200, b"hello, first"),
        (404, b'{"result_cod'),
        (404, b"not found"),
        (200, b"hello, last!"),
    ]


@pytest.mark.parametrize("path", ["/v1/tms/hello", "/nothing"])
def test_connection_close(served, path):
    """A request that asks for it is told once, and the connection ends behind the answer."""
    with connected(served.port) as connection:
        connection.send(request_of("GET", path, "Connection: close"))
        answer = connection.answer()
        assert connection.rest() == b""
    assert sorted(answer.names) == ["connection", "content-length", "content-type", "date"]
    assert dict(answer.headers)["connection"] == "close"


def test_http_1_0(served):
    """Such a request needs no Host, gets the same answer, and the connection ends behind it."""
    with connected(served.port) as connection:
        connection.send(b"GET /v1/tms/hello HTTP/1.0\r\n\r\n")
        answer = connection.answer()
        assert (answer.status, answer.body, connection.rest()) == (200, b"hello!", b"")
    assert sorted(answer.names) == ["connection", "content-length", "content-type", "date"]


def test_a_host_is_not_required(served):
    """Not in HTTP/1.1 either."""
    assert exchange(served.port, b"GET /v1/tms/hello HTTP/1.1\r\n\r\n").what == (200, TEXT, "hello!")


@pytest.mark.parametrize("accept", ["Accept: text/html", "Accept-Encoding: gzip, br, identity;q=0"])
def test_negotiation_is_ignored(served, accept):
    """Nothing is compressed, and no other type is chosen."""
    answer = exchange(served.port, request_of("GET", "/v1/tms/version", accept))
    assert (answer.names, json.loads(answer.body)["result_msg"]) == (
        ["content-type", "content-length", "date"],
        "success",
    )


ESCAPES = 'a"b\\c/d<e>&f\tg\nh\ri\bj\fk\x01l\x1fm\x7fné\u2028o😀'
ESCAPED = r"a\"b\\c/d<e>&f\tg\nh\ri\bj\fk\u0001l\u001fm" + "\x7fné\u2028o😀"


def test_the_form_of_json(served):
    """Only quotes, backslashes and control characters are escaped, in the short form where there is one."""
    body = json.dumps({"client_id": ESCAPES, "tenant": "test", "app_name": ESCAPES, "app_version": "1"}).encode()
    made = exchange(served.port, request_of("POST", "/v1/tms/client", TYPED, body=body))
    secret = json.loads(made.body)["client_secret"]
    assert made.body.decode() == (
        f'{{"client_id":"{ESCAPED}","client_secret":"{secret}","result_code":"0","result_msg":"success"}}'
    )
    shown = exchange(served.port, request_of("GET", f"/v1/tms/client/{quote(ESCAPES, safe='')}", *ADMIN))
    members = json.loads(shown.body)
    assert list(members) == sorted(members)
    assert shown.body.decode().startswith(
        f'{{"app_name":"{ESCAPED}","app_version":"1","client_id":"{ESCAPED}","created":"'
    )
    denied = exchange(served.port, request_of("DELETE", f"/v1/tms/client/del/{quote(ESCAPES, safe='')}", *ADMIN[:2]))
    message = f"ERROR: NOT AUTHORIZED to delete client {ESCAPED} in tenant test."
    assert denied.body.decode() == f'{{"result_code":"401","result_msg":"{message}"}}'


def lines_about(server: Server, path: str) -> list[str]:
    """Wait until the server has printed something about a path, and return those lines."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        lines = [line for line in server.log().splitlines() if path in line]
        if lines or time.monotonic() > give_up:
            return lines
        time.sleep(0.02)


def test_one_line_for_each_request(served):
    """uvicorn's own access lines do not stand beside ours, and its start is not hidden."""
    exchange(served.port, request_of("GET", "/v1/tms/client/once"))
    exchange(served.port, request_of("GET", "/v1/tms/client/after"))
    assert lines_about(served, "/v1/tms/client/after")
    (line,) = lines_about(served, "/v1/tms/client/once")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z GET /v1/tms/client/once 400 \d+us", line)
    assert "HTTP/1.1" not in served.log()

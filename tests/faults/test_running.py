"""Rules against real servers: what happens to connections, and that several processes on one database obey."""

import json
import select
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.conftest import FAULTS, KEY
from tests.raw import Connection, connected, exchange, request_of
from tests.seeded import CALLER
from tests.servers import STANDARD, Server, by_uvicorn, running

LINES = [f"{name}: {value}" for name, value in CALLER.items()]
VERSION = request_of("GET", "/v1/tms/version")
CLIENT = request_of("GET", "/v1/tms/client/testclient1", *LINES)
CREATE_KEY = request_of(
    "POST", "/v1/tms/pubkeys/creds", *LINES, "Content-Type: application/json", body=json.dumps(KEY).encode()
)
USERS = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this module's own: rules are set on it."""
    with running(tmp_path_factory.mktemp("faults"), **STANDARD) as server:
        yield server


@pytest.fixture(autouse=True)
def _without_rules(server: Server) -> Iterator[None]:
    """Remove the rules of a test."""
    yield
    assert httpx.delete(server.url + FAULTS).status_code == 204


def put(server: Server, *rules: dict[str, Any], **document: Any) -> None:
    """Set rules, or a scenario."""
    answer = httpx.put(server.url + FAULTS, json=document or {"rules": list(rules)})
    assert answer.status_code == 200, answer.text


def shown(server: Server) -> Any:
    """Return what is set."""
    return httpx.get(server.url + FAULTS).json()


def until(condition: Any) -> None:
    """Wait for something that comes, as long as a test may take."""
    while not condition():
        time.sleep(0.01)


def test_a_connection_that_is_closed(server):
    """Nothing is sent before the end; the log has status 0."""
    put(server, {"operation": "get_version", "do": {"close": True}})
    with connected(server.port) as line:
        line.send(VERSION)
        assert line.rest() == b""
    until(lambda: " GET /v1/tms/version 0 " in server.log())
    assert exchange(server.port, CLIENT).status == 200


def test_a_connection_that_is_reset(server):
    """The client gets RST, not the orderly end."""
    put(server, {"operation": "get_version", "do": {"reset": True}})
    with connected(server.port) as line:
        line.send(VERSION)
        with pytest.raises(ConnectionResetError):
            line.rest()
    assert exchange(server.port, CLIENT).status == 200


@pytest.mark.parametrize("most", [0, 1, 50])
@pytest.mark.parametrize("path", ["/v1/tms/version", "/oauth2/jwks", "/spec"])
def test_a_body_that_is_cut(server, path, most):
    """Status line and headers are those of the whole answer, whoever gives it; of the body so many bytes come."""
    request = request_of("GET", path)
    whole = exchange(server.port, request)
    put(server, {"do": {"cut_after_bytes": most}})
    with connected(server.port) as line:
        line.send(request)
        head, _, body = line.rest().partition(b"\r\n\r\n")
    assert body == whole.body[:most]
    assert head.split(b"\r\n")[0] == whole.line.encode()
    assert b"content-length: %d" % len(whole.body) in head


def test_a_body_that_is_short_enough(server):
    """It comes whole, and the connection stays."""
    whole = exchange(server.port, VERSION)
    put(server, {"do": {"cut_after_bytes": len(whole.body)}})
    with connected(server.port) as line:
        for _ in range(2):
            line.send(VERSION)
            assert line.answer().body == whole.body


def test_an_answer_keeps_the_connection(server):
    """The next request on it is answered as well, a body that nobody read in between."""
    put(server, {"operation": "create_key", "do": {"status": 503, "body": "busy", "headers": {"Retry-After": "1"}}})
    with connected(server.port) as line:
        line.send(CREATE_KEY)
        answer = line.answer()
        assert (answer.line, answer.body) == ("HTTP/1.1 503 Service Unavailable", b"busy")
        assert answer.names == ["content-type", "retry-after", "content-length", "date"]
        line.send(CLIENT)
        assert line.answer().status == 200


def hanging(server: Server, request: bytes, number: int, stack: ExitStack) -> list[Connection]:
    """Send requests on connections of their own, and return these once all are struck."""
    lines = [stack.enter_context(connected(server.port)) for _ in range(number)]
    for line in lines:
        line.send(request)
    until(lambda: sum(one["struck"] for one in shown(server).get("rules") or [shown(server)]) >= number)
    for line in lines:
        assert is_silent(line)
    return lines


def run_of_users(server: Server, lines: list[Connection], request: bytes) -> None:
    """Let each user ask again as soon as there is an answer, until every one of them hangs."""
    for line in lines:
        line.send(request)
    while shown(server)["struck"] < len(lines):
        answered = select.select([line.socket for line in lines], [], [], 0.05)[0]
        for line in [line for line in lines if line.socket in answered]:
            assert line.answer().status == 200
            line.send(request)
    assert [is_silent(line) for line in lines] == [True] * len(lines)


def is_silent(line: Connection) -> bool:
    """Return whether nothing has come yet."""
    line.socket.setblocking(False)
    try:
        line.socket.recv(1)
    except BlockingIOError:
        return True
    finally:
        line.socket.settimeout(20)
    return False


@pytest.mark.parametrize("release", ["delete", "put", "reset"])
def test_a_request_that_hangs(server, release):
    """It is answered by its endpoint as soon as the rules go, with the body that it came with."""
    put(server, {"operation": "create_key", "do": {"hang": True}})
    with ExitStack() as stack:
        lines = hanging(server, CREATE_KEY, 3, stack)
        assert exchange(server.port, CLIENT).status == 200
        if release == "put":
            put(server, {"operation": "hello", "do": {"close": True}})
        elif release == "delete":
            httpx.delete(server.url + FAULTS)
        else:
            httpx.post(f"{server.url}/_standin/reset")
        assert [line.answer().status for line in lines] == [201, 201, 201]


def test_a_client_that_does_not_wait(server):
    """Its request ends without a trace: no key is made for it when the rules go."""
    keys = request_of("GET", "/v1/tms/pubkeys/list", *LINES)
    before = exchange(server.port, keys).body
    put(
        server, {"operation": "create_key", "do": {"hang": True}}, {"operation": "get_version", "do": {"delay_ms": 3e6}}
    )
    length = len(server.log())
    with ExitStack() as stack:
        hanging(server, CREATE_KEY, 1, stack)
        hanging(server, VERSION, 1, stack)
    until(lambda: server.log()[length:].count(" POST /v1/tms/pubkeys/creds 0 ") == 1)
    until(lambda: server.log()[length:].count(" GET /v1/tms/version 0 ") == 1)
    httpx.delete(server.url + FAULTS)
    assert exchange(server.port, keys).body == before


def test_a_long_delay_ends_with_its_rule(server):
    """So the next test finds no request of the last one."""
    put(server, {"operation": "get_version", "do": {"delay_ms": 3_000_000}})
    with ExitStack() as stack:
        [line] = hanging(server, VERSION, 1, stack)
        httpx.delete(server.url + FAULTS)
        assert line.answer().status == 200


def test_a_server_stops_in_spite_of_what_hangs(tmp_path):
    """Plain uvicorn waits for answers for ever; the connection is closed without one."""
    with ExitStack() as stack:
        with running(tmp_path, by_uvicorn, **STANDARD) as server:
            put(server, {"do": {"hang": True}})
            [line] = hanging(server, VERSION, 1, stack)
        assert line.rest() == b""


@contextmanager
def two_servers(folder: Path) -> Iterator[tuple[Server, Server]]:
    """Run two processes on one database."""
    with running(folder, **STANDARD) as first:
        other = folder / "other"
        other.mkdir()
        with running(other, **STANDARD, database=first.database) as second:
            yield first, second


def test_two_processes_on_one_database(tmp_path):
    """What one sets the other obeys at its next request; they count together, and a release by one frees all."""
    with two_servers(tmp_path) as (first, second):
        put(first, {"operation": "get_version", "count": 3, "do": {"status": 418}})
        asked = [exchange(server.port, VERSION).status for server in (second, first, second, second, first)]
        assert asked == [418, 418, 418, 200, 200]
        assert [shown(server)["rules"][0]["struck"] for server in (first, second)] == [3, 3]

        put(second, {"operation": "get_version", "do": {"hang": True}})
        with ExitStack() as stack:
            lines = [*hanging(first, VERSION, 1, stack), *hanging(second, VERSION, 1, stack)]
            httpx.post(f"{first.url}/_standin/reset")
            assert [line.answer().status for line in lines] == [200, 200]
        assert [shown(server) for server in (first, second)] == [{"rules": []}] * 2
        assert [exchange(server.port, VERSION).status for server in (first, second)] == [200, 200]


def test_a_process_that_comes_later_obeys(tmp_path):
    """It finds what was set before its start."""
    with running(tmp_path, **STANDARD) as first:
        other = tmp_path / "other"
        other.mkdir()
        put(first, {"operation": "get_client", "do": {"status": 418}})
        with running(other, **STANDARD, database=first.database) as second:
            assert exchange(second.port, CLIENT).status == 418


def test_ten_users_hang(server):
    """Database requests are answered no more, others are, until a reset, which brings the ten back too."""
    put(server, scenario="hang-0.1.0")
    with ExitStack() as stack:
        nine = [stack.enter_context(connected(server.port)) for _ in range(USERS - 1)]
        for _ in range(2):
            for line in nine:
                line.send(CLIENT)
            assert [line.answer().status for line in nine] == [200] * (USERS - 1)

        lines = [*nine, stack.enter_context(connected(server.port))]
        run_of_users(server, lines, CLIENT)
        late = stack.enter_context(connected(server.port))
        late.send(CREATE_KEY)
        until(lambda: shown(server)["struck"] == USERS + 1)
        assert exchange(server.port, VERSION).status == 200
        assert exchange(server.port, request_of("GET", "/oauth2/jwks")).status == 200
        assert [is_silent(line) for line in (*lines, late)] == [True] * (USERS + 1)

        assert httpx.post(f"{server.url}/_standin/reset").status_code == 200
        assert [line.answer().status for line in (*lines, late)] == [200] * USERS + [201]
    assert exchange(server.port, CLIENT).status == 200


def test_ten_users_of_two_processes_hang(tmp_path):
    """The database is one, and so are its ten connections; clients that leave give none back."""
    with two_servers(tmp_path) as (first, second):
        put(first, scenario="hang-0.1.0")
        with ExitStack() as stack:
            lines = [stack.enter_context(connected(server.port)) for server in (first, second) for _ in range(5)]
            run_of_users(first, lines, CLIENT)
        with ExitStack() as stack:
            [late] = hanging(second, CLIENT, 1, stack)
            httpx.delete(first.url + FAULTS)
            assert late.answer().status == 200

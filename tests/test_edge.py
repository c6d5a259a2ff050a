"""From a request to its answer: who answers, with which headers, what becomes of faults and of long or cut bodies."""

# ruff: noqa: ARG001 - endpoints declared here need not look at what they are given

import asyncio
import json
import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from app.declare import Operation, Resource
from app.edge import LARGEST_BODY, Edge
from app.errors import ConnectionDropped, FrameworkRefusal
from app.main import make_parts
from app.settings import Settings
from tests.conftest import ClientFor
from tests.raw import JSON, TEXT, ask, connected, content, exchange, request_of
from tests.seeded import ADMIN
from tests.servers import STANDARD, running

LINES = [f"{name}: {value}" for name, value in ADMIN.items()]
CUT = "io: error reading a body from connection"
RETRIEVE = b"/v1/tms/pubkeys/creds/retrieve"
KEY = {"user": "u", "host": "h", "public_key_fingerprint": "f"}

throw_away = Resource("/tms/broken", "Broken")


@throw_away.get("/always", None)
async def always(call: Any) -> str:
    """Fail as no endpoint should."""
    raise ZeroDivisionError("a secret of ours")


@throw_away.get("/refused", None)
async def refused(call: Any) -> str:
    """Refuse in the framework's way from inside an endpoint."""
    raise FrameworkRefusal(400, "from inside")


@throw_away.get("/dropped", None)
async def dropped(call: Any) -> str:
    """Drop the connection."""
    raise ConnectionDropped


def edge_over(operations: list[Operation]) -> Edge:
    """Return an edge with these operations alone; nothing behind it answers."""

    async def nobody(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("passed on")

    return Edge(operations, make_parts(Settings(database="sqlite://")), nobody)


async def test_a_fault_of_ours(caplog):
    """The caller gets a sentence without detail in the usual envelope; the log gets the traceback."""
    with caplog.at_level(logging.ERROR, "tms_standin.edge"):
        answer = await ask(edge_over(throw_away.operations), "GET", b"/v1/tms/broken/always")
    body = '{"result_code":"500","result_msg":"ERROR: internal error of the stand-in, see its log"}'
    assert answer.what == (500, JSON, body)
    assert answer.names == ["content-type", "content-length", "date"]
    (record,) = caplog.records
    assert (record.getMessage(), record.exc_info[0]) == ("always failed", ZeroDivisionError)
    assert "a secret of ours" in caplog.text
    assert "Traceback" in caplog.text


async def test_a_framework_refusal_from_inside(caplog):
    """It is plain text wherever it is raised, and no fault."""
    answer = await ask(edge_over(throw_away.operations), "GET", b"/v1/tms/broken/refused")
    assert (answer.what, caplog.records) == ((400, TEXT, "from inside"), [])


async def test_a_drop_without_a_transport():
    """Where the server's transport cannot be reached the error ends the request; no answer is made up."""
    with pytest.raises(ConnectionDropped):
        await ask(edge_over(throw_away.operations), "GET", b"/v1/tms/broken/dropped")


# HEAD, and what others answer.

HEADS = [
    ("/v1/tms/version", 200, JSON, None),
    ("/v1/tms/hello?name=x", 200, TEXT, None),
    ("/v1/tms/client/x", 400, JSON, None),
    ("/v1/tms/tenants/nobody", 404, JSON, None),
    ("/v1/tms/client/%FF", 400, TEXT, "19"),
    ("/v1/tms/hosts/abc", 400, TEXT, "90"),
    ("/v1/tms/client", 405, TEXT, "18"),
    ("/v1/tms/pubkeys/creds", 405, TEXT, "18"),
    ("/v1/tms/version/", 404, TEXT, "9"),
    ("/nothing", 404, TEXT, "9"),
]


@pytest.mark.parametrize(("path", "status", "content_type", "length"), HEADS)
def test_head(server, path, status, content_type, length):
    """The endpoint's answers do not tell the length of what they leave out, the framework's do (contract 7)."""
    with connected(server.port) as connection:
        connection.send(request_of("HEAD", path) + request_of("GET", "/v1/tms/hello", "Connection: close"))
        answer = connection.answer(to_head=True)
        expected = {"content-type": content_type} | ({"content-length": length} if length else {})
        assert (answer.status, {name: value for name, value in answer.headers if name != "date"}) == (status, expected)
        assert answer.names == [*expected, "date"]
        # Nothing stands between the head and the next answer.
        assert connection.answer().what == (200, TEXT, "hello!")


@pytest.mark.parametrize("path", ["/spec", "/spec_yaml", "/oauth-receiver.html"])
def test_what_is_passed_on(server, path):
    """FastAPI's answers get the date behind their own headers, and HEAD the length of the body."""
    with connected(server.port) as connection:
        connection.send(request_of("GET", path) + request_of("HEAD", path))
        answer, head = connection.answer(), connection.answer(to_head=True)
    assert answer.status == head.status == 200
    assert (answer.names, answer.names[-1], answer.names.count("date")) == (head.names, "date", 1)
    lengths = [int(dict(one.headers)["content-length"]) for one in (answer, head)]
    assert lengths == [len(answer.body)] * 2


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/v1/tms/%76ersion", "/v1/tms/%63lient/abc", "/v1/tms/tenants/%2e", "/%761/tms/hello", "/sp%65c", "/docs"]
)
async def test_a_path_that_is_one_of_ours_only_when_decoded(client, method, path):
    """FastAPI compares decoded paths; what the edge did not find must not be found there."""
    answer = await ask(client._transport.app, method, path.encode())
    where = {"/v1/tms/tenants/%2e": {"GET": 404, "POST": 400, "DELETE": 405, "OPTIONS": 405}[method]}
    assert answer.status == where.get(path, 404)
    if path not in where:
        assert answer.what == (404, TEXT, "not found")


# Dropped connections (D2).


@pytest.fixture(scope="module")
def defective(tmp_path_factory):
    """A real server with the defects of 0.3.0."""
    with running(tmp_path_factory.mktemp("defects"), quirks="real", **STANDARD) as server:
        yield server


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/v1/tms/client/list", "/v1/tms/usermfa/list", "/v1/tms/tenants/list"])
def test_d2_closes_the_connection_without_a_byte(defective, method, path):
    """Not even a status line comes, other connections go on, and the log has the request with status 0."""
    with connected(defective.port) as other, connected(defective.port) as connection:
        other.send(request_of("GET", "/v1/tms/hello"))
        assert other.answer().status == 200
        connection.send(request_of(method, path, *LINES))
        assert connection.rest() == b""
        other.send(request_of("GET", "/v1/tms/hello"))
        assert other.answer().status == 200
    assert "Traceback" not in defective.log()


def test_d2_leaves_the_rest_of_the_list_alone(defective):
    """Refusals of the same endpoints, and lists without a state in them, are answered."""
    assert exchange(defective.port, request_of("GET", "/v1/tms/client/list")).status == 400
    answer = exchange(defective.port, request_of("GET", "/v1/tms/hosts/list", *LINES))
    assert answer.what == (200, JSON, '{"num_mappings":0,"result_code":"0","result_msg":"success","users":[]}')


async def test_d2_needs_a_row(client_for: ClientFor):
    """An empty list is answered even with the defect."""
    client = await client_for(quirks="real")
    made = await client.post("/v1/tms/tenants/empty", headers={**ADMIN, "X-TMS-TENANT": "default"})
    headers = {**ADMIN, "X-TMS-TENANT": "empty", "X-TMS-ADMIN-SECRET": made.json()["admin_secret"]}
    answer = await client.get("/v1/tms/usermfa/list", headers=headers)
    assert answer.text == '{"num_users":0,"result_code":"0","result_msg":"success","users":[]}'
    with pytest.raises(ConnectionDropped):
        await client.get("/v1/tms/usermfa/list", headers=ADMIN)


# Long lists.


@pytest.mark.parametrize("in_memory", [True, False])
async def test_a_long_list(client_for: ClientFor, tmp_path, in_memory):
    """1,500 rows are answered whole, in order, and from a file the loop answers others in between."""
    seed = tmp_path / "seed.toml"
    users = "\n".join(f'[[user_mfa]]\ntenant = "test"\ntms_user_id = "user{number:04}"' for number in range(1500))
    seed.write_text(f'[[tenants]]\ntenant = "test"\n{users}\n')
    database = "sqlite://" if in_memory else f"sqlite:///{tmp_path / 'tms.db'}"
    client = await client_for(seed=str(seed), database=database)
    listing = asyncio.create_task(client.get("/v1/tms/usermfa/list", headers=ADMIN))
    meanwhile = 0
    while not listing.done():
        answer = await client.get("/v1/tms/hello")
        meanwhile += answer.status_code == 200 and not listing.done()
        await asyncio.sleep(0)
    body = json.loads(listing.result().content)
    users = body.pop("users")
    assert body == {"num_users": 1500, "result_code": "0", "result_msg": "success"}
    assert [user["tms_user_id"] for user in users] == [f"user{number:04}" for number in range(1500)]
    assert {tuple(user) for user in users} == {
        ("created", "enabled", "expires_at", "id", "tenant", "tms_user_id", "updated")
    }
    assert in_memory or meanwhile >= 3


async def test_a_long_list_whose_table_is_gone(client_for: ClientFor, tmp_path):
    """Trouble in the middle of a list is told as any other, not cut off."""
    client = await client_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    with closing(sqlite3.connect(tmp_path / "tms.db", isolation_level=None)) as connection:
        connection.execute("DROP TABLE hosts")
    answer = await client.get("/v1/tms/hosts/list", headers=ADMIN)
    message = "ERROR: error returned from database: no such table: hosts"
    assert (answer.status_code, answer.json()) == (500, {"result_code": "500", "result_msg": message})


# Bodies on their way in.

TYPED = [(b"content-type", b"application/json")]
NOT_FOUND = (404, JSON, '{"result_code":"404","result_msg":"NOT_FOUND"}')


def arriving(*pieces: bytes, end: str = "http.request") -> list[dict[str, Any]]:
    """Return a body in pieces; with end="http.disconnect" the connection is lost before the last one."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    return [*messages, {"type": end}]


async def test_a_body_in_pieces(client):
    """It does not matter where it was cut, nor that the last piece is empty."""
    raw = json.dumps(KEY).encode()
    for pieces in ([raw], [raw[:1], raw[1:]], [raw[index : index + 1] for index in range(len(raw))], [b"", raw, b""]):
        answer = await ask(client._transport.app, "POST", RETRIEVE, TYPED, messages=arriving(*pieces))
        assert answer.what == NOT_FOUND


async def test_a_body_that_is_too_large(client):
    """413 in the framework's words as soon as that is known, and nothing more of it is read; one byte less is decoded."""
    pieces = [b" " * (LARGEST_BODY // 2)] * 2
    answer = await ask(client._transport.app, "POST", RETRIEVE, TYPED, messages=arriving(*pieces, b" ")[:3])
    assert answer.what == (413, TEXT, "payload too large")
    answer = await ask(client._transport.app, "POST", RETRIEVE, TYPED, messages=arriving(*pieces))
    assert (answer.status, "EOF while parsing a value" in answer.body.decode()) == (400, True)


@pytest.mark.parametrize("pieces", [[], [b"{"], [json.dumps(KEY).encode()]])
async def test_a_body_that_is_cut_off(client, pieces):
    """A connection that ends before its body does gets the reference's sentence, whatever had come."""
    messages = arriving(*pieces, end="http.disconnect")
    answer = await ask(client._transport.app, "POST", RETRIEVE, TYPED, messages=messages)
    assert answer.what == (400, TEXT, CUT)


def test_a_body_cut_off_on_the_wire(server):
    """A client that goes away in the middle of a whole record changes nothing, and the next one is served."""
    before = content(server.database_path)
    body = json.dumps({"tenant": "test", "tms_user_id": "cut", "ttl_minutes": 1}).encode()
    lines = [*LINES, "Content-Type: application/json", f"Content-Length: {len(body) + 1}"]
    with connected(server.port) as connection:
        connection.send(request_of("POST", "/v1/tms/usermfa", *lines) + body)
    assert exchange(server.port, request_of("GET", "/v1/tms/usermfa/cut", *LINES)).what == NOT_FOUND
    assert content(server.database_path) == before


def test_chunks_on_the_wire(server):
    """A chunked body is put together, and one that is sent slowly is waited for."""
    raw = json.dumps(KEY).encode()
    head = request_of("POST", RETRIEVE.decode(), "Content-Type: application/json", "Transfer-Encoding: chunked")
    with connected(server.port) as connection:
        connection.send(head + b"".join(b"1\r\n%c\r\n" % byte for byte in raw) + b"0\r\n\r\n")
        assert connection.answer().what == NOT_FOUND
        connection.send(request_of("POST", RETRIEVE.decode(), "Content-Type: application/json", body=raw)[: -len(raw)])
        for index in range(len(raw)):
            connection.send(raw[index : index + 1])
        assert connection.answer().what == NOT_FOUND


async def test_the_date_is_the_clocks(client):
    """It is now, in the form of HTTP."""
    before = datetime.now(UTC).replace(microsecond=0)
    answer = await client.get("/v1/tms/hello")
    told = datetime.strptime(answer.headers["date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert before <= told <= datetime.now(UTC)

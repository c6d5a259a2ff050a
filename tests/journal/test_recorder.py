"""Entries of real requests: their form, when they are written, and that no secret is in any stored byte."""

import json
import logging
import re
import struct
from urllib.parse import unquote

import pytest

from app.journal.bodies import LARGEST
from app.journal.recorder import LONGEST, Recorder
from app.journal.ring import Ring, Row, Wanted
from app.steering.operations import Named
from tests.control.conftest import decide
from tests.journal.conftest import entries, switch
from tests.oauth.driver import CONFIDENTIAL, FORM, basic, steered
from tests.oauth.forms import Person
from tests.seeded import ADMIN
from tests.seeded import CALLER as CLIENT
from tests.tapis import driver as tapis

JSON = {"Content-Type": "application/json"}
NEW_KEY = {
    "client_user_id": "testuser1",
    "host": "testhost1",
    "host_account": "testhostaccount1",
    "num_uses": -1,
    "ttl_minutes": -1,
}
CREDS = "/v1/tms/pubkeys/creds"
VERSION = Named("get_version", "GET /v1/tms/version")


async def test_an_entry(standin):
    """Everything of a request and its answer, as the control plane's document describes it."""
    standin.http.headers.clear()
    answer = await standin.http.get("/v1/tms/client/testclient1?a=b&code=abcd", headers=CLIENT)
    assert await entries(standin) == [
        {
            "id": 1,
            "at": "2026-11-23T18:53:33.248700+00:00",
            "operation": "get_client",
            "method": "GET",
            "path": "/v1/tms/client/testclient1?a=b&code=***",
            "status": 200,
            "took_ms": 0.0,
            "request": {
                "headers": {
                    "host": "standin",
                    "x-tms-tenant": "test",
                    "x-tms-client-id": "testclient1",
                    "x-tms-client-secret": "***",
                },
                "body": None,
            },
            "response": {"headers": dict(answer.headers), "body": answer.json()},
        }
    ]


async def test_bodies_and_names(standin):
    """JSON as its value, a form as text, plain text as text; an operationId where there is one, else a template."""
    made = (await standin.http.post(CREDS, json=NEW_KEY, headers=CLIENT)).json()
    await standin.begin(issuer="mine")
    await standin.http.get("/nothing")
    told = [(entry["operation"], entry["status"], entry["request"]["body"]) for entry in await entries(standin)]
    assert told == [
        ("create_key", 201, NEW_KEY),
        ("POST /oauth2/device_authorization", 200, "client_id=device-public"),
        ("GET /(other)", 404, None),
    ]
    answers = [entry["response"]["body"] for entry in await entries(standin)]
    assert answers[0] == {**made, "private_key": "***"}
    assert (answers[1]["device_code"], answers[1]["interval"], answers[2]) == ("***", 5, "not found")


async def test_the_time_that_an_answer_took(standin):
    """In milliseconds, three digits behind the point."""

    async def forward(_scope, _receive, send):
        standin.clock.measured += 0.0123456
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    [entry] = (await recorded(standin, forward))[0]
    assert entry["took_ms"] == 12.346


async def test_it_is_off_by_default_and_can_be_switched_off(standin_for):
    """What passes while it is off leaves nothing; what was recorded before stays."""
    standin = await standin_for()
    await standin.http.get("/v1/tms/version")
    await switch(standin, False)
    await standin.http.get("/v1/tms/hello")
    assert [entry["path"] for entry in await entries(standin)] == ["/v1/tms/version"]
    await switch(standin, True)
    await standin.http.get("/v1/tms/version")
    assert [entry["id"] for entry in await entries(standin)] == [1, 2]


async def test_a_reset_empties_it_and_leaves_it_on(standin):
    """As design 2.7 says of reset; modes stay."""
    await standin.http.get("/v1/tms/version")
    await standin.http.post("/_standin/reset")
    assert await entries(standin) == []
    await standin.http.get("/v1/tms/version")
    assert len(await entries(standin)) == 1


async def test_the_control_plane_is_not_recorded(standin):
    """None of its calls, in whatever spelling it takes."""
    await standin.http.get("/_standin/device")
    await standin.http.get("/_standin/journal")
    assert await entries(standin) == []


async def test_long_paths_headers_and_bodies_are_cut(standin):
    """Nobody fills the journal with one request."""
    await standin.http.get(f"/{'x' * 9_000}", headers={"x-long": "y" * 9_000})
    await standin.raw("/oauth2/token", b"grant_type=" + b"z" * (LARGEST + 1))
    first, second = await entries(standin)
    assert first["path"] == ("/" + "x" * 9_000)[:LONGEST]
    assert first["request"]["headers"]["x-long"] == "y" * LONGEST
    assert second["request"]["body"] == f"[not kept: {LARGEST + 12} bytes, more than {LARGEST}]"


async def recorded(standin, forward, *, method: str = "GET", ring: Ring | None = None) -> tuple[list, list]:
    """Have a request answered by `forward` under a recorder and return the entries and what was sent.

    Each message is sent with the number of entries that there are by then.
    """
    ring = ring or Ring(None)
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append((message["type"].removeprefix("http.response."), ring.count(Wanted())))

    scope = {"type": "http", "method": method, "raw_path": b"/v1/tms/version", "query_string": b"", "headers": []}
    try:
        await Recorder(standin.parts, ring)(VERSION, scope, receive, send, forward)
    finally:
        found = [json.loads(entry) for _, entry in ring.find(Wanted()).entries]
        ring.close()
    return found, sent


def answering(status: int, headers: list[tuple[bytes, bytes]], *pieces: bytes):
    """Return an application with this answer, in pieces."""

    async def forward(_scope, _receive, send):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, piece in enumerate(pieces, 1):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})

    return forward


TEXT = (b"content-type", b"text/plain")


@pytest.mark.parametrize(
    ("method", "status", "headers", "pieces", "counts"),
    [
        ("GET", 200, [TEXT], (b"ab", b"cd", b""), [0, 0, 0, 1]),
        ("GET", 200, [TEXT, (b"content-length", b"4")], (b"ab", b"cd", b""), [0, 0, 1, 1]),
        ("GET", 200, [TEXT, (b"content-length", b"0")], (b"",), [1, 1]),
        ("HEAD", 200, [TEXT, (b"content-length", b"4")], (b"",), [1, 1]),
        ("GET", 204, [], (b"",), [1, 1]),
        ("GET", 304, [(b"content-length", b"4")], (b"",), [1, 1]),
    ],
)
async def test_an_entry_is_there_before_the_answer_is_complete(standin, method, status, headers, pieces, counts):
    """Whoever has the last byte of an answer finds its entry."""
    found, sent = await recorded(standin, answering(status, headers, *pieces), method=method)
    assert [count for _, count in sent] == counts
    assert [entry["status"] for entry in found] == [status]


async def test_an_answer_that_never_comes(standin):
    """An application that gives up leaves an entry with status 0 and its own error."""

    async def forward(_scope, _receive, _send):
        raise ConnectionResetError

    ring = Ring(None)
    with pytest.raises(ConnectionResetError):
        await recorded(standin, forward, ring=ring)


async def test_a_dropped_connection_has_status_0(standin):
    """No answer at all is an entry too."""

    async def forward(_scope, _receive, _send):
        pass

    found, sent = await recorded(standin, forward)
    assert [(entry["status"], entry["response"]) for entry in found] == [(0, {"headers": {}, "body": None})]
    assert sent == []


async def test_a_fault_of_the_journal_costs_nobody_the_answer(standin, monkeypatch, caplog):
    """The entry is lost, and the log says why."""

    async def broken(*_arguments):
        raise struct.error("odd")

    monkeypatch.setattr("app.journal.recorder.near_misses", broken)
    with caplog.at_level(logging.ERROR):
        assert (await standin.http.get("/v1/tms/version")).status_code == 200
    assert [record.getMessage() for record in caplog.records] == ["an entry of the journal is lost"]
    assert await entries(standin) == []


async def whole_run(standin) -> set[str]:
    """Use every kind of secret once, rightly and wrongly, and return all of them."""
    http, secrets = standin.http, {"secret1", "adminsecret1", "password1", "wr0ng-secret", "wr0ng-password"}
    await http.get("/v1/tms/client/testclient1", headers=CLIENT | {"X-TMS-CLIENT-SECRET": "wr0ng-secret"})
    await http.get("/v1/tms/client/list", headers=ADMIN)
    client = {"tenant": "test", "client_id": "fresh", "app_name": "a", "app_version": "1.0", "enabled": True}
    secrets.add((await http.post("/v1/tms/client", json=client, headers=ADMIN)).json().get("client_secret", "secret1"))
    for key_type in ("", "ECDSA"):
        made = (await http.post(CREDS, json=NEW_KEY | {"key_type": key_type}, headers=CLIENT)).json()
        secrets |= {line for line in made["private_key"].splitlines() if "KEY" not in line}
    await http.post(CREDS, content=b'{"num_uses": "wr0ng-secret', headers={**CLIENT, **JSON})
    await http.post(CREDS, json=NEW_KEY | {"num_uses": "wr0ng-secret", "secret": "wr0ng-secret"}, headers=CLIENT)
    return secrets | await oauth_run(standin) | await tapis_run(standin)


async def oauth_run(standin) -> set[str]:
    """Walk through the device flow, its pages, the authorization code and what follows."""
    flow = await standin.begin(CONFIDENTIAL)
    person = Person(standin)
    await person.log_in(password="wr0ng-password")
    await person.log_in()
    await person.open("/device", user_code=flow["user_code"])
    await person.enter(flow["user_code"])
    await decide(standin, flow, action="approve", username="testuser1")
    tokens = (await standin.poll(flow, CONFIDENTIAL)).json()
    asked = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    more = (await standin.post("/oauth2/token", headers=basic(CONFIDENTIAL, "secret1"), **asked)).json()
    await standin.introspect(more["access_token"])
    await standin.userinfo(more["access_token"])
    await standin.http.get("/oauth2/userinfo", params={"access_token": more["access_token"]})
    verifier = "v" * 43
    back = await standin.authorized(
        response_type="code",
        client_id="device-public",
        redirect_uri="http://127.0.0.1/cb",
        code_challenge="vZ0b2ZUvEDBAtrv3aAvYNPN5oWJZPjcDLGkwxTfkjHI",
        code_challenge_method="S256",
        state="s",
    )
    await standin.post("/oauth2/token", grant_type="authorization_code", code=back["code"], code_verifier=verifier)
    await standin.post("/oauth2/revoke", token=more["refresh_token"], client_id=CONFIDENTIAL, client_secret="secret1")
    await person.open("/device/simulator")
    cookies = {value for answer in person.seen for value in answer.cookies.values()} | set(person.http.cookies.values())
    crumbs = {crumb for answer in person.seen for crumb in re.findall(r'csrf_token"[^>]*value="([^"]+)', answer.text)}
    code = flow["user_code"]
    told = {tokens[name] for name in ("access_token", "refresh_token", "id_token")} | {more["access_token"]}
    return {code, code.replace("-", ""), flow["device_code"], back["code"], verifier} | told | cookies | crumbs


async def tapis_run(standin) -> set[str]:
    """Walk through Tapis's device flow, its pages, its clients and its password grant."""
    flow, early = await tapis.begin(standin), await tapis.begin(standin)
    await tapis.poll(standin, early)
    await tapis.log_in(standin, password="wr0ng-password")
    await tapis.log_in(standin)
    await tapis.enter(standin, flow)
    await tapis.consent(standin, flow)
    result = tapis.result_of(await tapis.poll(standin, flow), "Token created successfully.")
    made = await tapis.make_client(standin, callback_url="http://127.0.0.1/cb")
    key = tapis.basic(made["client_id"], made["client_key"])
    await tapis.tokens(standin, headers=key)
    await tapis.ask(standin, headers=tapis.basic(made["client_id"], "wr0ng-secret"), **tapis.PASSWORD)
    access = result["access_token"]["access_token"]
    await standin.http.post("/v3/oauth2/tokens/revoke", json={"token": access})
    return {flow["device_code"], flow["user_code"], early["device_code"], access, made["client_key"]} | set(
        standin.http.cookies.values()
    )


async def test_no_secret_is_in_any_stored_byte(standin_for, tmp_path):
    """A whole run of TMS, OAuth and Tapis, then a search of the files and of all that the control plane tells."""
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    secrets = await whole_run(standin)
    assert len(secrets) > 30
    assert min(map(len, secrets)) > 5
    told = await standin.http.get("/_standin/journal", params={"limit": 1_000})
    archived = await standin.http.get("/_standin/journal.har", params={"limit": 1_000})
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("tms.db-requests*"))
    assert len(told.json()["entries"]) > 35
    for data in (stored, told.content, archived.content, unquote(archived.text).encode()):
        assert [secret for secret in sorted(secrets) if secret.encode() in data] == []


async def test_the_readable_rest_is_stored(standin_for, tmp_path):
    """The search of the test above looks where entries are, and finds in the file what is no secret."""
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    await standin.raw("/oauth2/token", b"client_secret=hush-hush&client_id=plain-to-see", FORM)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("tms.db-requests*"))
    assert (b"plain-to-see" in stored, b"hush-hush" in stored) == (True, False)


async def test_the_files_go_with_the_last_process(tmp_path):
    """Neither the journal nor the counters outlive those who use them."""
    async with steered(database=f"sqlite:///{tmp_path / 'tms.db'}") as standin:
        await switch(standin, True)
        await standin.http.get("/v1/tms/version")
        names = {path.name for path in tmp_path.iterdir()}
        assert {"tms.db-requests", "tms.db-metrics-0"} <= names
    assert [path.name for path in tmp_path.iterdir() if re.search("requests|metrics|steering", path.name)] == []


async def test_what_a_killed_process_left_is_not_shown(standin_for, tmp_path):
    """The first process that starts finds an empty journal and counts from zero."""
    stale = Ring(tmp_path / "tms.db-requests")
    stale.add(Row(0.0, "get_version", "GET /v1/tms/version", 200, b"stale"))
    stale.close()
    (tmp_path / "tms.db-metrics-0").write_bytes(b"\1" * 100_000)
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    await standin.http.get("/v1/tms/version")
    assert [entry["id"] for entry in await entries(standin)] == [1]
    assert {label: each.requests for label, each in standin.parts.metrics.snapshot().items()} == {"get_version": 1}

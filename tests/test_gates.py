"""The order of the checks and the words of every refusal, stated a second time from contract sections 2 and 5.3.

Nothing here is made from the code: neither which checks an endpoint has, nor their order, nor a sentence.
"""

import asyncio
import hmac
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.tms import OPERATIONS
from tests.conftest import ClientFor
from tests.raw import content, decoded, envelope, exchange, request_of
from tests.servers import ADMIN_SECRET, STANDARD, Server, running

TENANT, CLIENT_ID, CLIENT_SECRET = "X-TMS-TENANT", "X-TMS-CLIENT-ID", "X-TMS-CLIENT-SECRET"
ADMIN_ID, ADMIN_SECRET_NAME = "X-TMS-ADMIN-ID", "X-TMS-ADMIN-SECRET"
CLIENT = {CLIENT_ID: "testclient1", CLIENT_SECRET: "secret1"}
ADMIN = {ADMIN_ID: "~~admin", ADMIN_SECRET_NAME: ADMIN_SECRET}
TEST, NOWHERE = {TENANT: "test"}, {TENANT: "nowhere"}
BAD_CLIENT, BAD_ADMIN = {**CLIENT, CLIENT_SECRET: "wrong"}, {**ADMIN, ADMIN_SECRET_NAME: "wrong"}

NO_TENANT = envelope(400, "Required 'X-TMS-TENANT' HTTP header not found")
NO_CLIENT = envelope(400, "Required 'X-TMS-CLIENT-ID' HTTP header not found")
BAD_TENANT = envelope(400, "Invalid string assigned to header X-TMS-TENANT: failed to convert header to a str")
NOT_ENABLED = envelope(400, "Tenant not enabled.")
DISALLOWED = envelope(
    400,
    "Client creation is disallowed due either to running in MVP mode or by explicit assignment "
    "of the new_clients configuration parameter.",
)


def mismatch(header: str, named: str) -> tuple[int, dict[str, str]]:
    """Return TM's answer."""
    return envelope(
        403,
        f"ERROR: FORBIDDEN - The tenant in the X-TMS-TENANT header ({header}) does not match "
        f"the tenant in the request body ({named})",
    )


# What each gate is made of, in the order of execution.
WORDS = {
    "none": "",
    "admin": "tenant_header tenant_enabled admin_authorized",
    "admin_of": "tenant_header same_tenant tenant_enabled admin_authorized",
    "owner": "client_header tenant_header tenant_enabled client_authorized",
    "owner_or_admin": "tenant_header tenant_enabled client_or_admin_authorized",
    "owner_or_admin_of": "tenant_header tenant_enabled client_or_admin_authorized same_client",
    "E05": "named_tenant_enabled new_clients_allowed version_valid",
    "E13": "client_or_admin_authorized same_client_and_tenant named_tenant_enabled",
    "E14": "tenant_header client_or_admin_authorized same_client_and_tenant named_tenant_enabled",
    "E32": "tenant_header default_tenant tenant_enabled admin_authorized",
}


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of contract section 2: its gate, its 401 and 403, a body, and its status when all checks pass."""

    code: str
    gate: str
    method: str
    path: str
    deny: str = ""
    differ: str = ""
    accepted: int = 200
    body: dict[str, Any] = field(default_factory=dict)


V = "/v1/tms"
_PATH_DIFFERS = "ERROR: FORBIDDEN - Path parameters ({client_id}@{tenant}) differ from those in the request header."
_PAYLOAD_DIFFERS = (
    "ERROR: FORBIDDEN - Payload parameters ({client_id}@{tenant}) differ from those in the request header."
)
_RESERVATION_DIFFERS = (
    "ERROR: FORBIDDEN - Path client_id parameter ({client_id}) differs from the client_id in the request header."
)
_CREDENTIALS = "ERROR: NOT AUTHORIZED Credential mismatch for client {client_id} in tenant {tenant}."
_N = "ERROR: NOT AUTHORIZED to "
_USER, _HOST = {"tms_user_id": "u"}, {"host": "h"}
_ACCOUNT = {**_USER, **_HOST, "host_account": "a"}
_DELEGATION = {"client_id": "{client_id}", "client_user_id": "u"}
_KEY = {"client_id": "{client_id}", "host": "h", "public_key_fingerprint": "f"}
_NEW_KEY = {"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "num_uses": 1}
_RESERVED = {"client_user_id": "u", "host": "h", "public_key_fingerprint": "f"}
_OF = {"tenant": "{tenant}"}
_TTL = {"ttl_minutes": 1}

ENDPOINTS = [
    Endpoint("E01", "none", "GET", f"{V}/hello"),
    Endpoint("E02", "none", "GET", f"{V}/version"),
    Endpoint("E03", "owner_or_admin_of", "GET", f"{V}/client/{{client_id}}",
             _N + "view client {client_id} in tenant {tenant}.", _PATH_DIFFERS, 404),
    Endpoint("E04", "owner_or_admin", "GET", f"{V}/client/list", _N + "list clients in tenant {tenant}."),
    Endpoint("E05", "E05", "POST", f"{V}/client", accepted=201,
             body={**_OF, "client_id": "new", "app_name": "new", "app_version": "1.0"}),
    Endpoint("E06", "owner_or_admin_of", "PATCH", f"{V}/client/upd/{{client_id}}",
             _N + "update client {client_id} in tenant {tenant}.", _PAYLOAD_DIFFERS),
    Endpoint("E07", "owner_or_admin_of", "DELETE", f"{V}/client/del/{{client_id}}",
             _N + "delete client {client_id} in tenant {tenant}.", _PAYLOAD_DIFFERS),
    Endpoint("E08", "owner_or_admin_of", "PATCH", f"{V}/client/secret/{{client_id}}",
             _N + "update client {client_id} in tenant {tenant}.", _PAYLOAD_DIFFERS),
    Endpoint("E09", "owner", "POST", f"{V}/pubkeys/creds", _CREDENTIALS, "", 201, {**_NEW_KEY, **_TTL}),
    Endpoint("E10", "none", "POST", f"{V}/pubkeys/creds/retrieve", accepted=404,
             body={"user": "u", "host": "h", "public_key_fingerprint": "f"}),
    Endpoint("E11", "owner_or_admin", "GET", f"{V}/pubkeys/id/77", _N + "view pubkey #77 in tenant {tenant}.", "", 404),
    Endpoint("E12", "owner_or_admin", "GET", f"{V}/pubkeys/list", _N + "list clients in tenant {tenant}."),
    Endpoint("E13", "E13", "DELETE", f"{V}/pubkeys/del",
             _N + "delete public key {client_id} in tenant {tenant}.",
             "ERROR: NOT AUTHORIZED - Payload parameters ({client_id}@{tenant}) differ from those in the request "
             "header.", 200, {**_OF, **_KEY}),
    Endpoint("E14", "E14", "PATCH", f"{V}/pubkeys",
             "ERROR NOT AUTHORIZED to update client {client_id} in tenant {tenant}.", _PAYLOAD_DIFFERS, 200,
             {**_OF, **_KEY}),
    Endpoint("E15", "admin_of", "POST", f"{V}/usermfa", _N + "add a user MFA record in tenant {tenant}.", "", 201,
             {**_OF, **_USER, **_TTL}),
    Endpoint("E16", "admin", "GET", f"{V}/usermfa/nobody",
             _N + "view mfa information for record #nobody in tenant {tenant}", "", 404),
    Endpoint("E17", "admin", "GET", f"{V}/usermfa/list", _N + "list user MFA information in tenant {tenant}."),
    Endpoint("E18", "admin_of", "PATCH", f"{V}/usermfa/upd", _N + "update MFA for user u in tenant {tenant}.", "", 200,
             {**_OF, **_USER, "enabled": True}),
    Endpoint("E19", "admin", "DELETE", f"{V}/usermfa/del/nobody",
             _N + "delete MFA for user nobody in tenant {tenant}."),
    Endpoint("E20", "admin_of", "POST", f"{V}/userhosts", _N + "add a user host record in tenant {tenant}.", "", 201,
             {**_OF, **_ACCOUNT, **_TTL}),
    Endpoint("E21", "admin", "GET", f"{V}/userhosts/77",
             _N + "view host information for record #77 in tenant {tenant}", "", 404),
    Endpoint("E22", "admin", "GET", f"{V}/userhosts/list", _N + "list user host information in tenant {tenant}."),
    Endpoint("E23", "admin_of", "DELETE", f"{V}/userhosts/del",
             _N + "delete host h for user u in tenant {tenant}.", "", 200, {**_OF, **_ACCOUNT}),
    Endpoint("E24", "admin_of", "PATCH", f"{V}/userhosts/upd", _N + "update host for user u in tenant {tenant}.", "",
             200, {**_OF, **_ACCOUNT, **_TTL}),
    Endpoint("E25", "admin_of", "POST", f"{V}/delegations",
             _N + "add a client delegation record in tenant {tenant}.", "", 500, {**_OF, **_DELEGATION, **_TTL}),
    Endpoint("E26", "admin", "GET", f"{V}/delegations/77",
             _N + "view client delegation information for record #77 in tenant {tenant}", "", 404),
    Endpoint("E27", "admin", "GET", f"{V}/delegations/list", _N + "list delegations in tenant {tenant}."),
    Endpoint("E28", "admin_of", "DELETE", f"{V}/delegations/del",
             _N + "delete delegation for user u to client {client_id} in tenant {tenant}.", "", 200,
             {**_OF, **_DELEGATION}),
    Endpoint("E29", "admin_of", "PATCH", f"{V}/delegations/upd",
             _N + "update delegation for client {client_id} and user u in tenant {tenant}.", "", 200,
             {**_OF, **_DELEGATION, **_TTL}),
    Endpoint("E30", "none", "GET", f"{V}/tenants/{{tenant}}"),
    Endpoint("E31", "none", "GET", f"{V}/tenants/list"),
    Endpoint("E32", "E32", "POST", f"{V}/tenants/new", _N + "add a new tenant.", "", 201),
    Endpoint("E33", "admin_of", "DELETE", f"{V}/tenants/del/{{tenant}}", _N + "delete tenant {tenant}.", "", 500),
    Endpoint("E34", "admin_of", "PATCH", f"{V}/tenants/upd", _N + "update tenant {tenant}.", "", 200,
             {**_OF, "enabled": True}),
    Endpoint("E36", "admin_of", "POST", f"{V}/hosts", _N + "add a new host mapping.", "", 201,
             {**_OF, **_HOST, "addr": "x"}),
    Endpoint("E37", "admin", "GET", f"{V}/hosts/77",
             _N + "view host mapping information for record #77 in tenant {tenant}", "", 404),
    Endpoint("E38", "admin", "GET", f"{V}/hosts/list", _N + "list user host information in tenant {tenant}."),
    Endpoint("E39", "admin_of", "DELETE", f"{V}/hosts/del",
             _N + "delete host mapping h -> x in tenant {tenant}.", "", 200, {**_OF, **_HOST, "addr": "x"}),
    Endpoint("E40", "owner", "POST", f"{V}/reservations", _CREDENTIALS, "", 404, {**_RESERVED, **_TTL}),
    Endpoint("E41", "owner", "POST", f"{V}/reservations/extend", _CREDENTIALS, "", 404,
             {**_RESERVED, "parent_resid": "r"}),
    Endpoint("E42", "owner_or_admin_of", "GET", f"{V}/reservations/{{client_id}}/r",
             _N + "view reservation r in tenant {tenant}.", _RESERVATION_DIFFERS, 404),
    Endpoint("E43", "owner_or_admin_of", "DELETE", f"{V}/reservations/del/{{client_id}}/r",
             _N + "delete reservation r in tenant {tenant}.", _RESERVATION_DIFFERS),
    Endpoint("E44", "owner_or_admin_of", "DELETE", f"{V}/reservations/del/related/{{client_id}}/r",
             _N + "delete reservation r in tenant {tenant}.", _RESERVATION_DIFFERS),
    # The last one, because it leaves nothing of the tenant.
    Endpoint("E35", "admin_of", "DELETE", f"{V}/tenants/wipe/{{tenant}}", _N + "delete tenant {tenant}."),
]  # fmt: skip
BY_CODE = {endpoint.code: endpoint for endpoint in ENDPOINTS}
GATED = [endpoint for endpoint in ENDPOINTS if endpoint.deny]

# Contract 5.3, as it stands there.
TENANT_BEFORE_AUTHORIZATION = """E03 E04 E06 E07 E08 E09 E11 E12 E16 E17 E19 E21 E22 E26 E27 E37 E38 E40 E41 E42 E43 E44
    E15 E18 E20 E23 E24 E25 E28 E29 E33 E34 E35 E36 E39 E32"""
MISMATCH_FIRST = "E15 E18 E20 E23 E24 E25 E28 E29 E33 E34 E35 E36 E39"
AUTHORIZATION_FIRST = "E13 E14"
NO_AUTHORIZATION = "E05"
NOTHING = "E01 E02 E10 E30 E31"


def code(endpoint: Endpoint) -> str:
    """Return an endpoint's number for pytest's lists."""
    return endpoint.code


# The matrix.


def template(endpoint: Endpoint) -> str:
    """Return method and path with the names of the parameters, as the contract's headings have them."""
    names = {"E11": "{seqno}", "E21": "{id}", "E26": "{id}", "E37": "{id}", "E32": "{tenant}"}
    names |= {"E16": "{tms_user_id}", "E19": "{tms_user_id}", "E42": "{resid}", "E43": "{resid}", "E44": "{resid}"}
    path = endpoint.path
    if endpoint.code in names:
        path = f"{path.rpartition('/')[0]}/{names[endpoint.code]}"
    return f"{endpoint.method} {path}"


def test_the_matrix():
    """Each of the 44 endpoints has the checks that the contract gives it, in that order."""
    found = {
        f"{operation.method} {operation.path}": " ".join(check.__name__ for check in operation.gate.checks)
        for operation in OPERATIONS
    }
    for endpoint, words in found.items():
        print(f"{endpoint:58} {words}")
    assert found == {template(endpoint): WORDS[endpoint.gate] for endpoint in ENDPOINTS}
    assert len(found) == 44


def test_the_order_of_tenant_and_authorization():
    """The table above agrees with section 5.3, which sorts the endpoints by where the tenant check stands."""
    words = {endpoint.code: WORDS[endpoint.gate].split() for endpoint in ENDPOINTS}
    placed: dict[str, set[str]] = {"before": set(), "after": set(), "alone": set(), "mismatch": set(), "nothing": set()}
    for number, checks in words.items():
        tenant = next((index for index, word in enumerate(checks) if word.endswith("tenant_enabled")), None)
        authorized = next((index for index, word in enumerate(checks) if word.endswith("_authorized")), None)
        if tenant is None:
            placed["nothing"].add(number)
        elif authorized is None:
            placed["alone"].add(number)
        else:
            placed["before" if tenant < authorized else "after"].add(number)
        if "same_tenant" in checks and checks.index("same_tenant") < tenant:
            placed["mismatch"].add(number)
    assert {name: sorted(numbers) for name, numbers in placed.items()} == {
        "before": sorted(TENANT_BEFORE_AUTHORIZATION.split()),
        "after": AUTHORIZATION_FIRST.split(),
        "alone": NO_AUTHORIZATION.split(),
        "mismatch": MISMATCH_FIRST.split(),
        "nothing": NOTHING.split(),
    }


# The ladders: on each rung everything is wrong from its check on.


@dataclass(frozen=True)
class Rung:
    """A request's headers, the tenant and client that it names, and the answer; None for the endpoint's 401 or 403."""

    headers: dict[str, str]
    tenant: str
    client_id: str
    status: int
    answer: tuple[int, dict[str, str]] | None = None


LADDERS = {
    "admin": [
        Rung({}, "", "", 400, NO_TENANT),
        Rung(NOWHERE, "nowhere", "", 400, NOT_ENABLED),
        Rung({**TEST, **CLIENT, **BAD_ADMIN}, "test", "", 401),
    ],
    "admin_of": [
        Rung({}, "elsewhere", "other", 400, NO_TENANT),
        Rung(NOWHERE, "elsewhere", "other", 403, mismatch("nowhere", "elsewhere")),
        Rung(NOWHERE, "nowhere", "other", 400, NOT_ENABLED),
        Rung({**TEST, **CLIENT, **BAD_ADMIN}, "test", "other", 401),
    ],
    "owner": [
        Rung({}, "", "", 400, NO_CLIENT),
        Rung({CLIENT_ID: "other"}, "", "other", 400, NO_TENANT),
        Rung({**NOWHERE, **BAD_CLIENT}, "nowhere", "testclient1", 400, NOT_ENABLED),
        Rung({**TEST, **BAD_CLIENT, **ADMIN}, "test", "testclient1", 401),
    ],
    "owner_or_admin": [
        Rung({}, "", "", 400, NO_TENANT),
        Rung(NOWHERE, "nowhere", "", 400, NOT_ENABLED),
        Rung({**TEST, **BAD_CLIENT, **BAD_ADMIN}, "test", "", 401),
    ],
    "owner_or_admin_of": [
        Rung({}, "", "other", 400, NO_TENANT),
        Rung(NOWHERE, "nowhere", "other", 400, NOT_ENABLED),
        Rung({**TEST, **BAD_CLIENT, **BAD_ADMIN}, "test", "other", 401),
        Rung({**TEST, **CLIENT}, "test", "other", 403),
    ],
    "E13": [
        Rung({}, "nowhere", "other", 401),
        Rung({**TEST, **CLIENT}, "nowhere", "other", 403),
        Rung({**TEST, **CLIENT}, "test", "other", 403),
        Rung({**TEST, **ADMIN}, "nowhere", "other", 403),
    ],
    "E14": [
        Rung({}, "nowhere", "other", 400, NO_TENANT),
        Rung({**NOWHERE, **CLIENT}, "elsewhere", "other", 401),
        Rung({**TEST, **CLIENT}, "nowhere", "other", 403),
        Rung({**TEST, **CLIENT}, "test", "other", 403),
        Rung({**TEST, **ADMIN}, "nowhere", "other", 403),
    ],
    "E32": [
        Rung({}, "", "", 400, NO_TENANT),
        Rung(NOWHERE, "", "", 403, envelope(
            403, "ERROR: FORBIDDEN - Only admin users in the 'default' tenant can create new tenants.")),
        Rung({TENANT: "default", **CLIENT, **BAD_ADMIN}, "", "", 401),
    ],
}  # fmt: skip
TOP = {
    "admin": {**TEST, **ADMIN},
    "admin_of": {**TEST, **ADMIN},
    "owner": {**TEST, **CLIENT},
    "owner_or_admin": {**TEST, **BAD_CLIENT, **ADMIN},
    "owner_or_admin_of": {**TEST, **BAD_CLIENT, **ADMIN},
    "E13": {**TEST, **ADMIN},
    "E14": {**TEST, **ADMIN},
    "E32": {TENANT: "default", **ADMIN},
    "none": {},
    "E05": {},
}


def request(endpoint: Endpoint, headers: dict[str, str], tenant: str, client_id: str) -> httpx.Request:
    """Return the endpoint's request with these names in its path and body."""
    names = {"tenant": tenant, "client_id": client_id}
    body = {name: value.format(**names) if isinstance(value, str) else value for name, value in endpoint.body.items()}
    path = endpoint.path.format(**names)
    return httpx.Request(endpoint.method, f"http://standin{path}", headers=headers, json=body if body else None)


def wanted(endpoint: Endpoint, rung: Rung) -> tuple[int, dict[str, str]]:
    """Return the answer of a rung; the endpoint's own sentence has the names of the request in it."""
    sentence = endpoint.deny if rung.status == 401 else endpoint.differ
    return rung.answer or envelope(rung.status, sentence.format(tenant=rung.tenant, client_id=rung.client_id))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server for this module alone, because the top rungs of the ladders change it."""
    with running(tmp_path_factory.mktemp("gates"), **STANDARD) as server:
        yield server


@pytest.fixture(scope="module")
def web() -> Iterator[httpx.Client]:
    """A client that keeps its connection."""
    with httpx.Client() as client:
        yield client


def send(web: httpx.Client, server: Server, made: httpx.Request) -> tuple[int, Any]:
    """Send a request to the server and return status and decoded body."""
    made.url = made.url.copy_with(host="127.0.0.1", port=server.port)
    made.headers["host"] = f"127.0.0.1:{server.port}"
    return decoded(web.send(made))


@pytest.mark.parametrize("endpoint", GATED, ids=code)
def test_the_ladder_of_refusals(web, guarded, endpoint):
    """On each rung the first wrong thing is told, though all that comes after it is wrong as well; nothing changes."""
    before = content(guarded.database_path)
    rungs = LADDERS[endpoint.gate]
    made = [request(endpoint, rung.headers, rung.tenant, rung.client_id) for rung in rungs]
    assert [send(web, guarded, one) for one in made] == [wanted(endpoint, rung) for rung in rungs]
    assert content(guarded.database_path) == before


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.body], ids=code)
def test_below_the_first_rung_stands_the_body(web, guarded, endpoint):
    """Without any header it is the body that is refused first, then its content type."""
    made = [
        httpx.Request(endpoint.method, f"http://standin{endpoint.path}", content=b"{", headers=headers)
        for headers in ({"Content-Type": "application/json"}, {})
    ]
    assert [send(web, guarded, one) for one in made] == [
        (400, "parse request payload error: EOF while parsing an object at line 1 column 1"),
        (415, "the client request does not include the `Content-Type` header"),
    ]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=code)
def test_the_top_of_the_ladder(web, guarded, endpoint):
    """With everything right the checks let the request through to the endpoint's own work."""
    status, _ = send(web, guarded, request(endpoint, TOP[endpoint.gate], "test", "other"))
    assert status == endpoint.accepted


async def test_a_disabled_tenant(client_for: ClientFor):
    """Even with the right credentials every endpoint that checks the tenant says only that it is not enabled."""
    client = await client_for(enable_test_tenant=False)
    checked = [endpoint for endpoint in ENDPOINTS if endpoint.gate not in ("none", "E32")]
    made = [request(endpoint, {**TEST, **CLIENT, **ADMIN}, "test", "testclient1") for endpoint in checked]
    answers = {one.code: decoded(await client.send(each)) for one, each in zip(checked, made, strict=True)}
    assert answers == {one.code: NOT_ENABLED for one in checked}


async def test_a_disabled_tenant_where_authorization_comes_first(client_for: ClientFor):
    """E13 and E14 refuse wrong credentials and a wrong client before they look at the tenant."""
    client = await client_for(enable_test_tenant=False)
    for endpoint in (BY_CODE["E13"], BY_CODE["E14"]):
        names = {"tenant": "test", "client_id": "other"}
        denied = await client.send(request(endpoint, {**TEST, **BAD_CLIENT}, **names))
        assert decoded(denied) == envelope(401, endpoint.deny.format(**names))
        differs = await client.send(request(endpoint, {**TEST, **CLIENT}, **names))
        assert decoded(differs) == envelope(403, endpoint.differ.format(**names))


async def test_a_disabled_default_tenant(client_for: ClientFor):
    """E32 looks at the tenant before it looks at the credentials, and after it has asked for `default`."""
    client = await client_for()
    headers = {TENANT: "default", **ADMIN}
    disabled = await client.patch("/v1/tms/tenants/upd", json={"tenant": "default", "enabled": False}, headers=headers)
    assert disabled.status_code == 200
    answers = [decoded(await client.post("/v1/tms/tenants/new", headers={TENANT: "default", **BAD_ADMIN}))]
    answers.append(decoded(await client.post("/v1/tms/tenants/new", headers=headers)))
    assert answers == [NOT_ENABLED, NOT_ENABLED]
    assert (await client.get("/v1/tms/tenants/new")).status_code == 404


@pytest.mark.parametrize("closed", [{"new_clients": "disallow"}, {"enable_mvp": True}])
async def test_the_ladder_of_client_creation(client_for: ClientFor, closed):
    """E05: the tenant, then whether clients may be made, then the version in the parser's bare words."""
    body = {"client_id": "new", "tenant": "nowhere", "app_name": "new", "app_version": "v1"}
    shut, open_ = await client_for(**closed), await client_for()
    answers = [
        decoded(await shut.post("/v1/tms/client", json=body)),
        decoded(await shut.post("/v1/tms/client", json={**body, "tenant": "test"})),
        decoded(await open_.post("/v1/tms/client", json=body)),
        decoded(await open_.post("/v1/tms/client", json={**body, "tenant": "test"})),
    ]
    version = envelope(400, "unexpected character 'v' while parsing major version number")
    assert answers == [NOT_ENABLED, DISALLOWED, NOT_ENABLED, version]
    for client in (shut, open_):
        assert (await client.get("/v1/tms/client/new", headers={**TEST, **ADMIN})).status_code == 404


# Headers.

GET_CLIENT = "/v1/tms/client/testclient1"
VIEW_DENIED = envelope(401, "ERROR: NOT AUTHORIZED to view client testclient1 in tenant test.")
C, S = "X-TMS-CLIENT-ID: testclient1", "X-TMS-CLIENT-SECRET: secret1"
A, P = "X-TMS-ADMIN-ID: ~~admin", f"X-TMS-ADMIN-SECRET: {ADMIN_SECRET}"
T = "X-TMS-TENANT: test"


def answered(
    server: Server, method: str, path: str, *lines: str, body: dict[str, Any] | None = None
) -> tuple[int, Any]:
    """Send header lines byte for byte and return status and decoded body."""
    raw = None if body is None else json.dumps(body).encode()
    typed = lines if body is None else (*lines, "Content-Type: application/json")
    answer = exchange(server.port, request_of(method, path, *typed, body=raw))
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize(
    "lines",
    [
        (T, C, S),
        (S, C, T),
        tuple(line.lower() for line in (T, C, S)),
        (T.replace("X-TMS-TENANT", "x-TMS-Tenant"), C.replace("X-TMS", "x-tms"), S),
        ("X-TMS-TENANT: \t test \t ", "X-TMS-CLIENT-ID:testclient1", "X-TMS-CLIENT-SECRET:\tsecret1 "),
        (T, "X-TMS-TENANT: nowhere", C, "X-TMS-CLIENT-ID: other", S, "X-TMS-CLIENT-SECRET: wrong"),
        (T, "X-TMS-TENANT:", C, S),
        (T, C, S, A, "X-TMS-ADMIN-SECRET: wrong"),
        (T, A, P),
        (T, C, "X-TMS-CLIENT-SECRET: wrong", A, P),
        (T, "X-TMS-CLIENT-ID:", "X-TMS-CLIENT-SECRET:", A, P),
        (T, "X-TMS-CLIENT-ID: \xe9", S, A, P),
    ],
)
def test_headers_that_are_good(server, lines):
    """Letter case, order and white space do not matter, the first of repeated headers counts, the admin stands in."""
    assert answered(server, "GET", GET_CLIENT, *lines)[0] == 200


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ((C, S), NO_TENANT),
        (("X_TMS_TENANT: test", C, S), NO_TENANT),
        (("X-TMS-TENANT:", C, S), NOT_ENABLED),
        (("X-TMS-TENANT: \t ", C, S), NOT_ENABLED),
        (("X-TMS-TENANT:", T, C, S), NOT_ENABLED),
        (("X-TMS-TENANT: nowhere", T, C, S), NOT_ENABLED),
        (("X-TMS-TENANT: test, nowhere", C, S), NOT_ENABLED),
        (("X-TMS-TENANT: TEST", C, S), NOT_ENABLED),
        (("X-TMS-TENANT: t\xe9st", C, S), BAD_TENANT),
        (("X-TMS-TENANT: \xff", T, C, S), BAD_TENANT),
        ((T,), VIEW_DENIED),
        ((T, C), VIEW_DENIED),
        ((T, S), VIEW_DENIED),
        ((T, "X-TMS-CLIENT-ID:", S), VIEW_DENIED),
        ((T, "X-TMS-CLIENT-ID:", C, S), VIEW_DENIED),
        ((T, C, "X-TMS-CLIENT-SECRET:"), VIEW_DENIED),
        ((T, C, "X-TMS-CLIENT-SECRET:", S), VIEW_DENIED),
        ((T, C, "X-TMS-CLIENT-SECRET: wrong", S), VIEW_DENIED),
        ((T, C, "X-TMS-CLIENT-SECRET: SECRET1"), VIEW_DENIED),
        ((T, "X-TMS-CLIENT-ID: TestClient1", S), VIEW_DENIED),
        ((T, "X-TMS-CLIENT-ID: testclient1\xe9", S), VIEW_DENIED),
        ((T, C, "X-TMS-CLIENT-SECRET: secret1\xe9"), VIEW_DENIED),
        ((T, A), VIEW_DENIED),
        ((T, P), VIEW_DENIED),
        ((T, "X-TMS-ADMIN-ID:", P), VIEW_DENIED),
        ((T, A, "X-TMS-ADMIN-SECRET:", P), VIEW_DENIED),
        ((T, A, "X-TMS-ADMIN-SECRET: wrong", P), VIEW_DENIED),
        ((T, "X-TMS-ADMIN-ID: ~~\xe9", P), VIEW_DENIED),
        ((T, A, "X-TMS-ADMIN-SECRET: \xe9"), VIEW_DENIED),
        ((T, "X-TMS-ADMIN-ID: testclient1", "X-TMS-ADMIN-SECRET: secret1"), VIEW_DENIED),
        ((T, "X-TMS-CLIENT-ID: ~~admin", f"X-TMS-CLIENT-SECRET: {ADMIN_SECRET}"), VIEW_DENIED),
    ],
)
def test_headers_that_are_not(server, lines, answer):
    """Absent, unusable and empty are told apart for the tenant alone; all else ends in the endpoint's 401."""
    assert answered(server, "GET", GET_CLIENT, *lines) == answer


def test_the_client_header_where_it_is_required(server):
    """E09 names the client header when it is absent or unusable; an empty one goes on to the next checks."""
    body = {**_NEW_KEY, **_TTL}
    unusable = "Invalid string assigned to header X-TMS-CLIENT-ID: failed to convert header to a str"
    denied = "ERROR: NOT AUTHORIZED Credential mismatch for client {} in tenant test."
    answers = [
        answered(server, "POST", "/v1/tms/pubkeys/creds", *lines, body=body)
        for lines in (
            (T, S),
            (T, "X-TMS-CLIENT-ID: \xe9", S),
            ("X-TMS-TENANT: \xe9", "X-TMS-CLIENT-ID: \xe9", S),
            ("X-TMS-TENANT: \xe9", C, S),
            (T, "X-TMS-CLIENT-ID:", S),
            (T, "X-TMS-CLIENT-ID:", C, S),
            (T, C, A, P),
        )
    ]
    assert answers == [
        NO_CLIENT,
        envelope(400, unusable),
        envelope(400, unusable),
        BAD_TENANT,
        envelope(401, denied.format("")),
        envelope(401, denied.format("")),
        envelope(401, denied.format("testclient1")),
    ]


@pytest.mark.parametrize(
    ("number", "line", "answer"),
    [
        ("E15", "X-TMS-TENANT:", mismatch("", "test")),
        ("E15", "X-TMS-TENANT: \xe9", BAD_TENANT),
        ("E13", "X-TMS-TENANT:", envelope(401, BY_CODE["E13"].deny.format(client_id="testclient1", tenant="test"))),
        ("E13", "X-TMS-TENANT: \xe9", envelope(401, BY_CODE["E13"].deny.format(client_id="testclient1", tenant="test"))),
        ("E14", "X-TMS-TENANT:", envelope(401, BY_CODE["E14"].deny.format(client_id="testclient1", tenant="test"))),
        ("E14", "X-TMS-TENANT: \xe9", BAD_TENANT),
        ("E32", "X-TMS-TENANT:", envelope(
            403, "ERROR: FORBIDDEN - Only admin users in the 'default' tenant can create new tenants.")),
    ],
)  # fmt: skip
def test_the_tenant_header_elsewhere(server, number, line, answer):
    """An empty tenant is a mismatch where that is checked first, a 401 where authorization is; so is one that is no text."""
    endpoint = BY_CODE[number]
    names = {"tenant": "test", "client_id": "testclient1"}
    body = {name: value.format(**names) if isinstance(value, str) else value for name, value in endpoint.body.items()}
    assert answered(server, endpoint.method, endpoint.path, line, C, S, A, P, body=body or None) == answer


def test_both_credentials(server):
    """Who sends both good ones is the client: another client is forbidden to it, though an admin may see any."""
    other = "/v1/tms/client/other"
    differs = _PATH_DIFFERS.format(client_id="other", tenant="test")
    assert answered(server, "GET", other, T, C, S, A, P) == envelope(403, differs)
    assert answered(server, "GET", other, T, A, P) == envelope(404, "NOT_FOUND")
    assert answered(server, "GET", other, T, C, "X-TMS-CLIENT-SECRET: wrong", A, P) == envelope(404, "NOT_FOUND")


@pytest.mark.parametrize("client_id", [" padded", "padded ", "\ttab", "é", ""])
async def test_ids_that_can_never_authenticate(client, client_id):
    """Spaces at either end are cut off the header, and what is not ASCII or empty is not usable at all."""
    body = {"client_id": client_id, "tenant": "test", "app_name": f"of{client_id}", "app_version": "1"}
    made = await client.post("/v1/tms/client", json=body)
    headers = {**TEST, CLIENT_ID: client_id.encode(), CLIENT_SECRET: made.json()["client_secret"]}
    answer = await client.get("/v1/tms/client/list", headers=headers)
    assert decoded(answer) == envelope(401, "ERROR: NOT AUTHORIZED to list clients in tenant test.")


async def test_a_disabled_client_is_refused_in_strict_mode_alone(client_for: ClientFor):
    """The real server does not look at the client's state (S3)."""
    answers = []
    for strict in (False, True):
        client = await client_for(strict=strict)
        disabled = await client.patch("/v1/tms/client/upd/testclient1?enabled=false", headers={**TEST, **ADMIN})
        assert disabled.status_code == 200
        answers.append((await client.get(GET_CLIENT, headers={**TEST, **CLIENT})).status_code)
        assert (await client.get(GET_CLIENT, headers={**TEST, **CLIENT, **ADMIN})).status_code == 200
    assert answers == [200, 401]


async def test_secrets_are_compared_in_constant_time(client, monkeypatch):
    """What decides is hmac's comparison of the two hashes, for clients and administrators."""
    compared, compare = [], hmac.compare_digest

    def noting(left: str, right: str) -> bool:
        compared.append((len(left), len(right)))
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    statuses = [
        (await client.get(GET_CLIENT, headers={**TEST, **headers})).status_code
        for headers in (CLIENT, BAD_CLIENT, ADMIN, BAD_ADMIN)
    ]
    assert (statuses, compared) == ([200, 401, 200, 401], [(128, 128)] * 4)


# Trouble with the database (D9).


def drop(path: Any, table: str) -> None:
    """Drop a table behind the server's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"DROP TABLE {table}")


@pytest.mark.parametrize(
    ("table", "headers", "method", "path", "body", "answer"),
    [
        ("tenants", {**TEST, **ADMIN}, "GET", GET_CLIENT, None, NOT_ENABLED),
        ("tenants", {}, "POST", "/v1/tms/client",
         {"client_id": "new", "tenant": "test", "app_name": "new", "app_version": "1"}, NOT_ENABLED),
        ("clients", {**TEST, **CLIENT}, "GET", GET_CLIENT, None, VIEW_DENIED),
        ("admin", {**TEST, **ADMIN}, "GET", GET_CLIENT, None, VIEW_DENIED),
        ("clients", {**TEST, **CLIENT}, "POST", "/v1/tms/pubkeys/creds", {**_NEW_KEY, **_TTL},
         envelope(401, _CREDENTIALS.format(client_id="testclient1", tenant="test"))),
        ("user_mfa", {**TEST, **CLIENT}, "POST", "/v1/tms/pubkeys/creds", {**_NEW_KEY, **_TTL},
         envelope(403, "Missing or expired dependency: error returned from database: no such table: user_mfa")),
    ],
)  # fmt: skip
async def test_database_trouble_is_disguised(
    client_for: ClientFor, tmp_path, table, headers, method, path, body, answer
):
    """A table that is gone looks like a disabled tenant, wrong credentials, a missing dependency; never like itself."""
    client = await client_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    healthy = await client.request(method, path, headers=headers, json=body)
    drop(tmp_path / "tms.db", table)
    await asyncio.sleep(0)  # Without a server in between, both requests would be of one turn of the loop.
    assert decoded(await client.request(method, path, headers=headers, json=body)) == answer
    assert healthy.status_code in (200, 201)

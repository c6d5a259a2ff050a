"""A database that is away, as 0.3.0 shows it: 400, 401 and 403 by the step that asks first (contract D9, 2.0, 5.3)."""

import pytest

from tests.faults.conftest import CLIENT, CREATE_KEY, HELLO, KEY, VERSION, put_rules, told
from tests.oauth.driver import refused
from tests.seeded import ADMIN, CALLER

AWAY = "pool timed out while waiting for an open connection"
NOT_ENABLED = (400, "Tenant not enabled.")
NEW_CLIENT = {"client_id": "new", "tenant": "test", "app_name": "new", "app_version": "1.0"}
USER = {"tms_user_id": "new", "tenant": "test", "ttl_minutes": 1}
RETRIEVE = {
    "user": "testhostaccount1",
    "user_uid": "1",
    "host": "testhost1",
    "public_key_fingerprint": "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw",
    "key_type": "ed25519",
}
RESERVATION = {
    "client_user_id": "testuser1",
    "host": "testhost1",
    "public_key_fingerprint": RETRIEVE["public_key_fingerprint"],
    "ttl_minutes": 1,
}
EXTENSION = {key: value for key, value in RESERVATION.items() if key != "ttl_minutes"} | {"parent_resid": "x"}


async def asked(standin, method, path, headers=None, body=None):
    """Return status and message of a request."""
    return told(await standin.http.request(method, f"/v1/tms/{path}", headers=headers, json=body))


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "message"),
    [
        ("GET", "client/testclient1", CALLER, None, *NOT_ENABLED),
        ("GET", "client/list", ADMIN, None, *NOT_ENABLED),
        ("POST", "pubkeys/creds", CALLER, KEY, *NOT_ENABLED),
        ("POST", "reservations", CALLER, RESERVATION, *NOT_ENABLED),
        ("POST", "client", {}, NEW_CLIENT, *NOT_ENABLED),
        ("GET", "usermfa/testuser1", ADMIN, None, *NOT_ENABLED),
        ("GET", "tenants/test", {}, None, 500, f"ERROR: {AWAY}"),
        ("POST", "pubkeys/creds/retrieve", {}, RETRIEVE, 500, f"ERROR: {AWAY}"),
    ],
)
async def test_the_first_question_fails(standin, method, path, headers, body, status, message):
    """The tenant check hides it, and where there is none it is shown (D9; 2.0, DB)."""
    await put_rules(standin, {"do": {"database_down": True}})
    assert await asked(standin, method, path, headers, body) == (status, message)


@pytest.mark.parametrize("down", [True, "authorization"])
@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("DELETE", "pubkeys/del", "ERROR: NOT AUTHORIZED to delete public key testclient1 in tenant test."),
        ("PATCH", "pubkeys", "ERROR NOT AUTHORIZED to update client testclient1 in tenant test."),
    ],
)
async def test_where_authorization_comes_first(standin, down, method, path, message):
    """E13 and E14 ask for the tenant last, so they answer 401 (contract 5.3)."""
    await put_rules(standin, {"do": {"database_down": down}})
    fingerprint = RETRIEVE["public_key_fingerprint"]
    body = {"client_id": "testclient1", "tenant": "test", "host": "testhost1", "public_key_fingerprint": fingerprint}
    assert await asked(standin, method, path, CALLER, body) == (401, message)


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "message"),
    [
        ("POST", "pubkeys/creds", CALLER, KEY, "Credential mismatch for client testclient1 in tenant test."),
        ("GET", "client/testclient1", CALLER, None, "to view client testclient1 in tenant test."),
        ("GET", "client/testclient1", ADMIN, None, "to view client testclient1 in tenant test."),
    ],
)
async def test_authorization_fails(standin, method, path, headers, body, message):
    """The sentence that a load test saw (D9), with the right secret."""
    await put_rules(standin, {"do": {"database_down": "authorization"}})
    assert await asked(standin, method, path, headers, body) == (401, f"ERROR: NOT AUTHORIZED {message}")
    assert await asked(standin, "GET", "client/x", {**CALLER, "X-TMS-TENANT": "nowhere"}) == NOT_ENABLED


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "message"),
    [
        ("POST", "pubkeys/creds", CALLER, KEY, 403, f"Missing or expired dependency: {AWAY}"),
        ("POST", "reservations/extend", CALLER, EXTENSION, 403, f"Missing or expired dependency: {AWAY}"),
        ("GET", "client/testclient1", CALLER, None, 500, f"ERROR: {AWAY}"),
        ("GET", "client/list", ADMIN, None, 500, f"ERROR: {AWAY}"),
        ("POST", "client", {}, NEW_CLIENT, 500, f"ERROR: {AWAY}"),
        ("POST", "usermfa", ADMIN, USER, 500, f"ERROR: {AWAY}"),
    ],
)
async def test_what_comes_behind_the_checks_fails(standin, method, path, headers, body, status, message):
    """Dependency checks hide it in a 403 (D9), the rest shows it."""
    await put_rules(standin, {"do": {"database_down": "dependencies"}})
    assert await asked(standin, method, path, headers, body) == (status, message)


async def test_mvp_mode_fails_at_its_own_place(standin):
    """What it creates on demand cannot be created (contract 1.11)."""
    await standin.http.patch("/_standin/settings", json={"enable_mvp": True})
    await put_rules(standin, {"do": {"database_down": "dependencies"}})
    expected = (500, f"MVP ERROR: Unable to create MVP dependencies: {AWAY}")
    assert await asked(standin, "POST", "pubkeys/creds", CALLER, {**KEY, "client_user_id": "new"}) == expected


@pytest.mark.parametrize("down", [True, "authorization", "dependencies"])
async def test_checks_before_the_database_stay(standin, down):
    """A request that is wrong by itself is told so."""
    await put_rules(standin, {"do": {"database_down": down}})
    assert await asked(standin, "GET", "client/testclient1", {}) == (
        400,
        "Required 'X-TMS-TENANT' HTTP header not found",
    )
    assert (await standin.http.post(CREATE_KEY, headers=CALLER, content=b"{}")).status_code == 415


async def test_what_asks_no_database_answers(standin):
    """And whatever is no endpoint."""
    await put_rules(standin, {"do": {"database_down": True}})
    for path in (HELLO, VERSION, "/.well-known/openid-configuration", "/v3/oauth2/hello", "/spec"):
        assert (await standin.http.get(path)).status_code == 200


async def test_nothing_is_written_and_all_is_back(standin):
    """Neither rows nor cached answers suffer."""
    before = (await standin.http.get(CLIENT, headers=CALLER)).json()
    rows = await standin.rows()
    await put_rules(standin, {"do": {"database_down": "dependencies"}})
    assert await asked(standin, "POST", "client", {}, NEW_CLIENT) == (500, f"ERROR: {AWAY}")
    await standin.http.delete("/_standin/faults")
    assert (await standin.http.get(CLIENT, headers=CALLER)).json() == before
    assert (await standin.http.get("/v1/tms/client/new", headers=ADMIN)).status_code == 404
    assert await standin.rows() == rows
    assert (await standin.http.post(CREATE_KEY, headers=CALLER, json=KEY)).status_code == 201


async def test_the_authorization_server_says_503(standin):
    """JSON of the protocol's, to be tried again."""
    tokens = await standin.tokens()
    await put_rules(standin, {"do": {"database_down": True}})
    for answer in (
        await standin.post("/oauth2/device_authorization", client_id="device-public"),
        await standin.refresh(tokens),
        await standin.http.get("/oauth2/jwks"),
    ):
        refused(answer, 503, "temporarily_unavailable")


async def test_tapis_says_503(standin):
    """In its envelope."""
    await put_rules(standin, {"do": {"database_down": True}})
    body = {"grant_type": "password", "username": "testuser1", "password": "password1"}
    for answer in (await standin.http.post("/v3/oauth2/tokens", json=body), await standin.http.get("/v3/oauth2/jwks")):
        assert (answer.status_code, answer.json()["status"]) == (503, "error")

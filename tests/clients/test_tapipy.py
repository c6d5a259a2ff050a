"""tapipy, unmodified, does all that contract tapis 5.2 lists, against a real server whose clock can be moved."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from tests.clients.drive import APPROVE, DENY, EXPIRE, LONGEST_WAIT
from tests.clients.moved import moved, put_ahead
from tests.clients.tapipy_process import Client, Tapipy, TapipyError, tapipy_process
from tests.servers import STANDARD, Server

LOGIN = {"username": "testuser1", "password": "password1"}
KEYS = {"client_id": "mycid", "client_key": "mykey"}
TENANT = "dev"
HELLO = {"message": "Hello from Tapis", "metadata": {}, "result": "", "status": "success", "version": "26Q1.0"}
NOT_READY = ("BadRequestError", "message: device code not ready.")
NOT_VALID = ("BadRequestError", "message: device code not valid.")
EXPIRED = ("BadRequestError", "message: device code has expired and is now deleted.")
ALLOWED = "Allowable grant types: ['password', 'implicit', 'authorization_code', 'refresh_token', 'device_code']"
INVALID = ("BadRequestError", "message: Invalid Tapis token.")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the client of the contract's own run, and a second tenant."""
    mycid = {"client_id": KEYS["client_id"], "client_secret": KEYS["client_key"]}
    other = {"tenant_id": "other", "users": [{"username": "ann", "password": "secret"}]}
    folder = tmp_path_factory.mktemp("tapipy")
    with moved(folder, oauth__clients=[mycid], tapis__tenants=[other], **STANDARD) as server:
        yield server


@pytest.fixture
def tapipy() -> Iterator[Tapipy]:
    """Run tapipy in a process of this test's own."""
    with tapipy_process() as process:
        yield process


@pytest.fixture
def ahead(server: Server, tapipy: Tapipy) -> Iterator[Any]:
    """Return a function that puts the clocks of both sides ahead; they are right again afterwards."""

    def put_both_ahead(seconds: float) -> None:
        put_ahead(server, seconds)
        tapipy.put_ahead(seconds)

    yield put_both_ahead
    put_ahead(server, 0)


@pytest.fixture
def tapis(tapipy: Tapipy, server: Server) -> Client:
    """Return a client with a user's name and password."""
    return tapipy.client("t", base_url=server.url, **LOGIN)


def refused(client: Client, method: str, **arguments: Any) -> tuple[str, str]:
    """Return class and text of the exception that a call ends with."""
    with pytest.raises(TapipyError) as caught:
        client.call(method, **arguments)
    return caught.value.kind, caught.value.message


def sent(tapipy: Tapipy) -> list[tuple[str, str, str | None, bool, str | None, int]]:
    """Return method, path, body, whether there was a token, the Authorization header and the status of each request."""
    return [
        (
            request["method"],
            request["path"].removeprefix("/v3/"),
            request["body"],
            "x-tapis-token" in request["headers"],
            request["headers"].get("authorization"),
            request["status"],
        )
        for request in tapipy.requests
    ]


def logged(server: Server, since: int, lines: int) -> list[str]:
    """Return method, path and status of the requests to Tapis in a server's log, as soon as there are so many."""
    give_up = time.monotonic() + LONGEST_WAIT
    while True:
        words = (line.split(" ") for line in server.log()[since:].splitlines())
        found = [" ".join(line[1:4]) for line in words if len(line) == 5 and line[2].startswith("/v3/")]
        if len(found) >= lines or time.monotonic() > give_up:
            return found
        time.sleep(0.02)


def test_all_that_the_contract_lists_in_its_order(tapipy, server):
    """Constructor, password grant, device code, a pending poll and everything else of the authenticator (5.2)."""
    since = len(server.log())
    tapis = tapipy.client("t", base_url=server.url, **LOGIN)
    assert tapis.read("tenant_id") == TENANT
    tapis.call("get_tokens")
    token = tapis.read("access_token")
    asked = tapis.call("authenticator.generate_device_code", client_id="mycid")
    poll = {"client_id": "mycid", "grant_type": "device_code", "device_code": asked["device_code"]}

    assert refused(tapis, "authenticator.create_token", **poll) == NOT_READY
    assert [tapis.call("authenticator.hello") for _ in range(2)] == [HELLO, HELLO]
    assert tapis.call("authenticator.get_userinfo")["username"] == "testuser1"
    assert tapis.call("authenticator.list_clients") == []
    made = tapis.call("authenticator.create_client", client_id="x1")
    assert (made["client_id"], made["owner"], made["tenant_id"], made["active"]) == ("x1", "testuser1", TENANT, True)
    metadata = tapis.call("authenticator.get_server_metadata")
    assert metadata["issuer"] == f"{server.url}/v3/oauth2"
    assert tapis.call("apps.healthCheck").startswith("Health check received. Count: ")
    revoked = tapis.call("authenticator.revoke_token", token=token["access_token"])
    assert revoked == {**HELLO, "message": f"Token {token['jti']} has been revoked."}

    second = tapipy.client("second", base_url=server.url, **LOGIN, **KEYS)
    second.call("get_tokens")
    refresh_token = second.read("refresh_token.refresh_token")
    second.call("refresh_tokens")

    basic = f"Basic {base64.b64encode(b'mycid:mykey').decode()}"
    password = json.dumps({**LOGIN, "grant_type": "password"})
    expected = [
        ("GET", "sites", None, False, None, 200),
        ("GET", "tenants", None, False, None, 200),
        ("POST", "oauth2/tokens", password, False, None, 200),
        ("POST", "oauth2/device/code", '{"client_id": "mycid"}', True, None, 200),
        ("POST", "oauth2/tokens", json.dumps(poll), True, None, 400),
        ("GET", "oauth2/hello", None, True, None, 200),
        ("GET", "oauth2/hello", None, True, None, 200),
        ("GET", "oauth2/userinfo", None, True, None, 200),
        ("GET", "oauth2/clients", None, True, None, 200),
        ("POST", "oauth2/clients", '{"client_id": "x1"}', True, None, 200),
        ("GET", "oauth2/.well-known/oauth-authorization-server", None, True, None, 200),
        ("GET", "apps/healthcheck", None, True, None, 200),
        ("POST", "oauth2/tokens/revoke", json.dumps({"token": token["access_token"]}), True, None, 200),
        ("GET", "sites", None, False, None, 200),
        ("GET", "tenants", None, False, None, 200),
        ("POST", "oauth2/tokens", password, False, basic, 200),
        (
            "POST",
            "oauth2/tokens",
            json.dumps({"grant_type": "refresh_token", "refresh_token": refresh_token}),
            True,
            basic,
            200,
        ),
    ]
    assert sent(tapipy) == expected
    assert logged(server, since, len(expected)) == [
        f"{method} /v3/{path} {status}" for method, path, _, _, _, status in expected
    ]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_device_flow_of_a_client_that_has_logged_in(tapipy, server, control, host):
    """The very lines of the issue; its token is good for 30 days and opens a client of its own."""
    base_url = f"http://{host}:{server.port}"
    tapis = tapipy.client("t", base_url=base_url, **LOGIN)
    tapis.call("get_tokens")
    asked = tapis.call("authenticator.generate_device_code", client_id="tapis_cli")
    assert asked["verification_uri"] == f"{base_url}/v3/oauth2/device?client_id=tapis_cli"
    poll = {"grant_type": "device_code", "client_id": "tapis_cli", "device_code": asked["device_code"]}
    assert refused(tapis, "authenticator.create_token", **poll) == NOT_READY

    control.decide(asked["user_code"], APPROVE)
    tokens = tapis.call("authenticator.create_token", **poll)

    assert (tokens["access_token"]["expires_in"], tokens["refresh_token"]["expires_in"]) == (2_592_000, 31_536_000)
    given = tapipy.client("given", base_url=base_url, jwt=tokens["access_token"]["access_token"])
    assert given.call("authenticator.get_userinfo")["username"] == "testuser1"
    assert sent(tapipy)[-3:] == [
        ("GET", "sites", None, True, None, 200),
        ("GET", "tenants", None, True, None, 200),
        ("GET", "oauth2/userinfo", None, True, None, 200),
    ]
    assert refused(tapis, "authenticator.create_token", **poll) == NOT_VALID


def test_a_device_flow_without_a_login(tapipy, server, control):
    """A client that knows nothing but the base URL, denied: the service has no word for that of its own (4.2)."""
    tapis = tapipy.client("t", base_url=server.url)
    asked = tapis.call("authenticator.generate_device_code", client_id="tapis_cli")
    poll = {"grant_type": "device_code", "client_id": "tapis_cli", "device_code": asked["device_code"]}

    control.decide(asked["user_code"], DENY)

    assert refused(tapis, "authenticator.create_token", **poll) == NOT_VALID
    assert [token for *_, token, _, _ in sent(tapipy)] == [False] * 4


def test_a_consent_that_comes_to_nothing(tapis, control, ahead):
    """A redeemable code ends 6 seconds after its 10 minutes, is told so once, and is gone then (4.2)."""
    asked = tapis.call("authenticator.generate_device_code", client_id="tapis_cli")
    poll = {"grant_type": "device_code", "client_id": "tapis_cli", "device_code": asked["device_code"]}
    control.decide(asked["user_code"], APPROVE)

    ahead(610)

    assert [refused(tapis, "authenticator.create_token", **poll) for _ in range(2)] == [EXPIRED, NOT_VALID]


def test_the_trap_of_a_code_that_nobody_enters(tapis, server, control):
    """It is not ready for ever, as on the real service, and the log says so."""
    asked = tapis.call("authenticator.generate_device_code", client_id="tapis_cli")
    poll = {"grant_type": "device_code", "client_id": "tapis_cli", "device_code": asked["device_code"]}

    control.decide(asked["user_code"], EXPIRE)

    assert [refused(tapis, "authenticator.create_token", **poll) for _ in range(3)] == [NOT_READY] * 3
    give_up = time.monotonic() + LONGEST_WAIT
    while "expired before anybody authorized it" not in server.log():
        assert time.monotonic() < give_up, server.log()
        time.sleep(0.02)


@pytest.mark.parametrize("remaining", [4, -60], ids=["4 seconds before", "a minute after"])
def test_it_refreshes_near_the_expiry(tapipy, server, ahead, remaining):
    """With less than 5 seconds to go the next call of anything refreshes first, by itself."""
    tapis = tapipy.client("t", base_url=server.url, **LOGIN, **KEYS)
    tapis.call("get_tokens")
    first = tapis.read("access_token")
    before = len(tapipy.requests)

    ahead(14_400 - remaining)
    profile = tapis.call("authenticator.get_userinfo")

    second = tapis.read("access_token")
    assert profile["username"] == "testuser1"
    assert [(path, status) for _, path, _, _, _, status in sent(tapipy)[before:]] == [
        ("oauth2/tokens", 200),
        ("oauth2/userinfo", 200),
    ]
    assert second["jti"] != first["jti"]
    assert [token["claims"]["tapis/refresh_count"] for token in (first, second)] == [0, 1]
    assert 14_390 < second["expires_in"] <= 14_400
    assert tapipy.requests[-1]["headers"]["x-tapis-token"] == second["access_token"]


def test_it_does_not_refresh_with_20_seconds_to_go(tapipy, server, ahead):
    """One call more with the old token, which is still good."""
    tapis = tapipy.client("t", base_url=server.url, **LOGIN, **KEYS)
    tapis.call("get_tokens")
    before = len(tapipy.requests)

    ahead(14_400 - 20)
    tapis.call("authenticator.get_userinfo")

    assert [path for _, path, *_ in sent(tapipy)[before:]] == ["oauth2/userinfo"]


def test_without_client_credentials_an_expired_token_is_refused(tapis, ahead):
    """There is no refresh token then, and the 400 reaches the caller."""
    tapis.call("get_tokens")
    assert tapis.read("refresh_token") is None

    ahead(14_401)

    assert refused(tapis, "authenticator.get_userinfo") == INVALID


def test_it_validates_tokens_by_the_published_key(tapipy, server):
    """Access and refresh token; a forged one and another tenant's are seen through."""
    tapis = tapipy.client("t", base_url=server.url, **LOGIN, **KEYS)
    tapis.call("get_tokens")
    access, refresh = tapis.read("access_token"), tapis.read("refresh_token")
    claims = {**jwt.decode(access["access_token"], options={"verify_signature": False}), "tapis/username": "root"}
    forged = jwt.encode(claims, "k" * 32)
    stranger = jwt.encode({**claims, "tapis/tenant_id": "nowhere"}, "k" * 32)

    assert tapis.call("validate_token", token=access["access_token"]) == access["claims"]
    assert tapis.call("validate_token", token=refresh["refresh_token"]) == refresh["claims"]
    assert access["claims"]["iss"] == f"{server.url}/v3/tokens"
    assert refresh["claims"]["tapis/access_token"]["tapis/username"] == "testuser1"
    assert refused(tapis, "validate_token", token=forged) == (
        "TokenInvalidError",
        "message: Invalid Tapis token.",
    )
    assert refused(tapis, "validate_token", token=stranger)[0] == "TokenInvalidError"


def test_a_revoked_token(tapis):
    """It is refused from the next call on (2.5); to revoke it once more is no error."""
    tapis.call("get_tokens")
    token = tapis.read("access_token.access_token")
    told = [tapis.call("authenticator.revoke_token", token=token)["message"] for _ in range(2)]

    assert told == [f"Token {tapis.read('access_token.jti')} has been revoked."] * 2
    assert refused(tapis, "authenticator.get_userinfo") == INVALID


def test_a_revoked_refresh_token(tapipy, server):
    """The next refresh is refused."""
    tapis = tapipy.client("t", base_url=server.url, **LOGIN, **KEYS)
    tapis.call("get_tokens")
    tapis.call("authenticator.revoke_token", token=tapis.read("refresh_token.refresh_token"))

    assert refused(tapis, "refresh_tokens") == ("BadRequestError", "message: Invalid refresh_token.")


def test_errors_are_bad_requests_with_the_message(tapipy, server):
    """Callers catch BadRequestError; no text holds a key or a password."""
    wrong = tapipy.client("wrong", base_url=server.url, username="testuser1", password="hunter2")
    stranger = tapipy.client("stranger", base_url=server.url, **LOGIN, client_id="mycid", client_key="hunter2")
    anybody = tapipy.client("anybody", base_url=server.url)

    told = [
        refused(wrong, "get_tokens"),
        refused(stranger, "get_tokens"),
        refused(anybody, "authenticator.generate_device_code", client_id="nosuch"),
        refused(anybody, "authenticator.get_userinfo"),
        refused(anybody, "authenticator.create_token", grant_type="client_credentials"),
        refused(anybody, "tenants.get_tenant", tenant_id="nowhere"),
    ]

    assert told == [
        ("BadRequestError", f"message: {message}")
        for message in (
            "Invalid username/password combination.",
            "Invalid client credentials: mycid, ***. session: <SecureCookieSession {}>",
            "Invalid client: nosuch",
            "No Tapis access token found in the request.",
            f"Invalid grant_type (client_credentials); this grant type is not allowed for this tenant. {ALLOWED}",
            "No tenant found with tenant_id nowhere.",
        )
    ]
    assert "hunter2" not in server.log()


def test_what_is_missing_is_told_by_tapipy_itself(tapipy, server):
    """Nothing is sent for it."""
    tapis = tapipy.client("t", base_url=server.url)

    assert refused(tapis, "authenticator.generate_device_code") == (
        "InvalidInputError",
        "message: client_id is a required argument.",
    )
    assert len(tapipy.requests) == 2


def test_the_life_of_a_client(tapis):
    """Created, shown, updated, listed, deleted; then it is inactive, and no longer listed (2.6)."""
    tapis.call("get_tokens")
    made = tapis.call("authenticator.create_client", client_id="life", callback_url="http://127.0.0.1:9/")
    again = refused(tapis, "authenticator.create_client", client_id="life")
    changed = tapis.call("authenticator.update_client", client_id="life", display_name="Life")
    listed = [client["client_id"] for client in tapis.call("authenticator.list_clients")]
    ended = tapis.call("authenticator.delete_client", client_id="life")

    assert again[0] == "BadRequestError"
    assert again[1].endswith("Details: Key (client_id)=(life) already exists.")
    assert changed == {**made, "display_name": "Life"}
    assert "life" in listed
    assert ended == {**changed, "active": False}
    assert "life" not in [client["client_id"] for client in tapis.call("authenticator.list_clients")]
    assert tapis.call("authenticator.get_client", client_id="life") == ended


def test_profiles(tapis):
    """The users of the tenant, and one of them (2.7)."""
    tapis.call("get_tokens")

    names = [profile["username"] for profile in tapis.call("authenticator.list_profiles")]
    profile = tapis.call("authenticator.get_profile", username="testuser2")

    assert {"testuser1", "testuser2"} <= set(names)
    assert profile["username"] == "testuser2"


def test_another_tenant_by_its_path(tapipy, server):
    """It has users and keys of its own, and finds its base URL in the list of tenants."""
    base_url = f"{server.url}/tenants/other"
    ann = tapipy.client("ann", base_url=base_url, username="ann", password="secret")
    ann.call("get_tokens")
    token = ann.read("access_token.access_token")

    assert ann.read("tenant_id") == "other"
    assert ann.call("validate_token", token=token)["sub"] == "ann@other"
    assert ann.call("authenticator.get_userinfo")["username"] == "ann"
    here = tapipy.client("here", base_url=server.url, tenant_id=TENANT, jwt=token)
    assert refused(here, "authenticator.get_userinfo") == (
        "BadRequestError",
        "message: The tenant_id claim in the token, other does not match the URL tenant, dev.",
    )


def test_a_slash_behind_the_base_url(tapipy, server):
    """tapipy then asks for //v3/..., which is answered, though it finds no tenant of that base URL (5.2)."""
    tapis = tapipy.client("t", base_url=f"{server.url}/", **LOGIN)
    tapis.call("get_tokens")

    assert tapis.read("tenant_id") is None
    assert tapis.call("authenticator.get_userinfo")["username"] == "testuser1"
    assert {path[:5] for _, path, *_ in sent(tapipy)} == {"//v3/"}


def test_a_given_tenant_spares_the_first_two_requests(tapipy, server):
    """They come when the refresh token is validated, with the token (5.2)."""
    tapis = tapipy.client("t", base_url=server.url, tenant_id=TENANT, **LOGIN, **KEYS)
    assert tapipy.requests == []

    tapis.call("get_tokens")

    assert [(path, token) for _, path, _, token, _, _ in sent(tapipy)] == [
        ("oauth2/tokens", False),
        ("sites", True),
        ("tenants", True),
    ]
    assert tapis.read("refresh_token.claims")["tapis/token_type"] == "refresh"

"""What no RFC asks for and clients break without: rows X-01 to X-14 of the contract, by plain HTTP.

The rows that only one library needs have their test in that library's module: X-10 in test_msal.py.
"""

import os

import pytest
from pydantic import ValidationError

from app.settings import OAuth
from tests.clients.drive import APPROVE, DENY, DEVICE_CODE, EXPIRE, SCOPE
from tests.clients.serving import BEHIND_REPLICAS
from tests.clocks import standing_clock

PUBLIC = {"client_id": "device-public"}
FORM = "application/x-www-form-urlencoded"
DEVICE_CODE_FORM = f"grant_type={DEVICE_CODE}&device_code=x".encode()


def ask(http, metadata, **more):
    """Begin a device flow and return the whole answer."""
    return http.post(metadata["device_authorization_endpoint"], data={**PUBLIC, "scope": SCOPE, **more})


def poll(http, metadata, asked, **more):
    """Ask for the tokens once and return the whole answer."""
    data = {**PUBLIC, "grant_type": DEVICE_CODE, "device_code": asked["device_code"], **more}
    return http.post(metadata["token_endpoint"], data=data)


def refresh(http, metadata, token, **more):
    """Refresh and return the body."""
    data = {**PUBLIC, "grant_type": "refresh_token", "refresh_token": token["refresh_token"], **more}
    return http.post(metadata["token_endpoint"], data=data).json()


def test_x01_the_interval_is_a_whole_number_of_at_least_one(http, metadata):
    """It is always sent, as a number without a fraction."""
    interval = ask(http, metadata).json()["interval"]

    assert (type(interval), interval) == (int, 1)


@pytest.mark.parametrize("interval", [0, -1, 0.5, "1"])
def test_x01_no_other_interval_can_be_set(interval):
    """What makes clients spin or break is refused at the start."""
    with pytest.raises(ValidationError):
        OAuth(interval=interval)


def test_x02_every_token_answer_tells_the_scope(http, metadata, control):
    """Also where it is what was asked for, and where a refresh narrows it."""
    asked = ask(http, metadata).json()
    control.decide(asked["user_code"], APPROVE)

    first = poll(http, metadata, asked).json()
    second = refresh(http, metadata, first)
    narrower = refresh(http, metadata, second, scope="openid")

    assert [token["scope"] for token in (first, second, narrower)] == [SCOPE, SCOPE, "openid"]


BROKEN = {
    "GET": ("GET", {}, b"", 405),
    "PUT": ("PUT", {"content-type": FORM}, b"client_id=device-public", 405),
    "a body of 1 MB": ("POST", {"content-type": FORM}, b"client_id=" + b"x" * 1_000_000, 413),
    "JSON": ("POST", {"content-type": "application/json"}, b'{"client_id":"device-public"}', 400),
    "no body": ("POST", {}, b"", 400),
    "bad percent": ("POST", {"content-type": FORM}, b"client_id=%zz", 400),
    "no UTF-8": ("POST", {"content-type": FORM}, b"client_id=%ff", 400),
    "a NUL": ("POST", {"content-type": FORM}, b"client_id=device-public&scope=a%00b", 400),
    "bad Host": ("POST", {"content-type": FORM, "host": "a b"}, b"client_id=device-public", 400),
    "bad credentials": ("POST", {"content-type": FORM, "authorization": "Basic !"}, DEVICE_CODE_FORM, 401),
}


@pytest.mark.parametrize("endpoint", ["device_authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize("name", BROKEN)
def test_x03_every_answer_is_json(http, metadata, endpoint, name):
    """Whatever is wrong with a request, and whoever refuses it, the answer can be decoded."""
    if name == "bad Host" and os.environ.get(BEHIND_REPLICAS):
        pytest.skip("nginx refuses such a Host itself, with a page of its own")
    method, headers, body, status = BROKEN[name]

    answer = http.request(method, metadata[endpoint], headers=headers, content=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert isinstance(answer.json()["error"], str)


def test_x04_members_have_the_rfc_names(http, metadata, control):
    """`verification_uri` and no `verification_url`; `token_type` is always there."""
    asked = ask(http, metadata).json()
    control.decide(asked["user_code"], APPROVE)

    assert asked.keys() == {
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    }
    assert poll(http, metadata, asked).json()["token_type"] == "Bearer"


def test_x05_x06_x12_waiting_is_told_with_400_from_the_first_poll_on(http, metadata):
    """A poll at once is free, the next one too early; neither tells an interval or a time that clients would add."""
    asked = ask(http, metadata).json()

    with standing_clock(http):
        answers = [poll(http, metadata, asked) for _ in range(2)]

    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [
        (400, "authorization_pending"),
        (400, "slow_down"),
    ]
    assert all(answer.json().keys() <= {"error", "error_description"} for answer in answers)
    assert not any("retry-after" in answer.headers for answer in answers)


@pytest.mark.parametrize(
    ("decision", "error"), [(DENY, "access_denied"), (EXPIRE, "expired_token")], ids=["denied", "expired"]
)
def test_x07_a_final_answer_is_remembered(http, metadata, control, decision, error):
    """A client that never stops by itself hears it at every poll, and `slow_down` at none."""
    asked = ask(http, metadata).json()
    control.decide(asked["user_code"], decision)

    answers = [poll(http, metadata, asked) for _ in range(5)]

    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [(400, error)] * 5


@pytest.mark.parametrize("path", ["", "/issuers/a", "/issuers/a.b-C_9"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_x08_x11_both_documents_name_the_issuer_exactly(http, server, path, host):
    """Each form of both well-known addresses tells the same, and `issuer` is the URL that was asked, to the letter."""
    base, name = f"http://{host}:{server.port}", "oauth-authorization-server"
    forms = [f"{path}/.well-known/openid-configuration", f"{path}/.well-known/{name}", f"/.well-known/{name}{path}"]

    documents = [http.get(base + form).json() for form in forms]

    assert documents[0]["issuer"] == base + path
    assert documents[1:] == documents[:1] * 2


def test_x09_parameters_of_msal_are_ignored(http, metadata, control):
    """What MSAL sends on top changes nothing, in the body and in its headers."""
    noise = {"claims": '{"access_token":{}}', "client_info": "1"}
    asked = ask(http, metadata, **noise).json()
    control.decide(asked["user_code"], APPROVE)
    http.headers.update({"x-client-sku": "MSAL.Python", "x-client-ver": "1", "x-client-os": "linux"})

    token = poll(http, metadata, asked, code=asked["device_code"], **noise)

    assert (token.status_code, token.json()["scope"]) == (200, SCOPE)


def test_x10_metadata_has_what_msal_looks_for(metadata, issuer):
    """An authorization endpoint, and a path behind the host in issuer and token endpoint."""
    assert metadata["authorization_endpoint"] == f"{issuer}/oauth2/authorize"
    assert metadata["token_endpoint"] == f"{issuer}/oauth2/token"


async def test_x13_json_bodies_are_taken_where_the_setting_allows(client_for):
    """Octokit and Tapis send JSON; with `oauth.json_bodies` a flow can be asked for and polled that way."""
    client = await client_for(oauth=OAuth(json_bodies=True))

    asked = await client.post("/oauth2/device_authorization", json={**PUBLIC, "scope": SCOPE})
    body = {**PUBLIC, "grant_type": DEVICE_CODE, "device_code": asked.json()["device_code"]}
    answer = await client.post("/oauth2/token", json=body)

    assert asked.status_code == 200
    assert (answer.status_code, answer.json()["error"]) == (400, "authorization_pending")


@pytest.mark.parametrize("charset", ["UTF-8", "utf-8", '"UTF-8"'])
def test_x14_a_charset_in_the_content_type_is_fine(http, metadata, charset):
    """The header is read as a media type with parameters, not compared."""
    headers = {"content-type": f"{FORM};charset={charset}"}
    url = metadata["device_authorization_endpoint"]

    assert http.post(url, headers=headers, content=b"client_id=device-public").status_code == 200

"""The device authorization endpoint (RFC 8628 3.1, 3.2): what it takes, what it answers, what it refuses."""

import itertools
import json
import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.oauth.driver import (
    BASE,
    CONFIDENTIAL,
    EVERY_SCOPE,
    FORM,
    PUBLIC,
    SECRET,
    basic,
    prefix,
    refused,
    steered,
    unique,
)

PATH = "/oauth2/device_authorization"
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE = re.compile(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}")


async def nothing_begun(standin):
    """Return whether no flow is stored."""
    return (await standin.rows())["device_flows"] == []


@pytest.mark.parametrize("issuer", ["", "a"])
async def test_a_flow_begins(standin, issuer):
    """Every member of RFC 8628 3.2, of the right type, each once, and nothing that caches keep."""
    answer = await standin.post(PATH, issuer=issuer, client_id=PUBLIC)
    body = unique(answer.text)
    verification_uri = f"{BASE}{prefix(issuer)}/device"
    assert body == {
        "device_code": body["device_code"],
        "user_code": body["user_code"],
        "verification_uri": verification_uri,
        "verification_uri_complete": f"{verification_uri}?user_code={body['user_code']}",
        "expires_in": 600,
        "interval": 5,
    }
    assert (type(body["expires_in"]), type(body["interval"])) == (int, int)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")


async def test_the_codes(standin):
    """RFC 8628 6.1's letters in two groups; for the device these and 256 bits, in characters that fit a form; both once."""
    flows = [await standin.begin() for _ in range(60)]
    assert all(USER_CODE.fullmatch(flow["user_code"]) for flow in flows)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{51}", flow["device_code"]) for flow in flows)
    assert len({flow["device_code"][8:] for flow in flows}) == 60
    assert {len({flow[name] for flow in flows}) for name in ("user_code", "device_code")} == {60}
    assert set("".join(flow["user_code"] for flow in flows)) == {*ALPHABET, "-"}


async def test_the_place_to_type_the_code(standin):
    """Short, absolute, without query; the complete one carries the same code, and the plain one does not."""
    flow = await standin.begin()
    plain, complete = urlsplit(flow["verification_uri"]), urlsplit(flow["verification_uri_complete"])
    assert (plain.scheme, plain.netloc, plain.query) == ("http", "standin", "")
    assert len(plain.path) <= 10
    assert complete._replace(query="") == plain
    assert parse_qs(complete.query) == {"user_code": [flow["user_code"]]}


async def test_what_is_stored_of_a_flow(standin):
    """Who asked from where for what; of the device code only its hash."""
    flow = await standin.post(
        PATH, client_id=PUBLIC, scope="profile openid profile", nonce="n", headers={"user-agent": "tv/1"}
    )
    body = flow.json()
    row = (await standin.row(body))._asdict()
    begun = datetime.fromtimestamp(standin.clock.moment, UTC)
    assert row == {
        "user_code": body["user_code"].replace("-", ""),
        "device_code_hash": row["device_code_hash"],
        "issuer": "",
        "dialect": "rfc8628",
        "client_id": PUBLIC,
        "scope": "profile openid",
        "resource": "",
        "address": "127.0.0.1",
        "user_agent": "tv/1",
        "status": "pending",
        "nonce": "n",
        "simulator_hash": None,
        "script": None,
        "username": None,
        "granted_scope": None,
        "grant_id": None,
        "interval": 5,
        "wait_seconds": 0,
        "polls": 0,
        "created": begun,
        "expires_at": begun.replace(minute=begun.minute + 10 - 60, hour=begun.hour + 1),
        "wait_started_at": None,
        "last_poll_at": None,
        "decided_at": None,
        "authenticated_at": None,
        "token_seconds": None,
    }
    assert body["device_code"] not in json.dumps(row, default=str)


async def test_interval_and_lifetime_are_settings(standin_for):
    """Whole seconds, as they are set."""
    standin = await standin_for(oauth={"interval": 1, "device_code_ttl": 1800})
    flow = await standin.begin()
    assert (flow["interval"], flow["expires_in"]) == (1, 1800)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_post_is_served(standin, method):
    """Status 405 in JSON with the method that is (rows DA-01, X-03)."""
    answer = await standin.http.request(method, PATH, params={"foo": "bar"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    if method != "HEAD":
        refused(answer, 405, "invalid_request")
    assert await nothing_begun(standin)


@pytest.mark.parametrize(
    "content_type",
    [
        FORM,
        f"{FORM};charset=UTF-8",
        f"{FORM}; charset=utf-8",
        f'{FORM}; charset="UTF-8"',
        "Application/X-WWW-Form-Urlencoded",
    ],
)
async def test_the_media_type_of_a_form(standin, content_type):
    """In any letter case, with or without the charset that it has anyway (rows DA-02, X-14)."""
    answer = await standin.raw(PATH, b"client_id=device-public", content_type)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"client_id": "device-public"}'),
        ("text/plain", b"client_id=device-public"),
        ("multipart/form-data; boundary=x", b"client_id=device-public"),
        (None, b"client_id=device-public"),
        (f"{FORM}, application/json", b"client_id=device-public"),
        (f"{FORM}; charset=iso-8859-1", b"client_id=device-public"),
        ("application/json", b""),
    ],
)
async def test_another_media_type(standin, content_type, body):
    """Parameters come as a form in UTF-8 and in no other way (row DA-02)."""
    refused(await standin.raw(PATH, body, content_type), 400, "invalid_request")
    assert await nothing_begun(standin)


async def test_parameters_in_the_query(standin):
    """oauthlib puts them there; the sentence says what is wrong, and no value is repeated (rows DA-02, X-13)."""
    for client_id in ("device-public", None):
        answer = await standin.http.post(
            f"{PATH}?client_id=device-public&scope=openid", data={"client_id": client_id} if client_id else {}
        )
        assert refused(answer, 400, "invalid_request") == (
            f"Parameters belong in the body, as {FORM}, not in the query: client_id, scope"
        )
    assert await nothing_begun(standin)


async def test_no_client_id(standin):
    """Nobody can be told who asks: absent, without a value, or no body at all (rows DA-03, DA-06)."""
    answers = [
        await standin.post(PATH, scope="openid"),
        await standin.post(PATH, client_id=""),
        await standin.http.post(PATH),
    ]
    assert [refused(answer, 400, "invalid_request") for answer in answers] == ["The parameter client_id is missing"] * 3
    assert await nothing_begun(standin)


@pytest.mark.parametrize("scope", [None, "", " ", "  "])
async def test_no_scope(standin, scope):
    """It is optional; the default is all that the client may have, as the token tells (rows DA-04, DA-06, OA-16)."""
    assert (await standin.tokens(scope=scope))["scope"] == EVERY_SCOPE


async def test_unknown_parameters_are_ignored(standin):
    """Also those that MSAL sends, and twice (rows DA-07, X-09)."""
    body = b"client_id=device-public&foo=bar&foo=baz&claims=%7B%7D&client_info=1&x-client-SKU=MSAL.Python&=&empty"
    assert (await standin.raw(PATH, body)).status_code == 200
    answer = await standin.http.post(f"{PATH}?foo=bar&claims=1", data={"client_id": PUBLIC})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        "client_id=device-public&scope=openid&scope=profile",
        "client_id=device-public&client_id=device-public",
        "client_id=device-public&client_id=tapis_cli",
        "client_id=device-public&scope=&scope=openid",
        "client_id=device-public&client_secret=a&client_secret=a",
    ],
)
async def test_no_parameter_twice(standin, body):
    """RFC 8628 3.1, RFC 6749 3.2; the sentence names the parameter (row DA-08)."""
    name = "scope" if "scope=" in body else "client_secret" if "secret" in body else "client_id"
    description = refused(await standin.raw(PATH, body.encode()), 400, "invalid_request")
    assert description == f"The parameter {name} is there more than once"
    assert await nothing_begun(standin)


async def test_several_resources(standin):
    """RFC 8707's parameter is the one that may repeat (row DA-08)."""
    tokens = await standin.tokens(resource=["https://a.example/", "https://b.example/x"])
    _, claims = await standin.verified(tokens["access_token"])
    assert claims["aud"] == ["https://a.example/", "https://b.example/x"]


@pytest.mark.parametrize("resource", ["relative", "https://a.example/#fragment", "https://a.example/ b", "https:"])
async def test_what_is_no_resource(standin, resource):
    """RFC 8707 2: an absolute URI without fragment, or invalid_target."""
    refused(await standin.post(PATH, client_id=PUBLIC, resource=resource), 400, "invalid_target")
    assert await nothing_begun(standin)


async def test_a_confidential_client_authenticates(standin):
    """By header or in the body, as at the token endpoint (row DA-09)."""
    by_header = await standin.post(PATH, headers=basic(CONFIDENTIAL, SECRET))
    by_body = await standin.post(PATH, client_id=CONFIDENTIAL, client_secret=SECRET)
    assert (by_header.status_code, by_body.status_code) == (200, 200)
    assert [flow.client_id for flow in (await standin.rows())["device_flows"]] == [CONFIDENTIAL] * 2


async def test_a_confidential_client_without_its_secret(standin):
    """None, a wrong one in the body, a wrong one in the header (row DA-09)."""
    refused(await standin.post(PATH, client_id=CONFIDENTIAL), 401, "invalid_client")
    refused(await standin.post(PATH, client_id=CONFIDENTIAL, client_secret="wrong"), 401, "invalid_client")
    refused(await standin.post(PATH, headers=basic(CONFIDENTIAL, "wrong")), 401, "invalid_client")
    assert await nothing_begun(standin)


async def test_an_unknown_client(standin):
    """An error in the form of RFC 6749 5.2, for a named issuer too (row DA-21)."""
    for issuer in ("", "a"):
        refused(await standin.post(PATH, issuer=issuer, client_id="nobody"), 401, "invalid_client")
    assert await nothing_begun(standin)


async def test_a_client_without_this_grant(standin_for):
    """It is refused before anything is made (rows DA-22, OA-11)."""
    standin = await standin_for(oauth={"clients": [{"client_id": "other", "grant_types": ("refresh_token",)}]})
    refused(await standin.post(PATH, client_id="other"), 400, "unauthorized_client")
    assert await nothing_begun(standin)


@pytest.mark.parametrize("scope", ["nonsense", "openid nonsense", "OPENID", "openid,profile", 'openid "', "openid é"])
async def test_a_scope_that_is_not_to_be_had(standin, scope):
    """Unknown words, other letter case, other separators (rows DA-23, OA-12)."""
    refused(await standin.post(PATH, client_id=PUBLIC, scope=scope), 400, "invalid_scope")
    assert await nothing_begun(standin)


async def test_the_order_of_scopes_is_free(standin):
    """And stays as it was asked for (row OA-12)."""
    assert (await standin.tokens(scope="profile openid"))["scope"] == "profile openid"


async def test_a_client_may_have_fewer_scopes(standin_for):
    """What another client may have is not to be had, and the default is its own."""
    standin = await standin_for(oauth={"clients": [{"client_id": "small", "scopes": ("profile",)}]})
    refused(await standin.post(PATH, client_id="small", scope="openid"), 400, "invalid_scope")
    assert (await standin.tokens("small"))["scope"] == "profile"


async def test_a_user_code_that_is_taken_is_drawn_again(standin):
    """Two live flows never share one; what is shown is what is stored (row DA-19)."""
    drawn = iter(["BBBBCCCC", "BBBBCCCC", "BBBBCCCC", "DDDDFFFF"])
    standin.parts.chance.letters = lambda _alphabet, _length: next(drawn)
    first, second = await standin.begin(), await standin.begin()
    assert (first["user_code"], second["user_code"]) == ("BBBB-CCCC", "DDDD-FFFF")
    assert second["verification_uri_complete"] == f"{BASE}/device?user_code=DDDD-FFFF"
    assert first["device_code"] != second["device_code"]
    for flow in (first, second):
        refused(await standin.poll(flow), 400, "authorization_pending")


async def test_no_user_code_is_free(standin):
    """The answer is JSON of the server's fault, and the flow that has the code is unharmed."""
    standin.parts.chance.letters = lambda _alphabet, _length: "BBBBCCCC"
    flow = await standin.begin()
    before = await standin.rows()
    refused(await standin.post(PATH, client_id=PUBLIC), 503, "temporarily_unavailable")
    assert await standin.rows() == before
    refused(await standin.poll(flow), 400, "authorization_pending")


async def test_a_seeded_stand_in_that_starts_again(tmp_path):
    """Its codes repeat themselves while the old flows are still there: it finds free ones."""
    flows = []
    for _ in range(3):
        async with steered(database=f"sqlite:///{tmp_path / 'tms.db'}", random_seed=1) as standin:
            flows.append(await standin.begin())
            refused(await standin.poll(flows[-1]), 400, "authorization_pending")
            standin_rows = (await standin.rows())["device_flows"]
        assert len(standin_rows) == len(flows)
    for one, other in itertools.combinations(flows, 2):
        assert one["user_code"] != other["user_code"]
        assert one["device_code"] != other["device_code"]


async def test_a_long_user_agent_is_cut(standin):
    """It is shown to people later; a line of it is enough."""
    answer = await standin.post(PATH, client_id=PUBLIC, headers={"user-agent": "x" * 5000})
    assert (await standin.row(answer.json())).user_agent == "x" * 200

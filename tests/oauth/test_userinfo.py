"""The userinfo endpoint (OpenID Connect Core 5.3) as a protected resource (RFC 6750)."""

import base64
import json

import pytest

from tests.oauth.driver import PUBLIC, unique

PATH = "/oauth2/userinfo"
EVERYTHING = {
    "sub": "testuser1",
    "preferred_username": "testuser1",
    "name": "testuser1",
    "email": "testuser1@example.com",
    "email_verified": True,
}


def challenged(answer, error="invalid_token"):
    """Compare a refusal with RFC 6750 3: status, challenge, body."""
    status = {"insufficient_scope": 403}.get(error, 401)
    challenge = answer.headers["www-authenticate"]
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert challenge.startswith('Bearer realm="tms-standin"')
    assert f'error="{error}"' in challenge
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_claims_of_the_user(standin, method, scheme):
    """By GET and POST, `sub` as in the id_token (row ID-07)."""
    tokens = await standin.tokens()
    headers = {"authorization": f"{scheme} {tokens['access_token']}"}
    answer = await standin.http.request(method, PATH, headers=headers)
    assert (answer.status_code, unique(answer.text)) == (200, EVERYTHING)
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
    assert (await standin.verified(tokens["id_token"]))[1]["sub"] == "testuser1"


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("openid", {"sub"}),
        ("openid profile", {"sub", "preferred_username", "name"}),
        ("openid email", {"sub", "email", "email_verified"}),
    ],
)
async def test_the_scope_decides(standin, scope, names):
    """OpenID Connect Core 5.4."""
    tokens = await standin.tokens(scope=scope)
    assert (await standin.userinfo(tokens["access_token"])).json() == {name: EVERYTHING[name] for name in names}


async def test_without_credentials(standin):
    """A challenge without an error code (RFC 6750 3.1); so is another scheme, and a token in another place."""
    token = (await standin.tokens())["access_token"]
    answers = [
        await standin.http.get(PATH),
        await standin.http.get(PATH, headers={"authorization": "Basic eDp5"}),
        await standin.http.get(PATH, params={"access_token": token}),
        await standin.http.post(PATH, data={"access_token": token}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="tms-standin"')
        assert answer.headers["content-type"] == "application/json"


def unsigned(header, claims="{}"):
    """Return what looks like a JWT."""
    parts = [base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, "c2ln"])


@pytest.mark.parametrize(
    "token",
    [
        *("", "x", "a.b.c", "..", "...", "a.b", " ", "Bearer", "é".encode().decode("latin-1"), "x" * 20_000),
        *(
            unsigned(text)
            for text in ("", "{", "[]", "1", "null", '"x"', '"alg"', '["alg"]', "{}", '{"kid": "x"}', "[" * 10_000)
        ),
        unsigned('{"alg": "RS256", "typ": "at+jwt", "kid": "\\u0000"}'),
        unsigned('{"alg": "RS256", "typ": "at+jwt", "kid": "\\ud800"}'),
        unsigned('{"alg": "RS256", "typ": "at+jwt", "kid": {"a": [1]}}'),
        unsigned('{"alg": "none", "typ": "at+jwt"}'),
        unsigned('{"alg": "RS256", "kid": ' + "1" * 6000 + "}"),
    ],
)
async def test_what_is_no_token(standin, token):
    """Garbage of every kind gets the same challenge (rows OA-21, ID-07)."""
    answer = await standin.http.get(PATH, headers={"authorization": f"Bearer {token}".encode("latin-1")})
    challenged(answer)


async def test_a_token_with_a_known_key_and_hostile_parts(standin):
    """The key is found, the rest is not what it signs: unsigned, another algorithm, critical extensions, no JSON."""
    tokens = await standin.tokens()
    head, claims, signature = tokens["access_token"].split(".")
    header, _ = await standin.verified(tokens["access_token"])
    changes = [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": ["RS256"]},
        {"typ": "JWT"},
        {"crit": ["x"]},
        {"crit": 5},
        {"b64": False},
    ]
    for change in changes:
        told = unsigned(json.dumps({**header, **change})).split(".")[0]
        challenged(await standin.userinfo(f"{told}.{claims}.{signature}"))
    for text in (f"{head}.{claims}.", f"{head}..{signature}", f"{head}.{claims}.{signature[::-1]}"):
        challenged(await standin.userinfo(text))
    assert (await standin.userinfo(tokens["access_token"])).status_code == 200


async def test_other_tokens(standin):
    """An id_token, a refresh token, a device code (row AT-07)."""
    tokens, flow = await standin.tokens(), await standin.begin()
    for text in (tokens["id_token"], tokens["refresh_token"], flow["device_code"]):
        challenged(await standin.userinfo(text))


@pytest.mark.parametrize(("begun_at", "shown_at"), [("a", "b"), ("a", ""), ("", "a")])
async def test_a_token_of_another_issuer(standin, begun_at, shown_at):
    """It opens nothing there."""
    tokens = await standin.tokens(issuer=begun_at)
    challenged(await standin.userinfo(tokens["access_token"], issuer=shown_at))
    assert (await standin.userinfo(tokens["access_token"], issuer=begun_at)).status_code == 200


async def test_an_expired_token(standin):
    """At its end, not before."""
    tokens = await standin.tokens()
    standin.advance(3599)
    assert (await standin.userinfo(tokens["access_token"])).status_code == 200
    standin.advance(1)
    challenged(await standin.userinfo(tokens["access_token"]))


async def test_a_token_without_the_scope_openid(standin):
    """Status 403 with the challenge that names the scope (RFC 6750 3.1)."""
    tokens = await standin.tokens(scope="profile")
    answer = await standin.userinfo(tokens["access_token"])
    challenged(answer, "insufficient_scope")
    assert answer.headers["www-authenticate"].endswith('scope="openid"')


async def test_two_tokens(standin):
    """Two Authorization headers are none that can be read, whichever of them is right."""
    tokens = await standin.tokens()
    pair = [("authorization", f"Bearer {tokens['access_token']}"), ("authorization", "Bearer x")]
    for headers in (pair, pair[::-1]):
        challenged(await standin.http.get(PATH, headers=headers))


async def test_the_client_does_not_matter(standin):
    """A bearer token is good for whoever holds it."""
    tokens = await standin.tokens(PUBLIC, scope="openid")
    answer = await standin.http.get(
        PATH, headers={"authorization": f"Bearer {tokens['access_token']}", "x-client": "y"}
    )
    assert answer.json() == {"sub": "testuser1"}

"""The published keys (RFC 7517), and the tokens that they verify (RFC 9068, OpenID Connect Core 2)."""

import base64
import hashlib

import pytest

from tests.oauth.driver import BASE, CONFIDENTIAL, PUBLIC, prefix, unique

PATH = "/oauth2/jwks"


@pytest.mark.parametrize("issuer", ["", "a"])
async def test_the_set(standin, issuer):
    """One RSA key with all that is public of it and nothing else (rows JK-01 to JK-04, JK-06)."""
    answer = await standin.http.get(f"{prefix(issuer)}{PATH}")
    body = unique(answer.text)
    (key,) = body["keys"]
    assert body == {"keys": [key]}
    assert key == {"kty": "RSA", "use": "sig", "alg": "RS256", "e": "AQAB", "n": key["n"], "kid": key["kid"]}
    assert len(base64.urlsafe_b64decode(key["n"] + "==")) == 256
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "public, max-age=60"


async def test_each_issuer_has_its_own(standin):
    """So that a token of one is nothing to another."""
    found = [(await standin.http.get(f"{prefix(issuer)}{PATH}")).json()["keys"][0]["kid"] for issuer in ("", "a", "b")]
    assert len(set(found)) == 3


async def test_tokens_from_before_and_after_a_rotation(standin):
    """Both verify with the published set, whose ids are distinct (rows JK-02, JK-04, JK-05)."""
    before = await standin.tokens()
    await standin.parts.signing.rotate("")
    after = await standin.tokens()
    published = [key["kid"] for key in (await standin.http.get(PATH)).json()["keys"]]
    told = []
    for tokens in (after, before):
        header, _ = await standin.verified(tokens["access_token"])
        told.append(header["kid"])
        assert (await standin.verified(tokens["id_token"]))[0]["kid"] == header["kid"]
        assert (await standin.userinfo(tokens["access_token"])).status_code == 200
    assert told == published
    assert len(set(published)) == 2


async def test_no_private_member_comes_out(standin):
    """Neither d nor the primes (row JK-03)."""
    await standin.parts.signing.rotate("")
    for key in (await standin.http.get(PATH)).json()["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & set(key)


@pytest.mark.parametrize("issuer", ["", "a"])
async def test_an_access_token(standin, issuer):
    """Header and claims of RFC 9068, with the issuer as the audience where none was asked for (rows AT-01 to AT-06)."""
    tokens = await standin.tokens(CONFIDENTIAL, issuer=issuer, scope="openid email")
    header, claims = await standin.verified(tokens["access_token"], issuer)
    url = f"{BASE}{prefix(issuer)}"
    assert header == {"alg": "RS256", "kid": header["kid"], "typ": "at+jwt"}
    assert claims == {
        "iss": url,
        "sub": "testuser1",
        "aud": url,
        "client_id": CONFIDENTIAL,
        "scope": "openid email",
        "iat": standin.now,
        "exp": standin.now + 3600,
        "auth_time": standin.now,
        "jti": claims["jti"],
    }
    other = await standin.tokens(issuer=issuer)
    assert (await standin.verified(other["access_token"], issuer))[1]["jti"] != claims["jti"]


@pytest.mark.parametrize("issuer", ["", "a"])
async def test_an_id_token(standin, issuer):
    """Claims of OpenID Connect Core 2, with the nonce of the device's request (rows ID-01 to ID-04)."""
    tokens = await standin.tokens(issuer=issuer, nonce="n-1")
    header, claims = await standin.verified(tokens["id_token"], issuer)
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert header == {"alg": "RS256", "kid": header["kid"], "typ": "JWT"}
    assert claims == {
        "iss": f"{BASE}{prefix(issuer)}",
        "sub": "testuser1",
        "aud": PUBLIC,
        "iat": standin.now,
        "exp": standin.now + 3600,
        "auth_time": standin.now,
        "nonce": "n-1",
        "preferred_username": "testuser1",
        "name": "testuser1",
        "email": "testuser1@example.com",
        "email_verified": True,
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
    }


async def test_there_is_no_nonce_unless_one_was_sent(standin):
    """Row ID-03."""
    tokens = await standin.tokens(scope="openid")
    _, claims = await standin.verified(tokens["id_token"])
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "auth_time", "at_hash"}


async def test_the_subject_is_stable(standin):
    """The same user is the same subject for every client and issuer, in short ASCII (row ID-04)."""
    found = set()
    for client_id, issuer in ((PUBLIC, ""), (CONFIDENTIAL, ""), (PUBLIC, "a")):
        tokens = await standin.tokens(client_id, issuer=issuer)
        found.add((await standin.verified(tokens["id_token"], issuer))[1]["sub"])
    (subject,) = found
    assert subject.isascii()
    assert len(subject) <= 255


async def test_an_access_token_and_an_id_token_cannot_be_mixed_up(standin):
    """Type and audience differ (row AT-07)."""
    tokens = await standin.tokens()
    (access, access_claims), (identity, identity_claims) = [
        await standin.verified(tokens[name]) for name in ("access_token", "id_token")
    ]
    assert access["typ"] != identity["typ"]
    assert access_claims["aud"] != identity_claims["aud"]


async def test_the_audience_is_what_was_asked_for(standin):
    """RFC 8707, also after a refresh (row AT-06)."""
    first = await standin.tokens(resource="https://api.example/")
    second = (await standin.refresh(first)).json()
    for tokens in (first, second):
        assert (await standin.verified(tokens["access_token"]))[1]["aud"] == "https://api.example/"


async def test_the_time_of_the_login_is_the_decision(standin):
    """Not the poll that fetches the token (row AT-04)."""
    flow = await standin.begin()
    standin.advance(10)
    await standin.approve(flow)
    standin.advance(10)
    tokens = (await standin.poll(flow)).json()
    for name in ("access_token", "id_token"):
        _, claims = await standin.verified(tokens[name])
        assert (claims["auth_time"], claims["iat"]) == (standin.now - 10, standin.now)

"""The introspection endpoint (RFC 7662)."""

import pytest

from tests.oauth.driver import BASE, CONFIDENTIAL, EVERY_SCOPE, PUBLIC, SECRET, UNSEEN, basic, refused, unique

PATH = "/oauth2/introspect"
ASKING = {"client_id": CONFIDENTIAL, "client_secret": SECRET}


async def test_a_live_access_token(standin):
    """Every member of RFC 7662 2.2 that is known, as the JWT tells it (row IN-03)."""
    tokens = await standin.tokens()
    answer = await standin.post(PATH, token=tokens["access_token"], **ASKING)
    _, claims = await standin.verified(tokens["access_token"])
    assert unique(answer.text) == {
        "active": True,
        "scope": EVERY_SCOPE,
        "client_id": PUBLIC,
        "username": "testuser1",
        "token_type": "Bearer",
        "exp": standin.now + 3600,
        "iat": standin.now,
        "sub": "testuser1",
        "iss": BASE,
        "aud": BASE,
        "jti": claims["jti"],
    }
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")


async def test_a_live_refresh_token(standin):
    """It has no audience and no id."""
    tokens = await standin.tokens()
    assert await standin.introspect(tokens["refresh_token"]) == {
        "active": True,
        "scope": EVERY_SCOPE,
        "client_id": PUBLIC,
        "username": "testuser1",
        "token_type": "refresh_token",
        "exp": standin.now + 2_592_000,
        "iat": standin.now,
        "sub": "testuser1",
        "iss": BASE,
    }


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
async def test_a_hint_hides_nothing(standin, name, hint):
    """RFC 7662 2.1: the search goes on through all types."""
    tokens = await standin.tokens()
    assert (await standin.introspect(tokens[name], token_type_hint=hint))["active"] is True


@pytest.mark.parametrize("token", ["unknown", "a.b.c", "..", "é", "x" * 20_000, " ", "WyJhbGciXQ.e30.x"])
async def test_an_unknown_token(standin, token):
    """Nothing but that it is not active (row IN-04)."""
    assert await standin.introspect(token) == {"active": False}


async def test_an_expired_token(standin):
    """At its end, not before (rows IN-04, IN-05)."""
    tokens = await standin.tokens()
    standin.advance(3599)
    assert (await standin.introspect(tokens["access_token"]))["active"] is True
    standin.advance(1)
    assert await standin.introspect(tokens["access_token"]) == {"active": False}
    assert (await standin.introspect(tokens["refresh_token"]))["active"] is True
    standin.advance(2_592_000 - 3600)
    assert await standin.introspect(tokens["refresh_token"]) == {"active": False}


async def test_the_second_of_its_end(standin):
    """It is over at the `exp` that was told, though it was made later in that second (row IN-05)."""
    standin.advance(0.7)
    tokens = await standin.tokens()
    standin.advance(3599)
    told = await standin.introspect(tokens["access_token"])
    assert (told["active"], told["exp"]) == (True, standin.now + 1)
    standin.advance(0.2)
    assert await standin.introspect(tokens["access_token"]) == {"active": False}


async def test_a_used_refresh_token(standin):
    """Its one use is over (row IN-05)."""
    tokens = await standin.tokens()
    await standin.refresh(tokens)
    assert await standin.introspect(tokens["refresh_token"]) == {"active": False}


async def test_a_token_that_was_tampered_with(standin):
    """All checks are made, the signature's too (row IN-05)."""
    tokens = await standin.tokens()
    head, claims, signature = tokens["access_token"].split(".")
    other = (await standin.tokens())["access_token"].split(".")
    for text in (f"{head}.{other[1]}.{signature}", f"{head}.{claims}.{other[2]}", f"{head}.{claims}.", f"{head}..x"):
        assert await standin.introspect(text) == {"active": False}


async def test_an_id_token_is_no_access_token(standin):
    """Though the same key has signed it (row AT-07)."""
    tokens = await standin.tokens()
    assert await standin.introspect(tokens["id_token"]) == {"active": False}


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize(("begun_at", "asked_at"), [("a", "b"), ("a", ""), ("", "a")])
async def test_a_token_of_another_issuer(standin, name, begun_at, asked_at):
    """It is unknown there, and known at home (row IN-04)."""
    tokens = await standin.tokens(issuer=begun_at)
    assert await standin.introspect(tokens[name], issuer=asked_at) == {"active": False}
    found = await standin.introspect(tokens[name], issuer=begun_at)
    assert (found["active"], found["iss"]) == (True, f"{BASE}/issuers/{begun_at}" if begun_at else BASE)


async def test_the_caller_authenticates(standin):
    """No credentials, a public client, a wrong secret: 401 each (row IN-02)."""
    token = (await standin.tokens())["access_token"]
    for shown in ({}, {"client_id": PUBLIC}, {"client_id": "nobody"}, {**ASKING, "client_secret": "wrong"}):
        refused(await standin.post(PATH, token=token, **shown), 401, "invalid_client")
    answer = await standin.post(PATH, token=token, headers=basic(CONFIDENTIAL, SECRET))
    assert answer.json()["active"] is True


@pytest.mark.parametrize("token", [None, ""])
async def test_no_token(standin, token):
    """The parameter is required (row IN-01)."""
    assert refused(await standin.post(PATH, token=token, **ASKING), 400, "invalid_request") == (
        "The parameter token is missing"
    )


async def test_only_post(standin):
    """GET is optional, and would put the token into a URL (row IN-01)."""
    token = (await standin.tokens())["access_token"]
    refused(await standin.http.get(PATH, params={"token": token, **ASKING}), 405, "invalid_request")
    refused(await standin.http.post(PATH, params={"token": token}, data=ASKING), 400, "invalid_request")


async def test_it_changes_nothing(standin):
    """Asking is free."""
    tokens = await standin.tokens()
    before = await standin.rows(*UNSEEN)
    await standin.introspect(tokens["access_token"])
    await standin.introspect("unknown")
    assert await standin.rows(*UNSEEN) == before

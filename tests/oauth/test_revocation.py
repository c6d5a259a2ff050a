"""The revocation endpoint (RFC 7009)."""

import pytest

from tests.oauth.driver import CONFIDENTIAL, PUBLIC, SECRET, UNSEEN, basic, refused

PATH = "/oauth2/revoke"


async def revoked(standin, token, client_id=PUBLIC, **changed):
    """Ask for a revocation."""
    secret = SECRET if client_id == CONFIDENTIAL else None
    return await standin.post(PATH, **{"token": token, "client_id": client_id, "client_secret": secret, **changed})


def done(answer):
    """Compare what a revocation answers."""
    assert (answer.status_code, answer.json()) == (200, {})
    assert (answer.headers["cache-control"], answer.headers["content-type"]) == ("no-store", "application/json")


async def alive(standin, tokens):
    """Return whether the access token and the refresh token are good."""
    return [(await standin.introspect(tokens[name]))["active"] for name in ("access_token", "refresh_token")]


async def test_an_access_token(standin):
    """It alone ends; userinfo refuses it (rows RV-01, RV-04, RV-06)."""
    tokens = await standin.tokens()
    done(await revoked(standin, tokens["access_token"]))
    assert await alive(standin, tokens) == [False, True]
    assert (await standin.userinfo(tokens["access_token"])).status_code == 401
    assert (await standin.refresh(tokens)).status_code == 200


async def test_a_refresh_token(standin):
    """It ends with all access tokens of its grant (rows RV-04, RV-06)."""
    first = await standin.tokens()
    second = (await standin.refresh(first)).json()
    other = await standin.tokens()
    done(await revoked(standin, second["refresh_token"]))
    assert await alive(standin, second) == [False, False]
    assert await standin.introspect(first["access_token"]) == {"active": False}
    assert await alive(standin, other) == [True, True]
    refused(await standin.refresh(second), 400, "invalid_grant")


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
async def test_a_hint_hides_nothing(standin, name, hint):
    """Right, wrong or unknown (row RV-05)."""
    tokens = await standin.tokens()
    done(await revoked(standin, tokens[name], token_type_hint=hint))
    assert await standin.introspect(tokens[name]) == {"active": False}


@pytest.mark.parametrize("token", ["unknown", "a.b.c", "é", "..", "x" * 20_000])
async def test_an_unknown_token(standin, token):
    """Status 200, since it is of no use already (row RV-03)."""
    before = await standin.rows()
    done(await revoked(standin, token))
    assert await standin.rows() == before


async def test_a_token_that_is_revoked_or_expired(standin):
    """Status 200 again (row RV-03)."""
    tokens = await standin.tokens()
    done(await revoked(standin, tokens["access_token"]))
    done(await revoked(standin, tokens["access_token"]))
    standin.advance(10_000_000)
    for name in ("access_token", "refresh_token"):
        done(await revoked(standin, tokens[name]))


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
async def test_the_token_of_another_client(standin, name):
    """It is refused with an error, and lives on (row RV-02)."""
    tokens = await standin.tokens()
    before = await standin.rows()
    for other in ("tapis_cli", CONFIDENTIAL):
        refused(await revoked(standin, tokens[name], other), 400, "invalid_grant")
    assert await standin.rows() == before
    assert await alive(standin, tokens) == [True, True]


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize(("begun_at", "asked_at"), [("a", "b"), ("a", ""), ("", "a")])
async def test_the_token_of_another_issuer(standin, name, begun_at, asked_at):
    """It is unknown there, and lives on."""
    tokens = await standin.tokens(issuer=begun_at)
    before = await standin.rows(*UNSEEN)
    done(await revoked(standin, tokens[name], issuer=asked_at))
    assert await standin.rows(*UNSEEN) == before


async def test_a_confidential_client_authenticates(standin):
    """No secret, a wrong one: 401, and the token lives on (row RV-02)."""
    tokens = await standin.tokens(CONFIDENTIAL)
    refused(await revoked(standin, tokens["refresh_token"], CONFIDENTIAL, client_secret=None), 401, "invalid_client")
    refused(await revoked(standin, tokens["refresh_token"], CONFIDENTIAL, client_secret="x"), 401, "invalid_client")
    refused(await revoked(standin, tokens["refresh_token"], None), 400, "invalid_request")
    assert await alive(standin, tokens) == [True, True]
    done(await revoked(standin, tokens["refresh_token"], None, headers=basic(CONFIDENTIAL, SECRET)))
    assert await alive(standin, tokens) == [False, False]


@pytest.mark.parametrize("token", [None, ""])
async def test_no_token(standin, token):
    """The parameter is required (row RV-09)."""
    assert refused(await revoked(standin, token), 400, "invalid_request") == "The parameter token is missing"


async def test_only_post(standin):
    """A token never stands in a URL (row RV-01)."""
    tokens = await standin.tokens()
    refused(await standin.http.get(PATH, params={"token": tokens["access_token"]}), 405, "invalid_request")
    answer = await standin.http.post(PATH, params={"token": tokens["access_token"]}, data={"client_id": PUBLIC})
    refused(answer, 400, "invalid_request")
    assert await alive(standin, tokens) == [True, True]

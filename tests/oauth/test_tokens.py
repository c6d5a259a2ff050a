"""What is handed out and what is remembered of it: grants, access tokens, refresh tokens."""

import asyncio
from datetime import timedelta

import pytest

from app.oauth.tokens import revoke_access_token, revoke_grant, use_refresh_token
from tests.oauth.driver import BASE, CONFIDENTIAL, DEVICE_CODE, EVERY_SCOPE, PUBLIC

NEVER = [{"client_id": "brief", "grant_types": (DEVICE_CODE,)}]


async def stored(standin, name):
    """Return the rows of one of the three tables as dictionaries, the oldest first."""
    found = [row._asdict() for row in (await standin.rows())[f"oauth_{name}"]]
    return sorted(found, key=lambda row: row["created"])


async def test_what_is_remembered(standin):
    """Who granted what to whom, at which issuer; one row for each token (RFC 6749 1.4, 1.5)."""
    begun = standin.parts.clock.now()
    tokens = await standin.tokens(
        CONFIDENTIAL, issuer="a", scope="openid email", nonce="n", resource="https://api.example/"
    )
    (grant,) = await stored(standin, "grants")
    (access,) = await stored(standin, "access_tokens")
    (refresh,) = await stored(standin, "refresh_tokens")
    _, claims = await standin.verified(tokens["access_token"], "a")
    shared = {"grant_id": grant["grant_id"], "scope": "openid email", "created": begun}
    hour, month = begun + timedelta(hours=1), begun + timedelta(days=30)
    assert access == {**shared, "jti": claims["jti"], "expires_at": hour, "revoked_at": None}
    assert refresh == {**shared, "token_hash": refresh["token_hash"], "expires_at": month, "used_at": None}
    assert grant == {
        **shared,
        "issuer": "a",
        "client_id": CONFIDENTIAL,
        "username": "testuser1",
        "resource": "https://api.example/",
        "nonce": "n",
        "authenticated_at": begun,
        "expires_at": month,
        "revoked_at": None,
    }


async def test_no_token_can_be_read_from_the_database(standin):
    """Of an opaque one there is the hash alone, of a signed one its id."""
    tokens = await standin.tokens()
    everything = str(await standin.rows())
    assert [name for name in ("access_token", "refresh_token", "id_token") if tokens[name] in everything] == []


async def test_a_refresh_belongs_to_the_same_grant(standin):
    """Its tokens are new rows, the used one is marked, and the grant lives as long as the newest of them."""
    begun = standin.parts.clock.now()
    tokens = await standin.tokens()
    standin.advance(1000)
    now = standin.parts.clock.now()
    await standin.refresh(tokens)
    (grant,) = await stored(standin, "grants")
    first, second = await stored(standin, "refresh_tokens")
    assert (grant["created"], grant["expires_at"]) == (begun, now + timedelta(days=30))
    assert (first["used_at"], first["expires_at"]) == (now, begun + timedelta(days=30))
    assert (second["used_at"], second["expires_at"]) == (None, now + timedelta(days=30))
    accesses = await stored(standin, "access_tokens")
    assert [row["created"] for row in accesses] == [begun, now]
    assert {row["grant_id"] for row in (first, second, *accesses)} == {grant["grant_id"]}


async def test_a_narrower_scope_is_the_access_tokens_alone(standin):
    """The refresh token that comes with it has the scope of the one before (RFC 6749 6)."""
    await standin.refresh(await standin.tokens(), scope="email")
    assert sorted(row["scope"] for row in await stored(standin, "access_tokens")) == ["email", EVERY_SCOPE]
    assert [row["scope"] for row in await stored(standin, "refresh_tokens")] == [EVERY_SCOPE] * 2
    assert [row["scope"] for row in await stored(standin, "grants")] == [EVERY_SCOPE]


async def test_a_client_without_the_refresh_grant(standin_for):
    """There is no refresh token in the answer and none in the database."""
    standin = await standin_for(oauth={"clients": NEVER})
    assert "refresh_token" not in await standin.tokens("brief")
    assert await stored(standin, "refresh_tokens") == []
    assert len(await stored(standin, "access_tokens")) == 1


@pytest.mark.parametrize(("access", "refresh", "longest"), [(10, 20, 20), (20, 10, 20), (10, 10, 10)])
async def test_the_lifetimes_are_settings(standin_for, access, refresh, longest):
    """The answer, the claims and the rows tell the same; the grant lasts as long as its last token."""
    standin = await standin_for(oauth={"access_token_ttl": access, "refresh_token_ttl": refresh})
    tokens = await standin.tokens()
    _, claims = await standin.verified(tokens["access_token"])
    assert (tokens["expires_in"], claims["exp"] - claims["iat"]) == (access, access)
    lives = {name: [row["expires_at"] - row["created"] for row in await stored(standin, name)] for name in TABLES}
    assert lives == {
        "access_tokens": [timedelta(seconds=access)],
        "refresh_tokens": [timedelta(seconds=refresh)],
        "grants": [timedelta(seconds=longest)],
    }


TABLES = ("access_tokens", "refresh_tokens", "grants")


@pytest.mark.parametrize(
    ("resource", "audience"),
    [
        (None, BASE),
        ("urn:b", "urn:b"),
        (["urn:b", "urn:a"], ["urn:b", "urn:a"]),
        (["urn:a", "urn:a"], "urn:a"),
    ],
)
async def test_the_audience(standin, resource, audience):
    """The issuer, one resource, or the list of them in the order asked for (RFC 9068 3, RFC 8707 2; row AT-06)."""
    tokens = await standin.tokens(resource=resource)
    for some in (tokens, (await standin.refresh(tokens)).json()):
        assert (await standin.verified(some["access_token"]))[1]["aud"] == audience
        assert (await standin.verified(some["id_token"]))[1]["aud"] == PUBLIC


async def test_a_reduced_consent(standin):
    """The tokens have what was granted; who granted no `email` is told none, and without `openid` is not told at all."""
    told = []
    for scope in ("openid profile", "profile"):
        flow = await standin.begin()
        await standin.approve(flow, scope=scope)
        tokens = (await standin.poll(flow)).json()
        assert tokens["scope"] == (await standin.verified(tokens["access_token"]))[1]["scope"] == scope
        told.append((await standin.verified(tokens["id_token"]))[1] if "id_token" in tokens else None)
    assert told[1] is None
    assert set(told[0]) == {"iss", "sub", "aud", "iat", "exp", "auth_time", "at_hash", "preferred_username", "name"}


async def test_a_refreshed_id_token_has_no_other_nonce(standin):
    """The one of the request, if any at all (OpenID Connect Core 12.2)."""
    tokens = await standin.tokens(nonce="n-1")
    again = (await standin.refresh(tokens)).json()
    _, claims = await standin.verified(again["id_token"])
    assert claims.get("nonce", "n-1") == "n-1"


async def test_a_revoked_grant(standin):
    """It alone is marked; its tokens' rows and other grants stay as they were."""
    await standin.tokens()
    standin.advance(1)
    await standin.tokens()
    before, now = await standin.rows(), standin.parts.clock.now()
    first, second = await stored(standin, "grants")
    await standin.parts.store.write(lambda write: revoke_grant(write, first["grant_id"], now))
    assert await stored(standin, "grants") == [{**first, "revoked_at": now}, second]
    assert {**await standin.rows(), "oauth_grants": []} == {**before, "oauth_grants": []}


async def test_a_revoked_access_token(standin):
    """It alone is marked, not its grant."""
    await standin.refresh(await standin.tokens())
    before, now = await standin.rows(), standin.parts.clock.now()
    first, second = before["oauth_access_tokens"]
    await standin.parts.store.write(lambda write: revoke_access_token(write, first.jti, now))
    after = await standin.rows()
    assert sorted(after["oauth_access_tokens"]) == sorted([first._replace(revoked_at=now), second])
    assert {**after, "oauth_access_tokens": []} == {**before, "oauth_access_tokens": []}


async def test_what_is_unknown_is_not_revoked(standin):
    """Nothing changes."""
    await standin.tokens()
    before, now = await standin.rows(), standin.parts.clock.now()
    await standin.parts.store.write(lambda write: revoke_grant(write, "unknown", now))
    await standin.parts.store.write(lambda write: revoke_access_token(write, "unknown", now))
    assert await standin.rows() == before


async def test_one_use(standin):
    """Of those who use a refresh token at once one is the first; the time of the first use stays (RFC 9700 4.14)."""
    await standin.tokens()
    (row,) = await stored(standin, "refresh_tokens")
    now = standin.parts.clock.now()

    def use(seconds):
        at = now + timedelta(seconds=seconds)
        return standin.parts.store.write(lambda write: use_refresh_token(write, row["token_hash"], at))

    assert await asyncio.gather(*[use(seconds) for seconds in range(5)]) == [True, False, False, False, False]
    assert await stored(standin, "refresh_tokens") == [{**row, "used_at": now}]
    assert await standin.parts.store.write(lambda write: use_refresh_token(write, "unknown", now)) is False

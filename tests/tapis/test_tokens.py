"""Tokens: their claims and their check (contract tapis 1.5 and 3)."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from app.tapis.signatures import claims_of, signed
from tests.oauth.driver import BASE
from tests.tapis.driver import (
    NO_TOKEN,
    OTHERS,
    TENANTS,
    access,
    basic,
    bearing,
    make_client,
    refused,
    result_of,
    tokens,
)

INVALID = "Invalid Tapis token."
UNPARSEABLE = "Could not parse the Tapis access token."
GUARDED = [
    ("GET", "/v3/oauth2/userinfo"),
    ("GET", "/v3/oauth2/profiles"),
    ("GET", "/v3/oauth2/profiles/testuser1"),
    ("GET", "/v3/oauth2/clients"),
    ("POST", "/v3/oauth2/clients"),
    ("GET", "/v3/oauth2/clients/tapis_cli"),
    ("PUT", "/v3/oauth2/clients/tapis_cli"),
    ("DELETE", "/v3/oauth2/clients/tapis_cli"),
]
ORDER = [
    "jti", "iss", "sub", "tapis/tenant_id", "tapis/token_type", "tapis/delegation", "tapis/delegation_sub",
    "tapis/username", "tapis/account_type", "exp", "tapis/client_id", "tapis/grant_type",
]  # fmt: skip


def ends(standin, seconds, microseconds=0):
    """Return an instant as `expires_at` has it."""
    return (standin.parts.clock.now() + timedelta(seconds=seconds, microseconds=microseconds)).isoformat(
        timespec="microseconds"
    )


async def userinfo(standin, token, base="", **others):
    """Show a token."""
    return await standin.http.get(f"{base}/v3/oauth2/userinfo", headers=bearing(token, **others))


async def forged(standin, tenant="dev", **changed):
    """Return a token with changed claims that the tenant's own key has signed."""
    claims = claims_of(await access(standin)) | changed
    claims = {name: value for name, value in claims.items() if value is not ...}
    [token] = await signed(standin.parts.signing, f"tapis/{tenant}", [claims])
    return token


async def test_the_access_token(standin):
    """Header and claims in their order; without a client no count and no refresh token."""
    result = await tokens(standin)
    assert list(result) == ["access_token"]
    found = result["access_token"]
    claims = claims_of(found["access_token"])
    assert found == {
        "access_token": found["access_token"],
        "expires_at": ends(standin, 14_400),
        "expires_in": 14_400,
        "id_token": found["access_token"],
        "jti": claims["jti"],
    }
    assert claims == {
        "jti": str(UUID(claims["jti"], version=4)),
        "iss": f"{BASE}/v3/tokens",
        "sub": "testuser1@dev",
        "tapis/tenant_id": "dev",
        "tapis/token_type": "access",
        "tapis/delegation": False,
        "tapis/delegation_sub": None,
        "tapis/username": "testuser1",
        "tapis/account_type": "user",
        "exp": standin.now + 14_400,
        "tapis/client_id": None,
        "tapis/grant_type": "password",
    }
    assert list(claims) == ORDER
    assert re.fullmatch(r"\S+T\d\d:\d\d:\d\d\.\d{6}\+00:00", found["expires_at"])
    assert jws.extract_compact(found["access_token"].encode()).headers() == {"alg": "RS256", "typ": "JWT"}


async def test_the_refresh_token(standin):
    """A JWT too, around the claims of its sibling; it comes where a client took part."""
    await make_client(standin, client_id="mycid", client_key="mykey")
    result = await tokens(standin, headers=basic("mycid", "mykey"))
    claims, sibling = (claims_of(result[name][name]) for name in ("refresh_token", "access_token"))
    assert result["refresh_token"] == {
        "expires_at": ends(standin, 31_536_000, 1),
        "expires_in": 31_536_000,
        "jti": claims["jti"],
        "refresh_token": result["refresh_token"]["refresh_token"],
    }
    assert (sibling["tapis/client_id"], sibling["tapis/refresh_count"]) == ("mycid", 0)
    assert list(sibling) == [*ORDER, "tapis/refresh_count"]
    exp = sibling.pop("exp")
    assert exp == standin.now + 14_400
    assert claims == {
        "jti": str(UUID(claims["jti"], version=4)),
        "iss": f"{BASE}/v3/tokens",
        "sub": "testuser1@dev",
        "tapis/initial_ttl": 31_536_000,
        "tapis/tenant_id": "dev",
        "tapis/token_type": "refresh",
        "exp": standin.now + 31_536_000,
        "tapis/access_token": {**sibling, "ttl": 14_400},
    }
    assert claims["jti"] != sibling["jti"]


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_who_needs_a_token(standin, method, path):
    """None, an empty one, only a Bearer: the same words, and nothing changes."""
    before = await standin.rows()
    for headers in ({}, bearing("")):
        refused(await standin.http.request(method, path, headers=headers, json={}), NO_TOKEN)
    answer = await standin.http.request(method, path, headers={"authorization": "Bearer x"}, json={})
    creating = (method, path) == ("POST", "/v3/oauth2/clients")
    refused(answer, "Invalid POST data: [InvalidSecurity()]." if creating else NO_TOKEN)
    refused(await standin.http.request(method, path, headers=bearing("garbage"), json={}), UNPARSEABLE)
    assert await standin.rows() == before


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "a.b.c",
        "..",
        "a.b",
        "e30.W10.x",
        "e30.e30",
        "\xff.\xff.\xff",
        "W10.e30.e30",
        "bnVsbA.e30.e30",
        "WyJhbGciLCJiNjQiXQ.e30.x",
    ],
)
async def test_what_is_no_jwt(standin, text):
    """It is not parsed, whatever is wrong with it."""
    headers = {"x-tapis-token": text.encode("latin-1")}
    refused(await standin.http.get("/v3/oauth2/userinfo", headers=headers), UNPARSEABLE)


async def test_a_payload_that_is_too_deep(standin):
    """No reader of JSON follows it."""
    token = jws.serialize_compact({"alg": "RS256"}, b'{"a":' + b"[" * 20_000, RSAKey.generate_key(2048))
    refused(await userinfo(standin, token), UNPARSEABLE)


async def test_a_wrong_signature(standin):
    """Changed, made with another key, or with no key at all."""
    token = await access(standin)
    head, payload, signature = token.split(".")
    other = jws.serialize_compact(
        {"alg": "RS256", "typ": "JWT"}, jws.extract_compact(token.encode()).payload, RSAKey.generate_key(2048)
    )
    none = "eyJhbGciOiJub25lIn0"
    for text in (
        f"{head}.{payload}.{signature[:-6]}AAAAAA",
        other,
        f"{none}.{payload}.",
        f"{none}.{payload}.{signature}",
    ):
        refused(await userinfo(standin, text), INVALID)


async def test_a_token_that_was_never_stored(standin):
    """The right key alone is not enough: an unknown jti, one that is none, an audience."""
    for jti in ("never", 5, None, ...):
        refused(await userinfo(standin, await forged(standin, jti=jti)), INVALID)


async def test_an_expired_token(standin):
    """There is no leeway, and the end is the claim's whole second (contract tapis 3)."""
    token = await access(standin)
    standin.clock.moment = standin.now + 14_400 - 0.001
    assert (await userinfo(standin, token)).status_code == 200
    standin.advance(0.001)
    refused(await userinfo(standin, token), INVALID)


async def test_the_tenant_of_a_token(standin_for):
    """It has to be told, known, and the URL's own."""
    standin = await standin_for(**TENANTS)
    nothing = (
        "Unable to process Tapis token; could not parse the tenant_id. "
        "It is possible the token is in a format no longer supported by the platform."
    )
    refused(await userinfo(standin, await forged(standin, **{"tapis/tenant_id": ...})), nothing)
    refused(await userinfo(standin, (await standin.tokens())["access_token"]), nothing)
    for unknown in ("tacc", 5, ["dev"]):
        token = await forged(standin, **{"tapis/tenant_id": unknown})
        refused(await userinfo(standin, token), "Unable to process Tapis token; unexpected tenant_id.")
    told = "The tenant_id claim in the token, other does not match the URL tenant, dev."
    foreign = await access(standin, OTHERS, username="carol", password="carolpass")
    refused(await userinfo(standin, foreign), told)
    assert (await userinfo(standin, foreign, OTHERS)).status_code == 200
    refused(await userinfo(standin, await forged(standin, **{"tapis/tenant_id": "other"})), INVALID)


@pytest.mark.parametrize("header", ["x_tapis_tenant", "x_tapis_user"])
async def test_a_user_cannot_act_for_another(standin, header):
    """The headers of services are refused beside a user's token."""
    answer = await userinfo(standin, await access(standin), **{header: "dev"})
    refused(answer, "Invalid request; cannot set OBO headers with a user token.")


async def test_a_refresh_token_is_no_access_token(standin):
    """A 400 in place of the accidental 500 (contract tapis 6, 10)."""
    await make_client(standin, client_id="mycid", client_key="mykey")
    made = await tokens(standin, headers=basic("mycid", "mykey"))
    refused(await userinfo(standin, made["refresh_token"]["refresh_token"]), INVALID)


IGNORING = [
    "/v3/oauth2/hello",
    "/v3/oauth2/ready",
    "/v3/oauth2/device?client_id=x",
    "/v3/oauth2/login?client_id=tapis_cli",
]


@pytest.mark.parametrize("token", ["garbage", "valid"])
async def test_who_ignores_a_token(standin, token):
    """tapipy shows its token to everybody: a deviation on purpose (contract tapis 1.5)."""
    headers = bearing(await access(standin) if token == "valid" else token)
    for path in (
        *IGNORING,
        "/v3/apps/healthcheck",
        "/v3/oauth2/jwks",
        "/v3/oauth2/.well-known/oauth-authorization-server",
    ):
        assert (await standin.http.get(path, headers=headers)).status_code < 400
    code = await standin.http.post("/v3/oauth2/device/code", json={"client_id": "tapis_cli"}, headers=headers)
    result_of(code, "Token created successfully.")
    await tokens(standin, headers=headers)
    assert (await standin.http.get("/v3/oauth2/authorize?client_id=no", headers=headers)).json()["message"] == (
        "Invalid client."
    )

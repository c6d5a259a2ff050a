"""What a token endpoint hands out, and the rows that remember it: grants, access tokens, refresh tokens. It signs nothing.

An access token is a JWT (RFC 9068) that is known by its `jti`, a refresh token is opaque and stored as its hash.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import bindparam, select, update

from ..oauth_tables import oauth_access_tokens, oauth_grants, oauth_refresh_tokens
from ..statements import Insert, Statement, matching
from ..transaction import Transaction
from .device_flows import hash_of_code
from .people import claims_of

if TYPE_CHECKING:
    from .server import AuthorizationServer

_INSERT_GRANT, _INSERT_ACCESS, _INSERT_REFRESH = (
    Insert(table) for table in (oauth_grants, oauth_access_tokens, oauth_refresh_tokens)
)
_OF_GRANT = (
    oauth_grants.c.issuer,
    oauth_grants.c.client_id,
    oauth_grants.c.username,
    oauth_grants.c.scope.label("granted_scope"),
    oauth_grants.c.resource,
    oauth_grants.c.nonce,
    oauth_grants.c.authenticated_at,
    oauth_grants.c.revoked_at.label("grant_revoked_at"),
)
FIND_ACCESS = Statement(
    select(oauth_access_tokens, *_OF_GRANT).join(oauth_grants).where(matching(oauth_access_tokens, "jti"))
)
FIND_REFRESH = Statement(
    select(oauth_refresh_tokens, *_OF_GRANT).join(oauth_grants).where(matching(oauth_refresh_tokens, "token_hash"))
)
_PROLONG = Statement(
    update(oauth_grants)
    .where(matching(oauth_grants, "grant_id=of_grant_id"))
    .values(expires_at=bindparam("expires_at", type_=oauth_grants.c.expires_at.type))
)
_REVOKE_GRANT = Statement(
    update(oauth_grants)
    .where(matching(oauth_grants, "grant_id=of_grant_id"))
    .values(revoked_at=bindparam("revoked_at", type_=oauth_grants.c.revoked_at.type))
)
_REVOKE_ACCESS = Statement(
    update(oauth_access_tokens)
    .where(matching(oauth_access_tokens, "jti=of_jti"))
    .values(revoked_at=bindparam("revoked_at", type_=oauth_access_tokens.c.revoked_at.type))
)
_USE_REFRESH = Statement(
    update(oauth_refresh_tokens)
    .where(matching(oauth_refresh_tokens, "token_hash=of_token_hash"), oauth_refresh_tokens.c.used_at.is_(None))
    .values(used_at=bindparam("used_at", type_=oauth_refresh_tokens.c.used_at.type))
)

TokenResponse = dict[str, Any]


class Granted(NamedTuple):
    """What a person has granted to a client: a row of oauth_grants."""

    grant_id: str
    issuer: str
    client_id: str
    username: str
    scope: str
    resource: str
    nonce: str | None
    authenticated_at: datetime


class Unsigned(msgspec.Struct):
    """A JWT that is to be signed when its transaction is over: a signature takes half a millisecond."""

    type: str
    claims: dict[str, Any]


def granted_of(row: Any) -> Granted:
    """Return the grant of a found token."""
    return Granted(
        row.grant_id, row.issuer, row.client_id, row.username, row.granted_scope, row.resource, row.nonce,
        row.authenticated_at,
    )  # fmt: skip


def begin_grant(server: "AuthorizationServer", **values: Any) -> Granted:
    """Store and return a new grant; `values` are those of Granted without the issuer."""
    granted = Granted(issuer=server.issuer.name, **values)
    expires_at = server.now + timedelta(seconds=server.parts.settings.oauth.refresh_token_ttl)
    row = {**granted._asdict(), "created": server.now, "expires_at": expires_at, "revoked_at": None}
    server.wait(server.transaction.insert(_INSERT_GRANT, **row))
    return granted


def token_response(server: "AuthorizationServer", scope: str, include_refresh_token: bool) -> TokenResponse:
    """Return the members of RFC 6749 5.1 for the server's grant, JWTs still unsigned."""
    granted = server.granted
    assert granted is not None  # noqa: S101 - a grant's validation sets it before any token is made
    lifetime = server.parts.settings.oauth.access_token_ttl
    response: TokenResponse = {
        "access_token": Unsigned("at+jwt", _access_claims(server, granted, scope, lifetime)),
        "token_type": "Bearer",
        "expires_in": lifetime,
    }
    if include_refresh_token:
        response["refresh_token"] = server.parts.chance.token()
    response["scope"] = scope
    if "openid" in scope.split():
        response["id_token"] = Unsigned("JWT", _id_claims(server, granted, scope, lifetime))
    return response


def store_tokens(server: "AuthorizationServer", response: TokenResponse) -> None:
    """Remember the tokens of a response."""
    granted, now = server.granted, server.now
    assert granted is not None  # noqa: S101 - as above
    settings = server.parts.settings.oauth
    shared = {"grant_id": granted.grant_id, "created": now}
    access_ends, refresh_ends = (
        now + timedelta(seconds=seconds) for seconds in (settings.access_token_ttl, settings.refresh_token_ttl)
    )
    jti = response["access_token"].claims["jti"]
    write = server.transaction
    access = {"jti": jti, "scope": response["scope"], "expires_at": access_ends, "revoked_at": None}
    server.wait(write.insert(_INSERT_ACCESS, **access, **shared))
    if "refresh_token" in response:
        # Whatever an access token is narrowed to, the refresh token keeps the whole scope (RFC 6749 6).
        refresh = {"scope": granted.scope, "expires_at": refresh_ends, "used_at": None}
        token_hash = hash_of_code(response["refresh_token"])
        server.wait(write.insert(_INSERT_REFRESH, token_hash=token_hash, **refresh, **shared))
    last = max(access_ends, refresh_ends)
    server.wait(write.update(_PROLONG, oauth_grants, of_grant_id=granted.grant_id, expires_at=last))


async def insert_grant(transaction: Transaction, **row: Any) -> None:
    """Store a grant, a whole row of oauth_grants."""
    await transaction.insert(_INSERT_GRANT, **row)


async def insert_access_token(transaction: Transaction, **row: Any) -> None:
    """Store an access token, a whole row of oauth_access_tokens."""
    await transaction.insert(_INSERT_ACCESS, **row)


async def insert_refresh_token(transaction: Transaction, **row: Any) -> None:
    """Store a refresh token, a whole row of oauth_refresh_tokens."""
    await transaction.insert(_INSERT_REFRESH, **row)


def has_ended(row: Any, now: datetime) -> bool:
    """Return whether a token's time is over: the second that introspection and its own `exp` tell."""
    return bool(now >= row.expires_at.replace(microsecond=0))


async def revoke_grant(transaction: Transaction, grant_id: str, now: datetime) -> None:
    """Revoke a grant with all its tokens."""
    await transaction.update(_REVOKE_GRANT, oauth_grants, of_grant_id=grant_id, revoked_at=now)


async def revoke_access_token(transaction: Transaction, jti: str, now: datetime) -> None:
    """Revoke one access token."""
    await transaction.update(_REVOKE_ACCESS, oauth_access_tokens, of_jti=jti, revoked_at=now)


async def use_refresh_token(transaction: Transaction, token_hash: str, now: datetime) -> bool:
    """Mark a refresh token as used and return True, or False when it was used before."""
    used = await transaction.update(_USE_REFRESH, oauth_refresh_tokens, of_token_hash=token_hash, used_at=now)
    return used == 1


def _times(server: "AuthorizationServer", lifetime: int) -> dict[str, int]:
    issued = int(server.now.timestamp())
    return {"iat": issued, "exp": issued + lifetime}


def _access_claims(server: "AuthorizationServer", granted: Granted, scope: str, lifetime: int) -> dict[str, Any]:
    """Return the claims of RFC 9068 2.2; the default resource is the issuer itself."""
    resources = granted.resource.split() or [server.issuer.url]
    return {
        "iss": server.issuer.url,
        "sub": granted.username,
        "aud": resources[0] if len(resources) == 1 else resources,
        "client_id": granted.client_id,
        "scope": scope,
        **_times(server, lifetime),
        "auth_time": int(granted.authenticated_at.timestamp()),
        "jti": server.parts.chance.uuid(),
    }


def _id_claims(server: "AuthorizationServer", granted: Granted, scope: str, lifetime: int) -> dict[str, Any]:
    """Return the claims of OpenID Connect Core 2; `at_hash` is added when the access token is signed."""
    return {
        "iss": server.issuer.url,
        "sub": granted.username,
        "aud": granted.client_id,
        **_times(server, lifetime),
        "auth_time": int(granted.authenticated_at.timestamp()),
        **({"nonce": granted.nonce} if granted.nonce else {}),
        **claims_of(granted.username, scope),
    }

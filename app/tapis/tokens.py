"""Tapis tokens (contract tapis 3): their claims, their rows in the tables of oauth/, their signatures and their check.

Access and refresh tokens are both JWTs without `kid`; both are known by their `jti`. Refresh tokens are not rotated.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ..oauth.device_flows import hash_of_code
from ..oauth.tokens import FIND_ACCESS, FIND_REFRESH, insert_access_token, insert_grant, insert_refresh_token
from ..transaction import Transaction
from .call import Call
from .refusal import TapisRefusal
from .signatures import claims_of, is_signed_by, signed

ACCESS_SECONDS = 14_400
REFRESH_SECONDS = 31_536_000
IMPLICIT = "implicit"  # the one grant of a client without a refresh token (contract tapis 2.8)


class Subject(NamedTuple):
    """For whom, for which client and by which grant tokens are made."""

    username: str
    client_id: str | None
    grant_type: str
    access_seconds: int = ACCESS_SECONDS
    redirect_uri: str | None = None
    refresh_count: int = 0


class Pair(NamedTuple):
    """The claims of an access token and, where it has one, of its refresh token; with their ends."""

    access: dict[str, Any]
    access_ends: datetime
    refresh: dict[str, Any] | None
    refresh_ends: datetime


def new_pair(call: Call, subject: Subject) -> Pair:
    """Return the claims of new tokens, in the order of the contract."""
    chance, tenant_id = call.parts.chance, call.tenant.tenant_id
    access_ends = call.now + timedelta(seconds=subject.access_seconds)
    # The real service asks the time twice, so that both ends never have the same microseconds.
    refresh_ends = call.now + timedelta(seconds=REFRESH_SECONDS, microseconds=1)
    whose = {"iss": f"{call.base_url}/v3/tokens", "sub": f"{subject.username}@{tenant_id}"}
    access = {
        "jti": chance.uuid(),
        **whose,
        "tapis/tenant_id": tenant_id,
        "tapis/token_type": "access",
        "tapis/delegation": False,
        "tapis/delegation_sub": None,
        "tapis/username": subject.username,
        "tapis/account_type": "user",
        "exp": int(access_ends.timestamp()),
        "tapis/client_id": subject.client_id,
        "tapis/grant_type": subject.grant_type,
        **({"tapis/redirect_uri": subject.redirect_uri} if subject.redirect_uri is not None else {}),
    }
    if subject.client_id is None or subject.grant_type == IMPLICIT:
        return Pair(access, access_ends, None, refresh_ends)
    access["tapis/refresh_count"] = subject.refresh_count
    nested = {name: value for name, value in access.items() if name != "exp"} | {"ttl": subject.access_seconds}
    refresh = {
        "jti": chance.uuid(),
        **whose,
        "tapis/initial_ttl": REFRESH_SECONDS,
        "tapis/tenant_id": tenant_id,
        "tapis/token_type": "refresh",
        "exp": int(refresh_ends.timestamp()),
        "tapis/access_token": nested,
    }
    return Pair(access, access_ends, refresh, refresh_ends)


async def store_pair(call: Call, transaction: Transaction, subject: Subject, pair: Pair) -> None:
    """Remember the tokens under a grant of their own."""
    grant_id = call.parts.chance.uuid()
    await insert_grant(
        transaction,
        grant_id=grant_id,
        issuer=call.tenant.issuer,
        client_id=subject.client_id or "",
        username=subject.username,
        scope="",
        resource="",
        nonce=None,
        authenticated_at=call.now,
        created=call.now,
        expires_at=max(pair.access_ends, pair.refresh_ends if pair.refresh else pair.access_ends),
        revoked_at=None,
    )
    shared = {"grant_id": grant_id, "scope": "", "created": call.now}
    access = {"jti": pair.access["jti"], "expires_at": pair.access_ends, "revoked_at": None}
    await insert_access_token(transaction, **access, **shared)
    if pair.refresh is not None:
        refresh = {"token_hash": hash_of_code(pair.refresh["jti"]), "expires_at": pair.refresh_ends, "used_at": None}
        await insert_refresh_token(transaction, **refresh, **shared)


async def signed_pair(call: Call, pair: Pair, subject: Subject) -> dict[str, Any]:
    """Return the `result` of a token answer (contract tapis 2.4.1)."""
    claims = [pair.access] if pair.refresh is None else [pair.access, pair.refresh]
    texts = await signed(call.parts.signing, call.tenant.issuer, claims)
    access = _member("access_token", texts[0], pair.access["jti"], pair.access_ends, subject.access_seconds)
    result = {"access_token": {**access, "id_token": texts[0]}}
    if pair.refresh is not None:
        result["refresh_token"] = _member(
            "refresh_token", texts[1], pair.refresh["jti"], pair.refresh_ends, REFRESH_SECONDS
        )
    return result


def _member(name: str, text: str, jti: str, ends: datetime, seconds: int) -> dict[str, Any]:
    return {name: text, "expires_at": ends.isoformat(timespec="microseconds"), "expires_in": seconds, "jti": jti}


class Known(NamedTuple):
    """A token of this tenant that is alive: its claims and its row."""

    claims: Mapping[str, Any]
    row: Any

    @property
    def kind(self) -> str:
        """Return "access" or "refresh"."""
        return str(self.claims["tapis/token_type"])


async def known_token(call: Call, text: str, revoked_too: bool = False) -> Known:
    """Return a token that is alive. Raises TapisRefusal with the words of contract tapis 1.5."""
    claims = claims_of(text)
    if claims is None:
        raise TapisRefusal("Could not parse the Tapis access token.")
    tenant_id = claims.get("tapis/tenant_id")
    if tenant_id is None:
        raise TapisRefusal(
            "Unable to process Tapis token; could not parse the tenant_id. "
            "It is possible the token is in a format no longer supported by the platform."
        )
    tenants = call.parts.tenants.all
    if not isinstance(tenant_id, str) or tenant_id not in tenants:
        raise TapisRefusal("Unable to process Tapis token; unexpected tenant_id.")
    authentic = await is_signed_by(call.parts.signing, tenants[tenant_id].issuer, text)
    row = await _row_of(call, claims) if authentic else None
    if row is None or call.now.timestamp() >= claims["exp"] or (_is_revoked(row) and not revoked_too):
        raise TapisRefusal("Invalid Tapis token.")
    if tenant_id != call.tenant.tenant_id:
        told = f"The tenant_id claim in the token, {tenant_id} does not match the URL tenant, {call.tenant.tenant_id}."
        raise TapisRefusal(told)
    return Known(claims, row)


async def _row_of(call: Call, claims: Mapping[str, Any]) -> Any:
    jti = str(claims.get("jti"))
    if claims.get("tapis/token_type") == "refresh":
        return await call.parts.store.one(FIND_REFRESH, token_hash=hash_of_code(jti))
    return await call.parts.store.one(FIND_ACCESS, jti=jti)


def _is_revoked(row: Any) -> bool:
    ended = getattr(row, "revoked_at", None) or getattr(row, "used_at", None)
    return ended is not None or row.grant_revoked_at is not None


async def caller(call: Call) -> str:
    """Return the username of the X-Tapis-Token. Raises TapisRefusal (contract tapis 1.5)."""
    text = call.header(b"x-tapis-token")
    if not text:
        raise TapisRefusal("No Tapis access token found in the request.")
    known = await known_token(call, text)
    if call.header(b"x-tapis-tenant") is not None or call.header(b"x-tapis-user") is not None:
        raise TapisRefusal("Invalid request; cannot set OBO headers with a user token.")
    if known.kind != "access":
        raise TapisRefusal("Invalid Tapis token.")
    return str(known.claims["tapis/username"])

"""Signs and checks Tapis tokens with the tenants' keys: RS256, a header without `kid` (contract tapis 3)."""

import asyncio
from typing import Any

import msgspec

from ..oauth.signing import ALGORITHM, MALFORMED, SigningKeys


async def signed(keys: SigningKeys, issuer: str, claims: list[dict[str, Any]]) -> list[str]:
    """Return the tokens, signed in a thread."""
    key = await keys.current(issuer)
    return await asyncio.to_thread(_sign, claims, key)


async def is_signed_by(keys: SigningKeys, issuer: str, token: str) -> bool:
    """Return whether one of a tenant's keys has signed a token, the present one or one that is retired.

    It makes none: it is asked inside of transactions as well.
    """
    newest = await keys.newest(issuer)
    if newest is None:
        return False
    return _verifies(token, newest) or any(_verifies(token, key) for key in await keys.kept(issuer))


async def public_pem(keys: SigningKeys, issuer: str) -> str:
    """Return a tenant's public key as PEM, without a newline at its end."""
    key = await keys.current(issuer)
    return bytes(key.as_pem(private=False)).decode().strip()


def claims_of(token: str) -> dict[str, Any] | None:
    """Return what a token claims, checked by nobody, or None for what is no JWT."""
    from joserfc import jws
    from joserfc.errors import JoseError

    try:
        return msgspec.json.decode(jws.extract_compact(token.encode()).payload, type=dict[str, Any])
    except (JoseError, msgspec.DecodeError, *MALFORMED, RecursionError):
        return None


def _sign(claims: list[dict[str, Any]], key: Any) -> list[str]:
    from joserfc import jws

    header = {"alg": ALGORITHM, "typ": "JWT"}
    return [jws.serialize_compact(header, msgspec.json.encode(each), key) for each in claims]


def _verifies(token: str, key: Any) -> bool:
    from joserfc import jws
    from joserfc.errors import JoseError

    try:
        jws.deserialize_compact(token, key, [ALGORITHM])
    except (JoseError, *MALFORMED):
        return False
    return True

"""Finds the token that somebody shows: a signed access token or an opaque refresh token. It changes nothing."""

from datetime import datetime
from typing import Any, NamedTuple

from authlib.oauth2.rfc6749 import InvalidRequestError

from .device_flows import hash_of_code
from .exchange import ProtocolRequest
from .registry import Client, Reader
from .signing import SigningKeys
from .tokens import FIND_ACCESS, FIND_REFRESH, has_ended

_LONGEST_TOKEN = 16_384


class StoredToken(NamedTuple):
    """A token with its row, as Authlib asks for it (rfc6749.TokenMixin). `issuer_url` is what stood in `iss`."""

    kind: str
    row: Any
    now: datetime
    issuer_url: str
    claims: dict[str, Any]

    def check_client(self, client: Client) -> bool:
        """Return whether the token was issued to this client."""
        return bool(self.row.client_id == client.client_id)

    def get_scope(self) -> str:
        """Return what the token is good for."""
        return str(self.row.scope)

    def is_expired(self) -> bool:
        """Return whether its time is over."""
        return has_ended(self.row, self.now)

    def is_revoked(self) -> bool:
        """Return whether it, or its whole grant, was revoked, or its one use is over."""
        ended = self.row.used_at if self.kind == "refresh_token" else self.row.revoked_at
        return ended is not None or self.row.grant_revoked_at is not None


def require_token(request: ProtocolRequest) -> None:
    """Raise InvalidRequestError for a request that names no token."""
    if "token" not in request.form:
        raise InvalidRequestError("The parameter token is missing")


async def find_token(
    reader: Reader, signing: SigningKeys, issuer: str, issuer_url: str, text: str, now: datetime
) -> StoredToken | None:
    """Return the token of this issuer that `text` is, or None for one that is unknown, foreign or not signed by it.

    Its kind is told by its shape, so that a wrong token_type_hint hides nothing (RFC 7009 2.1). Raises DatabaseError.
    """
    if text.count(".") == 2 and len(text) <= _LONGEST_TOKEN:
        claims = await signing.verified(issuer, text)
        row = claims and await reader.one(FIND_ACCESS, jti=str(claims.get("jti")))
        kind = "access_token"
    else:
        claims, kind = {"iss": issuer_url}, "refresh_token"
        row = await reader.one(FIND_REFRESH, token_hash=hash_of_code(text))
    if not row or not claims or row.issuer != issuer:
        return None
    return StoredToken(kind, row, now, str(claims["iss"]), claims)

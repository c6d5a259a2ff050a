"""The userinfo endpoint (OpenID Connect Core 5.3): a resource that a bearer token opens (RFC 6750)."""

from collections.abc import Callable
from typing import Any

from authlib.oauth2.rfc6750 import BearerTokenValidator, InsufficientScopeError, InvalidTokenError

from .answers import NOT_STORED, Answer, json_answer
from .exchange import Exchange
from .people import claims_of
from .stored_tokens import find_token

_REALM = "tms-standin"
_CHALLENGE = [*NOT_STORED, (b"www-authenticate", f'Bearer realm="{_REALM}"'.encode())]
_SCOPES = ["openid"]


class ScopeError(InsufficientScopeError):
    """insufficient_scope with the challenge that tells what is missing (RFC 6750 3, 3.1)."""

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers with the challenge."""
        challenge = f'Bearer realm="{_REALM}", error="{self.error}", scope="{" ".join(_SCOPES)}"'
        return [*super().get_headers(), ("WWW-Authenticate", challenge)]


async def userinfo(exchange: Exchange) -> Answer:
    """GET or POST /oauth2/userinfo: the claims of the token's user. Raises InvalidTokenError, ScopeError."""
    scheme, _, text = exchange.header(b"authorization").partition(" ")
    if scheme.lower() != "bearer":
        body = {"error": "invalid_request", "error_description": "A bearer token is needed in the Authorization header"}
        return json_answer(401, body, _CHALLENGE)
    parts, issuer = exchange.parts, exchange.issuer
    token = await find_token(parts.store, parts.signing, issuer.name, issuer.url, text.strip(), exchange.now)
    if token is not None and token.kind != "access_token":
        raise InvalidTokenError("This is a refresh token", realm=_REALM)
    validate: Callable[..., None] = BearerTokenValidator(realm=_REALM).validate_token
    try:
        validate(token, _SCOPES, None)
    except InsufficientScopeError:
        raise ScopeError from None
    row: Any = token and token.row
    return json_answer(200, {"sub": row.username, **claims_of(row.username, row.scope)})

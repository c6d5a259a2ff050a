"""The introspection endpoint (RFC 7662): for confidential clients, of every token that this issuer has given."""

from typing import Any

from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from .answers import Answer
from .exchange import Exchange, ProtocolRequest
from .registry import Client
from .server import answer_of, in_transaction
from .stored_tokens import StoredToken
from .token_lookup import TokenLookup


class Introspection(TokenLookup, IntrospectionEndpoint):
    """Authlib's endpoint over the rows of tokens.py."""

    CLIENT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012 - Authlib's attribute

    def check_permission(self, token: StoredToken, client: Client, request: ProtocolRequest) -> bool:  # noqa: ARG002 - Authlib's signature
        """Let every confidential client ask, since resource servers ask for other clients' tokens."""
        return True

    def introspect_token(self, token: StoredToken) -> dict[str, Any]:
        """Return the members of RFC 7662 2.2 for a live token."""
        row = token.row
        return {
            "active": True,
            "scope": row.scope,
            "client_id": row.client_id,
            "username": row.username,
            "token_type": "Bearer" if token.kind == "access_token" else "refresh_token",
            "exp": int(row.expires_at.timestamp()),
            "iat": int(row.created.timestamp()),
            "sub": row.username,
            "iss": token.issuer_url,
            **{name: token.claims[name] for name in ("aud", "jti") if name in token.claims},
        }


async def introspect(exchange: Exchange) -> Answer:
    """POST /oauth2/introspect. Raises OAuth2Error for a request that cannot be read."""
    request = await exchange.protocol_request()
    return answer_of(await in_transaction(exchange, lambda server: server.respond(Introspection, request)))

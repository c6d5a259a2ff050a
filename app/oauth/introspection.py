"""The introspection endpoint (RFC 7662): for confidential clients, of every token that this issuer has given."""

from typing import Any

from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from .answers import Answer
from .exchange import Exchange, ProtocolRequest
from .registry import Client
from .server import AuthorizationServer, answer_of, in_transaction
from .stored_tokens import StoredToken, find_token, require_token


class Introspection(IntrospectionEndpoint):
    """Authlib's endpoint over the rows of tokens.py."""

    server: AuthorizationServer
    CLIENT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012 - Authlib's attribute

    def query_token(self, token_string: str, token_type_hint: str | None) -> StoredToken | None:  # noqa: ARG002 - a hint decides nothing
        """Return the token, or None for one that is unknown."""
        server = self.server
        return server.wait(
            find_token(
                server.transaction,
                server.parts.signing,
                server.issuer.name,
                server.issuer.url,
                token_string,
                server.now,
            )
        )

    def check_params(self, request: ProtocolRequest, client: Client) -> None:  # noqa: ARG002 - Authlib's signature
        """Raise InvalidRequestError for a missing token; an unknown hint is no error (RFC 7662 2.1)."""
        require_token(request)

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

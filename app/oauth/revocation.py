"""The revocation endpoint (RFC 7009)."""

from authlib.oauth2.rfc7009 import RevocationEndpoint

from .answers import Answer
from .exchange import Exchange, ProtocolRequest
from .registry import Client
from .server import AuthorizationServer, answer_of, in_transaction
from .stored_tokens import StoredToken, find_token, require_token
from .tokens import revoke_access_token, revoke_grant


class Revocation(RevocationEndpoint):
    """Authlib's endpoint over the rows of tokens.py; another client's token is refused and stays alive (RV-02)."""

    server: AuthorizationServer
    CLIENT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]  # noqa: RUF012 - Authlib's attribute

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
        """Raise InvalidRequestError for a missing token; an unknown hint is no error (RFC 7009 2.1)."""
        require_token(request)

    def revoke_token(self, token: StoredToken, request: ProtocolRequest) -> None:  # noqa: ARG002 - Authlib's signature
        """Revoke an access token alone, a refresh token with its whole grant (RV-06)."""
        server = self.server
        if token.kind == "access_token":
            server.wait(revoke_access_token(server.transaction, token.row.jti, server.now))
        else:
            server.wait(revoke_grant(server.transaction, token.row.grant_id, server.now))


async def revoke(exchange: Exchange) -> Answer:
    """POST /oauth2/revoke. Raises OAuth2Error for a request that cannot be read."""
    request = await exchange.protocol_request()
    return answer_of(await in_transaction(exchange, lambda server: server.respond(Revocation, request)))

"""The revocation endpoint (RFC 7009)."""

from authlib.oauth2.rfc7009 import RevocationEndpoint

from .answers import Answer
from .exchange import Exchange, ProtocolRequest
from .server import answer_of, in_transaction
from .stored_tokens import StoredToken
from .token_lookup import TokenLookup
from .tokens import revoke_access_token, revoke_grant


class Revocation(TokenLookup, RevocationEndpoint):
    """Authlib's endpoint over the rows of tokens.py; another client's token is refused and stays alive (RV-02)."""

    CLIENT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]  # noqa: RUF012 - Authlib's attribute

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

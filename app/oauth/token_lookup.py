"""What the endpoints that are shown a token share: which token it is, whatever its hint says (RFC 7009 2.1, RFC 7662 2.1)."""

from .exchange import ProtocolRequest
from .registry import Client
from .server import AuthorizationServer
from .stored_tokens import StoredToken, find_token, require_token


class TokenLookup:
    """Stands in front of Authlib's RevocationEndpoint and IntrospectionEndpoint."""

    server: AuthorizationServer

    def query_token(self, token_string: str, token_type_hint: str | None) -> StoredToken | None:  # noqa: ARG002 - a hint decides nothing
        """Return the token, or None for one that is unknown."""
        server, issuer = self.server, self.server.issuer
        found = find_token(server.transaction, server.parts.signing, issuer.name, issuer.url, token_string, server.now)
        return server.wait(found)

    def check_params(self, request: ProtocolRequest, client: Client) -> None:  # noqa: ARG002 - Authlib's signature
        """Raise InvalidRequestError for a missing token; an unknown hint is no error."""
        require_token(request)

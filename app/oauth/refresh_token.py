"""The refresh token grant (RFC 6749 6): rotation, and the end of the whole grant when a used token comes back."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, TokenMixin
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant

from .device_flows import hash_of_code
from .registry import Client
from .server import AuthorizationServer
from .tokens import FIND_REFRESH, TokenResponse, granted_of, has_ended, revoke_grant, use_refresh_token


class RefreshToken(RefreshTokenGrant):
    """Authlib's grant over the rows of tokens.py."""

    server: AuthorizationServer
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]  # noqa: RUF012 - Authlib's attribute

    @property
    def INCLUDE_NEW_REFRESH_TOKEN(self) -> bool:  # type: ignore[override]  # noqa: N802 - Authlib's attribute, read only
        """Return whether a refresh token is good for one use only."""
        return self.server.parts.settings.oauth.rotate_refresh_tokens

    def authenticate_refresh_token(self, refresh_token: str) -> "StoredRefreshToken":
        """Return the token. Raises InvalidGrantError; a used one takes the whole grant along (RFC 9700 4.14)."""
        server = self.server
        row = server.wait(server.transaction.one(FIND_REFRESH, token_hash=hash_of_code(refresh_token)))
        if row is None or row.issuer != server.issuer.name:
            raise InvalidGrantError("The refresh token is unknown")
        if row.client_id != server.client.client_id:
            raise InvalidGrantError("The refresh token was issued to another client")
        if row.grant_revoked_at is not None or has_ended(row, server.now):
            raise InvalidGrantError("The refresh token has expired or was revoked")
        if row.used_at is not None:
            server.wait(revoke_grant(server.transaction, row.grant_id, server.now))
            raise InvalidGrantError("The refresh token was used before, so all tokens of its grant are revoked")
        return StoredRefreshToken(row)

    def authenticate_user(self, refresh_token: "StoredRefreshToken") -> str:
        """Return the user who granted it; the new tokens belong to the same grant."""
        self.server.granted = granted_of(refresh_token.row)
        return str(refresh_token.row.username)

    def issue_token(self, user: str, refresh_token: Any) -> TokenResponse:
        """Return the members of the answer, with the scope that was asked for, else with all of it (RFC 6749 6)."""
        asked: str = self.request.payload.scope or ""  # type: ignore[union-attr] # our requests always have a payload
        scope = " ".join(dict.fromkeys(asked.split())) or refresh_token.get_scope()
        return self.server.generate_token(
            self.GRANT_TYPE, None, user, scope, include_refresh_token=self.INCLUDE_NEW_REFRESH_TOKEN
        )

    def revoke_old_credential(self, refresh_token: Any) -> None:
        """Mark the token as used, where it is good for one use only."""
        if self.INCLUDE_NEW_REFRESH_TOKEN:
            server = self.server
            server.wait(use_refresh_token(server.transaction, refresh_token.row.token_hash, server.now))


class StoredRefreshToken(TokenMixin):
    """A refresh token as Authlib asks for it (rfc6749.TokenMixin)."""

    def __init__(self, row: Any) -> None:
        self.row = row

    def check_client(self, client: Client) -> bool:
        """Return whether the token was issued to this client."""
        return bool(self.row.client_id == client.client_id)

    def get_scope(self) -> str:
        """Return the scope that was granted, which every refresh may ask for again (RFC 6749 6)."""
        return str(self.row.scope)

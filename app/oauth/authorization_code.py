"""The authorization code grant with PKCE (RFC 6749 4.1, RFC 7636): codes made by authorize.py, redeemed here."""

from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from sqlalchemy import bindparam, select, update

from ..oauth_tables import oauth_authorization_codes
from ..statements import Insert, Statement, matching
from ..transaction import Transaction
from .device_flows import hash_of_code
from .parameters import resource_of
from .registry import Client
from .server import AuthorizationServer
from .tokens import begin_grant, revoke_grant

LIFETIME = timedelta(minutes=1)

_INSERT = Insert(oauth_authorization_codes)
FIND_CODE = Statement(select(oauth_authorization_codes).where(matching(oauth_authorization_codes, "code_hash")))
_USE = Statement(
    update(oauth_authorization_codes)
    .where(
        matching(oauth_authorization_codes, "code_hash=of_code_hash"), oauth_authorization_codes.c.grant_id.is_(None)
    )
    .values(grant_id=bindparam("grant_id"))
)


async def insert_code(transaction: Transaction, code: str, **row: Any) -> None:
    """Store a code; `row` are the other columns without grant_id."""
    await transaction.insert(_INSERT, code_hash=hash_of_code(code), grant_id=None, **row)


async def use_code(transaction: Transaction, code_hash: str, grant_id: str) -> bool:
    """Take a code's only use and return True, or False when somebody was faster."""
    used = await transaction.update(_USE, oauth_authorization_codes, of_code_hash=code_hash, grant_id=grant_id)
    return used == 1


class StoredCode:
    """An authorization code as Authlib asks for it (rfc6749.AuthorizationCodeMixin)."""

    code_challenge_method = "S256"

    def __init__(self, row: Any) -> None:
        self.row = row
        self.code_challenge = row.code_challenge

    def get_redirect_uri(self) -> str:
        """Return where the code was sent; empty where the request named no place."""
        return str(self.row.redirect_uri)

    def get_scope(self) -> str:
        """Return what was granted."""
        return str(self.row.scope)


class AuthorizationCode(AuthorizationCodeGrant):
    """Authlib's grant over the rows of oauth_authorization_codes."""

    server: AuthorizationServer
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]  # noqa: RUF012 - Authlib's attribute

    def generate_authorization_code(self) -> str:
        """Return 256 random bits."""
        return self.server.parts.chance.token()

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Store a code for the user who consents; `request.user` is a Login of sessions.py."""
        server, asked = self.server, request.payload
        row = {
            "code_hash": hash_of_code(code),
            "issuer": server.issuer.name,
            "client_id": asked.client_id,
            "username": request.user.username,
            "redirect_uri": asked.redirect_uri or "",
            "scope": request.scope,
            "resource": resource_of(asked),
            "nonce": asked.data.get("nonce"),
            "code_challenge": asked.data.get("code_challenge"),
            "grant_id": None,
            "authenticated_at": request.user.authenticated_at,
            "created": server.now,
            "expires_at": server.now + LIFETIME,
        }
        server.wait(server.transaction.insert(_INSERT, **row))

    def query_authorization_code(self, code: str, client: Client) -> StoredCode:  # type: ignore[override] # ours does not inherit
        """Return the code. Raises InvalidGrantError; one that was used takes its tokens along (RFC 6749 4.1.2)."""
        server = self.server
        row = server.wait(server.transaction.one(FIND_CODE, code_hash=hash_of_code(code)))
        if row is None or (row.issuer, row.client_id) != (server.issuer.name, client.client_id):
            raise InvalidGrantError("The authorization code is unknown")
        if row.grant_id is not None:
            server.wait(revoke_grant(server.transaction, row.grant_id, server.now))
            raise InvalidGrantError("The authorization code was used before, so its tokens are revoked")
        if server.now >= row.expires_at:
            raise InvalidGrantError("The authorization code has expired")
        return StoredCode(row)

    def authenticate_user(self, authorization_code: StoredCode) -> str:
        """Return the user; the code is taken, and the grant begins."""
        server, row = self.server, authorization_code.row
        grant_id = server.parts.chance.uuid()
        if not server.wait(use_code(server.transaction, row.code_hash, grant_id)):
            raise InvalidGrantError("The authorization code was used before")
        names = ("client_id", "username", "scope", "resource", "nonce", "authenticated_at")
        server.granted = begin_grant(server, grant_id=grant_id, **{name: getattr(row, name) for name in names})
        return str(row.username)

    def delete_authorization_code(self, authorization_code: StoredCode) -> None:
        """Keep the code, so that its second use can be told (RFC 9700 4.5)."""


class ProofKey(CodeChallenge):
    """PKCE with S256 alone; a public client cannot do without it (RFC 9700 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 - Authlib's attribute

    def validate_code_challenge(self, grant: AuthorizationCode, redirect_uri: str) -> None:
        """Raise InvalidRequestError for a missing or foreign challenge."""
        asked = grant.request.payload.data  # type: ignore[union-attr] # our requests always have a payload
        client: Any = grant.request.client
        if "code_challenge" not in asked and client.client_secret is None:
            raise InvalidRequestError("The parameter code_challenge is missing")
        if "code_challenge" in asked and asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("The code_challenge_method must be S256")
        super().validate_code_challenge(grant, redirect_uri)

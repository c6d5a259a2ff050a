"""Who may ask and who may approve: clients and users of tms.toml on top of the seeded ones. It decides nothing."""

import re
from collections.abc import Awaitable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import literal_column, select

from ..oauth_tables import oauth_clients, oauth_users
from ..records import hash_of, same_secret, same_text
from ..settings import OAuthClient, Settings
from ..statements import Statement, matching
from ..store import Store
from .scripts import steps_of

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"

_LOOPBACK_PORT = re.compile(r"^(http://(?:127\.0\.0\.1|\[::1\])):\d{1,5}(?=[/?]|$)")
_CLIENT = Statement(select(oauth_clients).where(matching(oauth_clients, "client_id")))
_CLIENTS = Statement(select(oauth_clients).where(oauth_clients.c.tapis_tenant == literal_column("''")))
_USER = Statement(select(oauth_users).where(matching(oauth_users, "username")))


class Reader(Protocol):
    """A store or a transaction."""

    def one(self, statement: Statement, **parameters: Any) -> Awaitable[Any]:
        """Return the first row, or None."""


class User(NamedTuple):
    """Somebody who can log in."""

    username: str
    password_hash: str


def has_password(user: User | None, password: str) -> bool:
    """Return whether this is a user's password, in constant time; somebody unknown has none, and costs as much."""
    return same_secret(password, user and user.password_hash)


class Client(NamedTuple):
    """A registered client, with the methods that Authlib asks a client for (rfc6749.ClientMixin)."""

    client_id: str
    client_secret: str | None
    client_name: str
    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    auth_methods: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    script: tuple[str, ...]

    def get_client_id(self) -> str:
        """Return the id."""
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return the scope to grant: what was asked for, or all that the client may have (RFC 6749 3.3)."""
        return " ".join(dict.fromkeys((scope or "").split())) or " ".join(self.scopes)

    def check_client_secret(self, client_secret: str) -> bool:
        """Return whether this is the secret, in constant time."""
        return same_text(client_secret, self.client_secret or "")

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - Authlib's signature
        """Return whether the client may authenticate this way."""
        return method in (self.auth_methods if self.client_secret else ("none",))

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether the client may use this grant."""
        return grant_type in self.grant_types

    def check_response_type(self, response_type: str) -> bool:
        """Return whether the client may ask for this at the authorization endpoint."""
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Return whether the browser may be sent there: a registered URI, or loopback where none is registered.

        Of a registered loopback address any port is meant (RFC 8252 7.3).
        """
        if not self.redirect_uris:
            return is_loopback(redirect_uri)
        return redirect_uri in self.redirect_uris or without_port(redirect_uri) in map(without_port, self.redirect_uris)

    def get_default_redirect_uri(self) -> str | None:
        """Return where the browser goes when the client does not say."""
        return self.redirect_uris[0] if len(self.redirect_uris) == 1 else None


def is_loopback(uri: str) -> bool:
    """Return whether a URI stays on this machine."""
    # Imported here: most runs never see a redirect.
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1") and not parts.fragment


def without_port(uri: str) -> str:
    """Return a URI of a loopback address, in digits, without its port, and any other one as it is."""
    return _LOOPBACK_PORT.sub(r"\1", uri)


class Registry:
    """Finds clients and users. What tms.toml defines replaces what was seeded under the same name."""

    def __init__(self, settings: Settings) -> None:
        self._clients = {client.client_id: _configured(client) for client in settings.oauth.clients}
        self._users = {user.username: User(user.username, hash_of(user.password)) for user in settings.oauth.users}
        self._automatic = {settings.oauth.auto_approve} if settings.oauth.auto_approve else set()
        self._scripts = {issuer.name: issuer.script for issuer in settings.oauth.issuers}

    def is_configured(self, client_id: str) -> bool:
        """Return whether tms.toml defines a client."""
        return client_id in self._clients

    async def client(self, reader: Reader, client_id: str, tenant: str = "") -> Client | None:
        """Return a client of a Tapis tenant, "" for the first one, or None. Raises DatabaseError."""
        if client_id in self._clients and not tenant:
            return self._clients[client_id]
        row = await reader.one(_CLIENT, client_id=client_id)
        return None if row is None or row.tapis_tenant != tenant else _stored(row)

    async def clients(self, store: Store) -> list[Client]:
        """Return every client, in the order of their ids. Raises DatabaseError."""
        stored = [_stored(row) async for page in store.pages(_CLIENTS) for row in page]
        known = {client.client_id: client for client in stored} | self._clients
        return [known[client_id] for client_id in sorted(known)]

    async def user(self, reader: Reader, username: str) -> User | None:
        """Return a user, or None. Raises DatabaseError."""
        if username in self._users:
            return self._users[username]
        row = await reader.one(_USER, username=username)
        return None if row is None else User(row.username, row.password_hash)

    def approvers(self) -> set[str]:
        """Return the users that auto_approve and the scripts of tms.toml name, but those that it defines itself."""
        scripts = [*self._scripts.values(), *(client.script for client in self._clients.values())]
        named = {step.username for script in scripts for step in steps_of(script) if step.username}
        return (named | self._automatic) - self._users.keys()

    def script(self, client: Client, issuer: str) -> tuple[str, ...]:
        """Return the script that a new device flow plays: the client's, else the named issuer's, else none."""
        return client.script or self._scripts.get(issuer, ())


def _configured(client: OAuthClient) -> Client:
    return Client(
        client_id=client.client_id,
        client_secret=client.client_secret,
        client_name=client.client_name or client.client_id,
        scopes=client.scopes,
        grant_types=client.grant_types,
        auth_methods=client.auth_methods,
        redirect_uris=client.redirect_uris,
        script=client.script,
    )


@lru_cache(1_000)
def _stored(row: Any) -> Client:
    return Client(
        client_id=row.client_id,
        client_secret=row.client_secret,
        client_name=row.client_name,
        scopes=tuple(row.scope.split()),
        grant_types=tuple(row.grant_types.split()),
        auth_methods=tuple(row.auth_methods.split()),
        redirect_uris=tuple(row.redirect_uris.split()),
        script=tuple(msgspec.json.decode(row.script)) if row.script else (),
    )

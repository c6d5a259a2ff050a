"""The tenants, and which one a request is for: by header, by path, by host, else the first (contract tapis 1.4)."""

import re
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

from ..errors import StartRefused
from ..oauth.issuers import host_of
from ..oauth.registry import Client, Reader, Registry, User
from ..oauth.scripts import steps_of
from ..records import hash_of
from ..settings import Settings
from ..settings_tables import TapisClient, TapisTenant
from .refusal import TapisRefusal

ISSUER_PREFIX = "tapis/"
GRACE = timedelta(seconds=6)  # in which a code that has expired is still taken (contract tapis 4.2)
# Where nobody asks for a tenant (contract tapis 2.1, 2.10).
_TENANTLESS = ("/v3/oauth2/hello", "/v3/oauth2/ready", "/v3/apps/healthcheck")
_IN_PATH = re.compile(r"/tenants/([A-Za-z0-9][A-Za-z0-9._-]{0,63})(/v3/.*)")


class Tenant(NamedTuple):
    """A tenant. The first one shares users and clients with the rest of the stand-in, another has its own."""

    tenant_id: str
    hosts: tuple[str, ...]
    registry: Registry
    own_users: dict[str, User] | None
    own_clients: dict[str, Client] | None

    @property
    def issuer(self) -> str:
        """The name by which its flows, tokens and keys are stored; no named issuer can have a slash in it."""
        return f"{ISSUER_PREFIX}{self.tenant_id}"

    async def client(self, reader: Reader, client_id: str) -> Client | None:
        """Return a client of this tenant, or None. Raises DatabaseError."""
        if self.own_clients is not None and client_id in self.own_clients:
            return self.own_clients[client_id]
        return await self.registry.client(reader, client_id, self.stored_as)

    async def user(self, reader: Reader, username: str) -> User | None:
        """Return a user of this tenant, or None. Raises DatabaseError."""
        if self.own_users is not None:
            return self.own_users.get(username)
        return await self.registry.user(reader, username)

    @property
    def stored_as(self) -> str:
        """The tenant in the rows of its clients; those of the first one belong to the whole stand-in."""
        return "" if self.own_clients is None else self.tenant_id


class Tenants:
    """All tenants of the settings; the one of `tapis.tenant` comes first."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        first = Tenant(settings.tapis.tenant, (), registry, None, None)
        others = [_configured(tenant, registry) for tenant in settings.tapis.tenants]
        self.all = {tenant.tenant_id: tenant for tenant in (first, *others)}
        self._first = self.all[first.tenant_id]
        self._registry = registry
        self._health_checks = count(1)

    def count_health_check(self) -> int:
        """Return the running number of a health check."""
        return next(self._health_checks)

    def is_configured(self, client_id: str) -> bool:
        """Return whether the settings define a client, whatever its tenant: ids are there once for all."""
        own = (tenant.own_clients or {} for tenant in self.all.values())
        return self._registry.is_configured(client_id) or any(client_id in clients for clients in own)

    def find(self, scope: Any, path: str) -> tuple[Tenant, str, str]:
        """Return the tenant, its base URL as the caller used it, and the path behind that.

        Raises TapisRefusal for a tenant that is not there, and HostError.
        """
        host = host_of(scope["headers"])
        base_url = f"{scope['scheme']}://{host}"
        if in_path := _IN_PATH.fullmatch(path):
            return self._known(in_path[1]), f"{base_url}/tenants/{in_path[1]}", in_path[2]
        name = _forced(scope, host, path)
        return self._known(name) if name else self._of_host(host), base_url, path

    def base_url(self, tenant: Tenant, caller: Tenant, callers_url: str) -> str:
        """Return the base URL of a tenant as somebody sees it who uses the caller's (design 2.6)."""
        if tenant.tenant_id == caller.tenant_id:
            return callers_url
        root = "/".join(callers_url.split("/")[:3])
        of_root = self._of_host(root.partition("://")[2])
        return root if tenant is of_root else f"{root}/tenants/{tenant.tenant_id}"

    def of_issuer(self, issuer: str) -> Tenant | None:
        """Return the tenant that a stored flow belongs to, or None for another dialect's, or a tenant that is no more."""
        return self.all.get(issuer.removeprefix(ISSUER_PREFIX)) if issuer.startswith(ISSUER_PREFIX) else None

    def issuer_of(self, host: str) -> str:
        """Return the name of the issuer that clients have at this host."""
        return self._of_host(host).issuer

    def issuer_url(self, issuer: str, host_url: str) -> str:
        """Return the URL of a tenant's issuer as somebody sees it who uses this scheme and host."""
        tenant_id = issuer.removeprefix(ISSUER_PREFIX)
        at_root = self.issuer_of(host_url.partition("://")[2]) == issuer
        return f"{host_url}/v3/oauth2" if at_root else f"{host_url}/tenants/{tenant_id}/v3/oauth2"

    def _known(self, tenant_id: str) -> Tenant:
        if tenant_id not in self.all:
            raise TapisRefusal("invalid tenant id.")
        return self.all[tenant_id]

    def _of_host(self, host: str) -> Tenant:
        name = re.sub(r":\d+$", "", host.lower())
        named = [tenant for tenant in self.all.values() if name in tenant.hosts]
        labelled = [tenant for tenant in self.all.values() if name.partition(".")[0] == tenant.tenant_id.lower()]
        return (*named, *labelled, self._first)[0]


def _forced(scope: Any, host: str, path: str) -> str:
    """Return the tenant that a header names, or "": another one for tokens on a localhost (contract tapis 1.4)."""
    if path in _TENANTLESS:
        return ""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    if path == "/v3/oauth2/tokens" and scope["method"] == "POST" and "localhost" in host.lower():
        local = headers.get(b"x-tapis-local-tenant", "")
    else:
        local = ""
    # With a user's token the other header is refused later, in the contract's words.
    return local or ("" if b"x-tapis-token" in headers else headers.get(b"x-tapis-tenant", ""))


def _configured(tenant: TapisTenant, registry: Registry) -> Tenant:
    """Return a tenant of the settings. Raises StartRefused for a script that approves as somebody else's user."""
    users = {user.username: User(user.username, hash_of(user.password)) for user in tenant.users}
    clients = {client.client_id: _client(client) for client in tenant.clients}
    for client in tenant.clients:
        for step in steps_of(client.script):
            if step.username and step.username not in users:
                raise StartRefused(
                    f"tapis.tenants: a script of client {client.client_id!r} approves as {step.username!r}, "
                    f"expected a user of tenant {tenant.tenant_id!r}."
                )
    return Tenant(tenant.tenant_id, tuple(host.lower() for host in tenant.hosts), registry, users, clients)


def _client(client: TapisClient) -> Client:
    return Client(
        client_id=client.client_id,
        client_secret=client.client_key,
        client_name=client.display_name or client.client_id,
        scopes=(),
        grant_types=(),
        auth_methods=(),
        redirect_uris=(client.callback_url,) if client.callback_url else (),
        script=client.script,
    )

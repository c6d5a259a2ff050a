"""E03 to E08: client applications, which ask for keys on behalf of users."""

from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, delete, select, update

from .. import version_requirement
from ..call import Call
from ..declare import DateTime, Flag, Flag32, Int32, Listing, Reply, Resource, UInt32
from ..errors import Refusal
from ..gates import (
    CLIENT,
    checks,
    named_tenant_enabled,
    new_clients_allowed,
    owner_or_admin,
    owner_or_admin_of,
    version_valid,
)
from ..records import hash_of
from ..statements import Insert, Statement, matching
from ..tables import clients
from ..transaction import Transaction
from .common import broken_update, listing, not_found, shown, stamps

on = Resource("/tms/client", "Clients")

_SHOWN = [column for column in clients.columns if column.name != "client_secret"]
_IN_ORDER = select(*_SHOWN).order_by(clients.c.tenant, clients.c.client_id)
_ONE = matching(clients, "tenant client_id")

ALL_CLIENTS = Statement(_IN_ORDER.where(matching(clients, "tenant")))
OWN_CLIENT = Statement(_IN_ORDER.where(_ONE))
NEW_CLIENT = Insert(clients)
NEW_VERSION = Statement(
    update(clients).values(app_version=bindparam("new_version"), updated=bindparam("now")).where(_ONE)
)
NEW_STATE = Statement(update(clients).values(enabled=bindparam("new_state"), updated=bindparam("now")).where(_ONE))
NEW_SECRET = Statement(
    update(clients).values(client_secret=bindparam("new_secret"), updated=bindparam("now")).where(_ONE)
)
DELETE_CLIENT = Statement(delete(clients).where(_ONE))


class ReqCreateClient(Struct):
    """A client to register."""

    client_id: str
    tenant: str
    app_name: str
    app_version: str


class RespCreateClient(Reply):
    """The new client; the secret is shown this once."""

    client_id: str
    client_secret: str


class RespGetClient(Reply):
    """A client."""

    id: Int32
    tenant: str
    app_name: str
    app_version: str
    client_id: str
    enabled: Flag
    created: DateTime
    updated: DateTime


class ClientListElement(Struct):
    """A client in a list."""

    id: Int32
    tenant: str
    app_name: str
    app_version: str
    client_id: str
    enabled: Flag32
    created: DateTime
    updated: DateTime


class RespListClient(Reply):
    """Clients of a tenant."""

    num_clients: Int32
    clients: list[ClientListElement]


class RespUpdateClient(Reply):
    """How many fields were changed."""

    fields_updated: Int32


class RespUpdateClientSecret(Reply):
    """The new secret, shown this once."""

    client_id: str
    tenant: str
    client_secret: str


class RespDeleteClient(Reply):
    """How many clients were deleted."""

    num_deleted: UInt32


@on.post("", RespCreateClient)
@checks(named_tenant_enabled, new_clients_allowed, version_valid, statuses=(400,))
async def create_client(call: Call, body: ReqCreateClient) -> RespCreateClient:
    """Register a client; nobody has to be authorized (E05)."""
    secret = call.parts.chance.secret()
    row = {
        "tenant": body.tenant,
        "app_name": body.app_name,
        "app_version": body.app_version,
        "client_id": body.client_id,
        "client_secret": hash_of(secret),
        "enabled": True,
        **stamps(call),
    }
    await call.write(lambda transaction: transaction.insert(NEW_CLIENT, **row))
    return RespCreateClient(client_id=body.client_id, client_secret=secret)


@on.get("/{client_id}", RespGetClient, also=(404,))
@owner_or_admin_of(
    "ERROR: NOT AUTHORIZED to view client {client_id} in tenant {tenant}.",
    "ERROR: FORBIDDEN - Path parameters ({client_id}@{tenant}) differ from those in the request header.",
)
async def get_client(call: Call, client_id: str) -> RespGetClient:
    """Show a client to itself or to an administrator (E03)."""
    row = await call.parts.store.cached(CLIENT, tenant=call.tenant, client_id=client_id)
    if row is None:
        raise not_found()
    values = shown(call.parts.modes.wire, row)
    del values["client_secret"]
    return RespGetClient(**values)


@on.patch("/upd/{client_id}", RespUpdateClient)
@owner_or_admin_of(
    "ERROR: NOT AUTHORIZED to update client {client_id} in tenant {tenant}.",
    "ERROR: FORBIDDEN - Payload parameters ({client_id}@{tenant}) differ from those in the request header.",
)
async def update_client(call: Call, client_id: str, app_version: str | None, enabled: bool | None) -> RespUpdateClient:
    """Change a client's version or state, both or neither (E06)."""
    if app_version is None and enabled is None:
        return RespUpdateClient(result_msg="No updates specified", fields_updated=0)
    _require_version(app_version)
    broken_update(call)
    key: dict[str, Any] = {"tenant": call.tenant, "client_id": client_id, "now": call.parts.clock.now()}

    async def work(transaction: Transaction) -> int:
        changed = 0
        if app_version is not None:
            changed += await transaction.update(NEW_VERSION, clients, new_version=app_version, **key)
        if enabled is not None:
            changed += await transaction.update(NEW_STATE, clients, new_state=enabled, **key)
        return changed

    changed = await call.write(work)
    return RespUpdateClient(result_msg=f"{changed} update(s) to client {client_id} completed", fields_updated=changed)


def _require_version(app_version: str | None) -> None:
    """Raise 500 for a bad version, where E05 has 400 (D7)."""
    try:
        if app_version is not None:
            version_requirement.check(app_version)
    except version_requirement.VersionRequirementError as error:
        raise Refusal(500, f"ERROR: {error}") from None


@on.delete("/del/{client_id}", RespDeleteClient)
@owner_or_admin_of(
    "ERROR: NOT AUTHORIZED to delete client {client_id} in tenant {tenant}.",
    "ERROR: FORBIDDEN - Payload parameters ({client_id}@{tenant}) differ from those in the request header.",
)
async def delete_client(call: Call, client_id: str) -> RespDeleteClient:
    """Delete a client with its delegations, keys and reservations (E07)."""
    deleted = await call.write(
        lambda transaction: transaction.delete(DELETE_CLIENT, clients, tenant=call.tenant, client_id=client_id)
    )
    done = f"Client {client_id} deleted" if deleted else f"Client {client_id} NOT FOUND - Nothing deleted"
    return RespDeleteClient(result_msg=done, num_deleted=deleted)


@on.patch("/secret/{client_id}", RespUpdateClientSecret)
@owner_or_admin_of(
    "ERROR: NOT AUTHORIZED to update client {client_id} in tenant {tenant}.",
    "ERROR: FORBIDDEN - Payload parameters ({client_id}@{tenant}) differ from those in the request header.",
)
async def update_client_secret(call: Call, client_id: str) -> RespUpdateClientSecret:
    """Give a client a new secret (E08); for an unknown client it works nowhere, as in the reference (D13)."""
    broken_update(call)
    secret = call.parts.chance.secret()
    values: dict[str, Any] = {"tenant": call.tenant, "client_id": client_id, "now": call.parts.clock.now()}
    values["new_secret"] = hash_of(secret)
    await call.write(lambda transaction: transaction.update(NEW_SECRET, clients, **values))
    return RespUpdateClientSecret(
        result_msg=f"Secret updated for client {client_id}",
        client_id=client_id,
        tenant=call.tenant,
        client_secret=secret,
    )


@on.get("/list", RespListClient)
@owner_or_admin("ERROR: NOT AUTHORIZED to list clients in tenant {tenant}.")
async def list_clients(call: Call) -> Listing:
    """List a tenant's clients to an administrator, its own record to a client (E04)."""
    if call.caller is None:
        return listing(call, "clients", "num_clients", ClientListElement, ALL_CLIENTS, tenant=call.tenant)
    key = {"tenant": call.tenant, "client_id": call.caller}
    return listing(call, "clients", "num_clients", ClientListElement, OWN_CLIENT, **key)

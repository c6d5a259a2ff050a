"""E30 to E35: tenants and, with each, its administrator."""

from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, delete, select, update

from .. import tables
from ..call import Call
from ..declare import DateTime, Flag, Flag32, Int32, Listing, Reply, Resource, UInt32
from ..gates import admin_authorized, admin_of, checks, default_tenant, tenant_enabled, tenant_header
from ..records import ADMINISTRATOR_ID, ADMINISTRATOR_PRIVILEGE, hash_of
from ..statements import Insert, Statement, matching
from ..tables import tenants
from ..transaction import Transaction
from .common import broken_update, listing, not_found, shown, stamps

on = Resource("/tms/tenants", "Tenants")

_ONE = matching(tenants, "tenant")

ALL_TENANTS = Statement(select(tenants).order_by(tenants.c.id))
ONE_TENANT = Statement(select(tenants).where(_ONE))
NEW_TENANT = Insert(tenants)
NEW_ADMINISTRATOR = Insert(tables.admin)
NEW_STATE = Statement(update(tenants).values(enabled=bindparam("new_state"), updated=bindparam("now")).where(_ONE))

# Children first, so that cascades hide nothing from the count of E35; E33 takes the last two alone.
_WIPE_ORDER = [
    tables.reservations,
    tables.pubkeys,
    tables.delegations,
    tables.user_hosts,
    tables.user_mfa,
    tables.clients,
    tables.hosts,
    tables.admin,
    tables.tenants,
]
DELETES = [(table, Statement(delete(table).where(matching(table, "tenant")))) for table in _WIPE_ORDER]


class RespGetTenants(Reply):
    """A tenant."""

    id: Int32
    tenant: str
    enabled: Flag
    created: DateTime
    updated: DateTime


class TenantsListElement(Struct):
    """A tenant in a list."""

    id: Int32
    tenant: str
    enabled: Flag32
    created: DateTime
    updated: DateTime


class RespListTenants(Reply):
    """All tenants."""

    num_tenants: Int32
    tenants: list[TenantsListElement]


class RespCreateTenants(Reply):
    """The new tenant; its administrator's secret is shown this once."""

    enabled: bool
    tenant: str
    admin_id: str
    admin_secret: str


class ReqUpdateTenants(Struct):
    """A tenant's new state."""

    tenant: str
    enabled: bool


class RespUpdateTenants(Reply):
    """How many tenants were changed."""

    fields_updated: Int32


class RespDeleteTenants(Reply):
    """How many rows of tenants and administrators were deleted."""

    num_deleted: UInt32


class RespWipeTenants(Reply):
    """How many rows of all tables were deleted."""

    num_deleted: UInt32


@on.post("/{tenant}", RespCreateTenants)
@checks(
    tenant_header,
    default_tenant,
    tenant_enabled,
    admin_authorized,
    deny="ERROR: NOT AUTHORIZED to add a new tenant.",
)
async def create_tenant(call: Call, tenant: str) -> RespCreateTenants:
    """Create a tenant and its administrator (E32)."""
    secret = call.parts.chance.secret()
    written = stamps(call)
    administrator = {"admin_user": ADMINISTRATOR_ID, "admin_secret": hash_of(secret)}

    async def work(transaction: Transaction) -> None:
        await transaction.insert(NEW_TENANT, tenant=tenant, enabled=True, **written)
        await transaction.insert(
            NEW_ADMINISTRATOR, tenant=tenant, privilege=ADMINISTRATOR_PRIVILEGE, **administrator, **written
        )

    await call.write(work)
    return RespCreateTenants(tenant=tenant, enabled=True, admin_id=ADMINISTRATOR_ID, admin_secret=secret)


@on.get("/{tenant}", RespGetTenants, also=(404,))
async def get_tenant(call: Call, tenant: str) -> RespGetTenants:
    """Show a tenant to anybody (E30)."""
    row = await call.parts.store.one(ONE_TENANT, tenant=tenant)
    if row is None:
        raise not_found()
    return RespGetTenants(**shown(call.parts.modes.wire, row))


@on.get("/list", RespListTenants)
async def list_tenants(call: Call) -> Listing:
    """List all tenants to anybody (E31)."""
    return listing(call, "tenants", "num_tenants", TenantsListElement, ALL_TENANTS)


@on.delete("/del/{tenant}", RespDeleteTenants)
@admin_of("ERROR: NOT AUTHORIZED to delete tenant {tenant}.")
async def delete_tenant(call: Call, tenant: str) -> RespDeleteTenants:
    """Delete a tenant that nothing but its administrator is left of (E33)."""
    deleted = await _delete(call, tenant, DELETES[-2:])
    done = f"Tenant {tenant} deleted" if deleted else f"Tenant {tenant} NOT FOUND - Nothing deleted"
    return RespDeleteTenants(result_msg=done, num_deleted=deleted)


@on.patch("/upd", RespUpdateTenants)
@admin_of("ERROR: NOT AUTHORIZED to update tenant {tenant}.")
async def update_tenant(call: Call, body: ReqUpdateTenants) -> RespUpdateTenants:
    """Disable a tenant; a disabled one does not get here any more (E34, S10)."""
    broken_update(call)
    values = {"new_state": body.enabled, "now": call.parts.clock.now(), "tenant": body.tenant}
    changed = await call.write(lambda transaction: transaction.update(NEW_STATE, tenants, **values))
    state = str(body.enabled).lower()
    done = f"{changed} update(s) to tenant {body.tenant} completed, enabled = {state}"
    return RespUpdateTenants(result_msg=done, fields_updated=changed)


@on.delete("/wipe/{tenant}", RespWipeTenants)
@admin_of("ERROR: NOT AUTHORIZED to delete tenant {tenant}.")
async def wipe_tenant(call: Call, tenant: str) -> RespWipeTenants:
    """Delete a tenant and everything in it (E35)."""
    deleted = await _delete(call, tenant, DELETES)
    done = f"Tenant {tenant} and dependencies wiped" if deleted else f"Tenant {tenant} NOT FOUND - Nothing deleted"
    return RespWipeTenants(result_msg=done, num_deleted=deleted)


async def _delete(call: Call, tenant: str, deletes: list[tuple[Any, Statement]]) -> int:
    async def work(transaction: Transaction) -> int:
        return sum([await transaction.delete(statement, table, tenant=tenant) for table, statement in deletes])

    return await call.write(work)

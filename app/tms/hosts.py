"""E36 to E39: addresses of hosts, which no other endpoint reads (S15). Administrators only."""

from msgspec import Struct
from sqlalchemy import delete, select

from ..call import Call
from ..declare import DateTime, Int32, Listing, Reply, Resource, UInt32
from ..gates import admin, admin_of
from ..statements import Insert, Statement, matching
from ..tables import hosts
from .common import listing, not_found, shown, stamps

on = Resource("/tms/hosts", "Hosts")

ALL_HOSTS = Statement(select(hosts).where(matching(hosts, "tenant")).order_by(hosts.c.host, hosts.c.addr))
ONE_HOST = Statement(select(hosts).where(matching(hosts, "tenant id")))
NEW_HOST = Insert(hosts)
DELETE_HOST = Statement(delete(hosts).where(matching(hosts, "tenant host addr")))


class ReqCreateHost(Struct):
    """A host and its address."""

    tenant: str
    host: str
    addr: str


class RespCreateHost(Reply):
    """The new mapping."""

    tenant: str
    host: str
    addr: str


class HostsListElement(Struct):
    """A mapping in a list."""

    id: Int32
    tenant: str
    host: str
    addr: str
    created: DateTime
    updated: DateTime


class RespGetHosts(Reply):
    """A mapping."""

    id: Int32
    tenant: str
    host: str
    addr: str
    created: DateTime
    updated: DateTime


class RespListHosts(Reply):
    """The mappings of a tenant, in an array that the reference calls users."""

    num_mappings: Int32
    users: list[HostsListElement]


class ReqDeleteHosts(Struct):
    """The mapping to delete."""

    tenant: str
    host: str
    addr: str


class RespDeleteHosts(Reply):
    """How many mappings were deleted."""

    num_deleted: UInt32


@on.post("", RespCreateHost)
@admin_of("ERROR: NOT AUTHORIZED to add a new host mapping.")
async def create_host(call: Call, body: ReqCreateHost) -> RespCreateHost:
    """Map a host to an address (E36)."""
    row = {"tenant": body.tenant, "host": body.host, "addr": body.addr}
    await call.write(lambda transaction: transaction.insert(NEW_HOST, **row, **stamps(call)))
    return RespCreateHost(**row)


@on.get("/{id}", RespGetHosts, also=(404,))
@admin("ERROR: NOT AUTHORIZED to view host mapping information for record #{id} in tenant {tenant}")
async def get_host(call: Call, id: Int32) -> RespGetHosts:  # noqa: A002 - the contract's name
    """Show a mapping (E37)."""
    row = await call.parts.store.one(ONE_HOST, tenant=call.tenant, id=id)
    if row is None:
        raise not_found()
    return RespGetHosts(**shown(call.parts.modes.wire, row))


@on.delete("/del", RespDeleteHosts)
@admin_of("ERROR: NOT AUTHORIZED to delete host mapping {host} -> {addr} in tenant {tenant}.")
async def delete_host(call: Call, body: ReqDeleteHosts) -> RespDeleteHosts:
    """Delete a mapping (E39)."""
    key = {"tenant": body.tenant, "host": body.host, "addr": body.addr}
    deleted = await call.write(lambda transaction: transaction.delete(DELETE_HOST, hosts, **key))
    mapping = f"{body.host} -> {body.addr}"
    done = (
        f"Host {mapping} deleted in tenant {body.tenant}"
        if deleted
        else f"Host mapping {mapping} NOT FOUND for tenant {body.tenant} - Nothing deleted"
    )
    return RespDeleteHosts(result_msg=done, num_deleted=deleted)


@on.get("/list", RespListHosts)
@admin("ERROR: NOT AUTHORIZED to list user host information in tenant {tenant}.")
async def list_hosts(call: Call) -> Listing:
    """List the mappings of a tenant (E38)."""
    return listing(call, "users", "num_mappings", HostsListElement, ALL_HOSTS, tenant=call.tenant)

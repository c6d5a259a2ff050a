"""E20 to E24: which account a user has on which host. Administrators only."""

from msgspec import Struct
from sqlalchemy import bindparam, delete, select, update

from ..call import Call
from ..declare import Answer, DateTime, Int32, Listing, Reply, Resource, UInt32
from ..gates import admin, admin_of
from ..statements import Insert, Statement, matching
from ..tables import user_hosts
from .common import (
    broken_update,
    expiry_after,
    expiry_update,
    fresh_expiry,
    listing,
    not_found,
    shown,
    stamps,
)

on = Resource("/tms/userhosts", "User hosts")

_ONE = matching(user_hosts, "tenant tms_user_id host host_account")

ALL_USER_HOSTS = Statement(
    select(user_hosts)
    .where(matching(user_hosts, "tenant"))
    .order_by(user_hosts.c.tms_user_id, user_hosts.c.host, user_hosts.c.host_account)
)
ONE_USER_HOST = Statement(select(user_hosts).where(matching(user_hosts, "tenant id")))
NEW_USER_HOST = Insert(user_hosts)
NEW_EXPIRY = Statement(
    update(user_hosts).values(expires_at=bindparam("new_expiry"), updated=bindparam("now")).where(_ONE)
)
DELETE_USER_HOST = Statement(delete(user_hosts).where(_ONE))


class ReqCreateUserHosts(Struct):
    """A user's account on a host."""

    tenant: str
    tms_user_id: str
    host: str
    host_account: str
    ttl_minutes: Int32


class RespCreateUserHosts(Reply):
    """The new mapping."""

    tms_user_id: str
    host: str
    host_account: str
    expires_at: DateTime


class UserHostsListElement(Struct):
    """A mapping in a list."""

    id: Int32
    tenant: str
    tms_user_id: str
    host: str
    host_account: str
    expires_at: DateTime
    created: DateTime
    updated: DateTime


class RespGetUserHosts(Reply):
    """A mapping."""

    id: Int32
    tenant: str
    tms_user_id: str
    host: str
    host_account: str
    expires_at: DateTime
    created: DateTime
    updated: DateTime


class RespListUserHosts(Reply):
    """The mappings of a tenant."""

    num_users: Int32
    users: list[UserHostsListElement]


class ReqDeleteUserHosts(Struct):
    """The mapping to delete."""

    tms_user_id: str
    tenant: str
    host: str
    host_account: str


class RespDeleteUserHosts(Reply):
    """How many mappings were deleted."""

    num_deleted: UInt32


class ReqUpdateUserHosts(Struct):
    """A mapping's new lifetime."""

    tms_user_id: str
    tenant: str
    host: str
    host_account: str
    ttl_minutes: Int32


class RespUpdateUserHosts(Reply):
    """How many mappings were changed, and until when they hold."""

    fields_updated: Int32
    expires_msg: str


@on.post("", RespCreateUserHosts)
@admin_of("ERROR: NOT AUTHORIZED to add a user host record in tenant {tenant}.")
async def create_user_host(call: Call, body: ReqCreateUserHosts) -> RespCreateUserHosts:
    """Map a user to an account on a host (E20)."""
    expires_at = expiry_after(call, body.ttl_minutes)
    row = {
        "tenant": body.tenant,
        "tms_user_id": body.tms_user_id,
        "host": body.host,
        "host_account": body.host_account,
        "expires_at": expires_at,
        **stamps(call),
    }
    await call.write(lambda transaction: transaction.insert(NEW_USER_HOST, **row))
    return RespCreateUserHosts(
        tms_user_id=body.tms_user_id,
        host=body.host,
        host_account=body.host_account,
        expires_at=fresh_expiry(call, expires_at),
    )


@on.get("/{id}", RespGetUserHosts, also=(404,))
@admin("ERROR: NOT AUTHORIZED to view host information for record #{id} in tenant {tenant}")
async def get_user_host(call: Call, id: Int32) -> RespGetUserHosts:  # noqa: A002 - the contract's name
    """Show a mapping (E21)."""
    row = await call.parts.store.one(ONE_USER_HOST, tenant=call.tenant, id=id)
    if row is None:
        raise not_found()
    return RespGetUserHosts(**shown(call.parts.modes.wire, row))


@on.get("/list", RespListUserHosts)
@admin("ERROR: NOT AUTHORIZED to list user host information in tenant {tenant}.")
async def list_user_hosts(call: Call) -> Listing:
    """List the mappings of a tenant (E22)."""
    return listing(call, "users", "num_users", UserHostsListElement, ALL_USER_HOSTS, tenant=call.tenant)


@on.delete("/del", RespDeleteUserHosts)
@admin_of("ERROR: NOT AUTHORIZED to delete host {host} for user {tms_user_id} in tenant {tenant}.")
async def delete_user_host(call: Call, body: ReqDeleteUserHosts) -> RespDeleteUserHosts:
    """Delete a mapping with the keys that hang on it (E23)."""
    key = {
        "tenant": body.tenant,
        "tms_user_id": body.tms_user_id,
        "host": body.host,
        "host_account": body.host_account,
    }
    deleted = await call.write(lambda transaction: transaction.delete(DELETE_USER_HOST, user_hosts, **key))
    done = (
        f"User host {body.host} deleted for user {body.tms_user_id} and account {body.host_account}"
        if deleted
        else f"Host {body.host} NOT FOUND for user {body.tms_user_id} - Nothing deleted"
    )
    return RespDeleteUserHosts(result_msg=done, num_deleted=deleted)


@on.patch("/upd", RespUpdateUserHosts)
@admin_of("ERROR: NOT AUTHORIZED to update host for user {tms_user_id} in tenant {tenant}.")
async def update_user_host(call: Call, body: ReqUpdateUserHosts) -> Answer:
    """Give a mapping a new lifetime (E24)."""
    broken_update(call)
    expires_at = expiry_after(call, body.ttl_minutes)
    values = {
        "new_expiry": expires_at,
        "now": call.parts.clock.now(),
        "tenant": body.tenant,
        "tms_user_id": body.tms_user_id,
        "host": body.host,
        "host_account": body.host_account,
    }
    changed = await call.write(lambda transaction: transaction.update(NEW_EXPIRY, user_hosts, **values))
    done = f"{changed} update(s) to tms_user_id {body.tms_user_id} completed"
    reply = RespUpdateUserHosts(result_msg=done, fields_updated=changed, expires_msg="")
    return expiry_update(call, reply, expires_at)

"""E25 to E29: users who let a client act for them. Administrators only."""

from msgspec import Struct
from sqlalchemy import bindparam, delete, select, update

from ..call import Call
from ..declare import Answer, DateTime, Int32, Listing, Reply, Resource, UInt32
from ..gates import admin, admin_of
from ..statements import Insert, Statement, matching
from ..tables import delegations
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

on = Resource("/tms/delegations", "Delegations")

_ONE = matching(delegations, "tenant client_id client_user_id")

ALL_DELEGATIONS = Statement(
    select(delegations)
    .where(matching(delegations, "tenant"))
    .order_by(delegations.c.client_id, delegations.c.client_user_id)
)
ONE_DELEGATION = Statement(select(delegations).where(matching(delegations, "tenant id")))
NEW_DELEGATION = Insert(delegations)
NEW_EXPIRY = Statement(
    update(delegations).values(expires_at=bindparam("new_expiry"), updated=bindparam("now")).where(_ONE)
)
DELETE_DELEGATION = Statement(delete(delegations).where(_ONE))


class ReqCreateDelegations(Struct):
    """A user who lets a client act."""

    tenant: str
    client_id: str
    client_user_id: str
    ttl_minutes: Int32


class RespCreateDelegations(Reply):
    """The new delegation."""

    client_id: str
    client_user_id: str
    expires_at: DateTime


class DelegationsListElement(Struct):
    """A delegation in a list."""

    id: Int32
    tenant: str
    client_id: str
    client_user_id: str
    expires_at: DateTime
    created: DateTime
    updated: DateTime


class RespGetDelegations(Reply):
    """A delegation."""

    id: Int32
    tenant: str
    client_id: str
    client_user_id: str
    expires_at: DateTime
    created: DateTime
    updated: DateTime


class RespListDelegations(Reply):
    """The delegations of a tenant, in an array that the reference calls users."""

    num_users: Int32
    users: list[DelegationsListElement]


class ReqDeleteDelegations(Struct):
    """The delegation to delete."""

    client_id: str
    client_user_id: str
    tenant: str


class RespDeleteDelegations(Reply):
    """How many delegations were deleted."""

    num_deleted: UInt32


class ReqUpdateDelegations(Struct):
    """A delegation's new lifetime."""

    client_id: str
    client_user_id: str
    tenant: str
    ttl_minutes: Int32


class RespUpdateDelegations(Reply):
    """How many delegations were changed, and until when they hold."""

    fields_updated: Int32
    expires_msg: str


@on.post("", RespCreateDelegations)
@admin_of("ERROR: NOT AUTHORIZED to add a client delegation record in tenant {tenant}.")
async def create_delegation(call: Call, body: ReqCreateDelegations) -> RespCreateDelegations:
    """Let a client act for a user (E25)."""
    expires_at = expiry_after(call, body.ttl_minutes)
    row = {
        "tenant": body.tenant,
        "client_id": body.client_id,
        "client_user_id": body.client_user_id,
        "expires_at": expires_at,
        **stamps(call),
    }
    await call.write(lambda transaction: transaction.insert(NEW_DELEGATION, **row))
    return RespCreateDelegations(
        client_id=body.client_id, client_user_id=body.client_user_id, expires_at=fresh_expiry(call, expires_at)
    )


@on.get("/{id}", RespGetDelegations, also=(404,))
@admin("ERROR: NOT AUTHORIZED to view client delegation information for record #{id} in tenant {tenant}")
async def get_delegation(call: Call, id: Int32) -> RespGetDelegations:  # noqa: A002 - the contract's name
    """Show a delegation (E26)."""
    row = await call.parts.store.one(ONE_DELEGATION, tenant=call.tenant, id=id)
    if row is None:
        raise not_found()
    return RespGetDelegations(**shown(call.parts.modes.wire, row))


@on.get("/list", RespListDelegations)
@admin("ERROR: NOT AUTHORIZED to list delegations in tenant {tenant}.")
async def list_delegations(call: Call) -> Listing:
    """List the delegations of a tenant (E27)."""
    return listing(call, "users", "num_users", DelegationsListElement, ALL_DELEGATIONS, tenant=call.tenant)


@on.delete("/del", RespDeleteDelegations)
@admin_of(
    "ERROR: NOT AUTHORIZED to delete delegation for user {client_user_id} to client {client_id} in tenant {tenant}."
)
async def delete_delegation(call: Call, body: ReqDeleteDelegations) -> RespDeleteDelegations:
    """Delete a delegation with the keys that hang on it (E28)."""
    key = {"tenant": body.tenant, "client_id": body.client_id, "client_user_id": body.client_user_id}
    deleted = await call.write(lambda transaction: transaction.delete(DELETE_DELEGATION, delegations, **key))
    done = (
        f"User delegation deleted for user {body.client_user_id} and client {body.client_id}"
        if deleted
        else f"Delegation to client {body.client_id} NOT FOUND for user {body.client_user_id} - Nothing deleted"
    )
    return RespDeleteDelegations(result_msg=done, num_deleted=deleted)


@on.patch("/upd", RespUpdateDelegations)
@admin_of(
    "ERROR: NOT AUTHORIZED to update delegation for client {client_id} and user {client_user_id} in tenant {tenant}."
)
async def update_delegation(call: Call, body: ReqUpdateDelegations) -> Answer:
    """Give a delegation a new lifetime (E29)."""
    broken_update(call)
    expires_at = expiry_after(call, body.ttl_minutes)
    values = {
        "new_expiry": expires_at,
        "now": call.parts.clock.now(),
        "tenant": body.tenant,
        "client_id": body.client_id,
        "client_user_id": body.client_user_id,
    }
    changed = await call.write(lambda transaction: transaction.update(NEW_EXPIRY, delegations, **values))
    done = f"{changed} update(s) to user {body.client_user_id} and client {body.client_id} completed"
    reply = RespUpdateDelegations(result_msg=done, fields_updated=changed, expires_msg="")
    return expiry_update(call, reply, expires_at)

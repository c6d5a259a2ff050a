"""E15 to E19: users who have passed multi-factor authentication, and until when. Administrators only."""

from msgspec import Struct
from sqlalchemy import bindparam, delete, select, update

from ..call import Call
from ..declare import DateTime, Flag, Flag32, Int32, Listing, Reply, Resource, UInt32
from ..gates import admin, admin_of
from ..statements import Insert, Statement, matching
from ..tables import user_mfa
from .common import broken_update, expiry_after, fresh_expiry, listing, not_found, shown, stamps

on = Resource("/tms/usermfa", "User MFA")

_ONE = matching(user_mfa, "tenant tms_user_id")

ALL_USERS = Statement(select(user_mfa).where(matching(user_mfa, "tenant")).order_by(user_mfa.c.tms_user_id))
ONE_USER = Statement(select(user_mfa).where(_ONE))
NEW_USER = Insert(user_mfa)
NEW_STATE = Statement(update(user_mfa).values(enabled=bindparam("new_state"), updated=bindparam("now")).where(_ONE))
DELETE_USER = Statement(delete(user_mfa).where(_ONE))


class ReqCreateUserMfa(Struct):
    """A user who has passed multi-factor authentication."""

    tenant: str
    tms_user_id: str
    ttl_minutes: Int32


class RespCreateUserMfa(Reply):
    """The new record."""

    tms_user_id: str
    expires_at: DateTime
    enabled: bool


class RespGetUserMfa(Reply):
    """A user's record."""

    id: Int32
    tenant: str
    tms_user_id: str
    expires_at: DateTime
    enabled: Flag
    created: DateTime
    updated: DateTime


class UserMfaListElement(Struct):
    """A user's record in a list."""

    id: Int32
    tenant: str
    tms_user_id: str
    expires_at: DateTime
    enabled: Flag32
    created: DateTime
    updated: DateTime


class RespListUserMfa(Reply):
    """The users of a tenant."""

    num_users: Int32
    users: list[UserMfaListElement]


class ReqUpdateUserMfa(Struct):
    """A user's new state."""

    tms_user_id: str
    tenant: str
    enabled: bool


class RespUpdateUserMfa(Reply):
    """How many records were changed."""

    fields_updated: Int32


class RespDeleteUserMfa(Reply):
    """How many records were deleted."""

    num_deleted: UInt32


@on.post("", RespCreateUserMfa)
@admin_of("ERROR: NOT AUTHORIZED to add a user MFA record in tenant {tenant}.")
async def create_user_mfa(call: Call, body: ReqCreateUserMfa) -> RespCreateUserMfa:
    """Add a user (E15)."""
    expires_at = expiry_after(call, body.ttl_minutes)
    row = {"tenant": body.tenant, "tms_user_id": body.tms_user_id, "enabled": True, "expires_at": expires_at}
    await call.write(lambda transaction: transaction.insert(NEW_USER, **row, **stamps(call)))
    return RespCreateUserMfa(tms_user_id=body.tms_user_id, expires_at=fresh_expiry(call, expires_at), enabled=True)


@on.get("/{tms_user_id}", RespGetUserMfa, also=(404,))
@admin("ERROR: NOT AUTHORIZED to view mfa information for record #{tms_user_id} in tenant {tenant}")
async def get_user_mfa(call: Call, tms_user_id: str) -> RespGetUserMfa:
    """Show a user (E16)."""
    row = await call.parts.store.one(ONE_USER, tenant=call.tenant, tms_user_id=tms_user_id)
    if row is None:
        raise not_found()
    return RespGetUserMfa(**shown(call.parts.modes.wire, row))


@on.patch("/upd", RespUpdateUserMfa)
@admin_of("ERROR: NOT AUTHORIZED to update MFA for user {tms_user_id} in tenant {tenant}.")
async def update_user_mfa(call: Call, body: ReqUpdateUserMfa) -> RespUpdateUserMfa:
    """Enable or disable a user (E18)."""
    broken_update(call)
    values = {"new_state": body.enabled, "now": call.parts.clock.now()}
    key = {"tenant": body.tenant, "tms_user_id": body.tms_user_id}
    changed = await call.write(lambda transaction: transaction.update(NEW_STATE, user_mfa, **values, **key))
    state = str(body.enabled).lower()
    done = f"{changed} update(s) to tms_user_id {body.tms_user_id} completed, enabled = {state}"
    return RespUpdateUserMfa(result_msg=done, fields_updated=changed)


@on.delete("/del/{tms_user_id}", RespDeleteUserMfa)
@admin("ERROR: NOT AUTHORIZED to delete MFA for user {tms_user_id} in tenant {tenant}.")
async def delete_user_mfa(call: Call, tms_user_id: str) -> RespDeleteUserMfa:
    """Delete a user with all that hangs on it (E19)."""
    key = {"tenant": call.tenant, "tms_user_id": tms_user_id}
    deleted = await call.write(lambda transaction: transaction.delete(DELETE_USER, user_mfa, **key))
    done = f"MFA user {tms_user_id} deleted" if deleted else f"MFA user {tms_user_id} NOT FOUND - Nothing deleted"
    return RespDeleteUserMfa(result_msg=done, num_deleted=deleted)


@on.get("/list", RespListUserMfa)
@admin("ERROR: NOT AUTHORIZED to list user MFA information in tenant {tenant}.")
async def list_user_mfa(call: Call) -> Listing:
    """List the users of a tenant (E17)."""
    return listing(call, "users", "num_users", UserMfaListElement, ALL_USERS, tenant=call.tenant)

"""E40 to E44: reservations, which record that a job may outlive its key. No other endpoint reads them (S6)."""

from typing import Any

from msgspec import Struct
from sqlalchemy import delete, or_, select

from ..call import Call
from ..declare import DateTime, Int32, Reply, Resource, UInt32
from ..errors import DatabaseError, Refusal
from ..gates import owner, owner_or_admin_of
from ..statements import Insert, Statement, matching
from ..tables import delegations, pubkeys, reservations, user_hosts, user_mfa
from . import dependencies
from .common import expiry_after, fresh_expiry, not_found, shown, stamps

on = Resource("/tms/reservations", "Reservations")

LONGEST_MINUTES = 48 * 60

_FAMILY = or_(matching(reservations, "resid"), matching(reservations, "parent_resid=resid"))

KEY = Statement(select(pubkeys).where(matching(pubkeys, "client_id tenant host public_key_fingerprint")))
PARENT = Statement(select(reservations).where(matching(reservations, "resid client_id tenant")))
ONE_RESERVATION = Statement(select(reservations).where(matching(reservations, "resid tenant")))
NEW_RESERVATION = Insert(reservations)
DELETE_ONE = Statement(delete(reservations).where(matching(reservations, "resid client_id tenant")))
DELETE_FAMILY = Statement(delete(reservations).where(_FAMILY, matching(reservations, "client_id tenant")))

# E41 asks for the existence of these alone, not for their state.
USER = Statement(select(user_mfa.c.id).where(matching(user_mfa, "tenant tms_user_id")))
MAPPING = Statement(select(user_hosts.c.id).where(matching(user_hosts, "tenant tms_user_id host host_account")))
DELEGATION = Statement(select(delegations.c.id).where(matching(delegations, "tenant client_id client_user_id")))


class ReqCreateReservation(Struct):
    """The reservation that is wanted."""

    client_user_id: str
    host: str
    public_key_fingerprint: str
    ttl_minutes: Int32


class ReqExtendReservation(Struct):
    """The child reservation that is wanted."""

    client_user_id: str
    host: str
    public_key_fingerprint: str
    parent_resid: str


class RespCreateReservation(Reply):
    """The new reservation, its own parent."""

    resid: str
    parent_resid: str
    expires_at: DateTime


class RespExtendReservation(Reply):
    """The new child; its expiry is its parent's (D12)."""

    resid: str
    parent_resid: str
    expires_at: DateTime


class RespGetReservation(Reply):
    """A reservation."""

    id: Int32
    resid: str
    parent_resid: str
    tenant: str
    client_id: str
    client_user_id: str
    host: str
    public_key_fingerprint: str
    expires_at: DateTime
    created: DateTime
    updated: DateTime


class RespDeleteReservation(Reply):
    """How many reservations were deleted."""

    num_deleted: UInt32


class RespDeleteRelatedReservations(Reply):
    """How many reservations were deleted, children included."""

    num_deleted: UInt32


@on.post("", RespCreateReservation, also=(404,))
@owner("ERROR: NOT AUTHORIZED Credential mismatch for client {client_id} in tenant {tenant}.")
async def create_reservation(call: Call, body: ReqCreateReservation) -> RespCreateReservation:
    """Reserve a key for a job (E40)."""
    key = await _usable_key(call, body)
    await dependencies.require(call, body.client_user_id, body.host, key.host_account)
    resid = call.parts.chance.uuid()
    minutes = LONGEST_MINUTES if body.ttl_minutes < 0 else min(body.ttl_minutes, LONGEST_MINUTES)
    expires_at = expiry_after(call, minutes)
    await _insert(call, body, resid=resid, parent_resid=resid, expires_at=expires_at)
    return RespCreateReservation(resid=resid, parent_resid=resid, expires_at=fresh_expiry(call, expires_at))


@on.post("/extend", RespExtendReservation, also=(404,))
@owner("ERROR: NOT AUTHORIZED Credential mismatch for client {client_id} in tenant {tenant}.")
async def extend_reservation(call: Call, body: ReqExtendReservation) -> RespExtendReservation:
    """Reserve a key under an earlier reservation (E41)."""
    parent = await _parent(call, body)
    resid = call.parts.chance.uuid()
    await _insert(call, body, resid=resid, parent_resid=body.parent_resid, expires_at=parent.expires_at)
    return RespExtendReservation(
        resid=resid,
        parent_resid=body.parent_resid,
        expires_at=call.parts.modes.wire.expiry(parent.expires_at),
    )


@on.get("/{client_id}/{resid}", RespGetReservation, also=(404,))
@owner_or_admin_of(
    "ERROR: NOT AUTHORIZED to view reservation {resid} in tenant {tenant}.",
    "ERROR: FORBIDDEN - Path client_id parameter ({client_id}) differs from the client_id in the request header.",
)
async def get_reservation(call: Call, client_id: str, resid: str) -> RespGetReservation:  # noqa: ARG001 - checked by the gate alone (S5)
    """Show a reservation of the tenant (E42)."""
    row = await call.parts.store.one(ONE_RESERVATION, resid=resid, tenant=call.tenant)
    if row is None:
        raise not_found()
    return RespGetReservation(**shown(call.parts.modes.wire, row))


@on.delete("/del/{client_id}/{resid}", RespDeleteReservation)
@owner_or_admin_of(
    "ERROR: NOT AUTHORIZED to delete reservation {resid} in tenant {tenant}.",
    "ERROR: FORBIDDEN - Path client_id parameter ({client_id}) differs from the client_id in the request header.",
)
async def delete_reservation(call: Call, client_id: str, resid: str) -> RespDeleteReservation:
    """Delete a reservation; its children stay (E43)."""
    deleted = await _delete(call, DELETE_ONE, client_id, resid)
    done = f"Reservation {resid} deleted" if deleted else _nothing(call, client_id, resid)
    return RespDeleteReservation(result_msg=done, num_deleted=deleted)


@on.delete("/del/related/{client_id}/{resid}", RespDeleteRelatedReservations)
@owner_or_admin_of(
    "ERROR: NOT AUTHORIZED to delete reservation {resid} in tenant {tenant}.",
    "ERROR: FORBIDDEN - Path client_id parameter ({client_id}) differs from the client_id in the request header.",
)
async def delete_related_reservations(call: Call, client_id: str, resid: str) -> RespDeleteRelatedReservations:
    """Delete a reservation with its children (E44)."""
    deleted = await _delete(call, DELETE_FAMILY, client_id, resid)
    done = f"Reservation {resid} deleted along with all its children." if deleted else _nothing(call, client_id, resid)
    return RespDeleteRelatedReservations(result_msg=done, num_deleted=deleted)


async def _delete(call: Call, statement: Statement, client_id: str, resid: str) -> int:
    key = {"resid": resid, "client_id": client_id, "tenant": call.tenant}
    return await call.write(lambda transaction: transaction.delete(statement, reservations, **key))


def _nothing(call: Call, client_id: str, resid: str) -> str:
    return f"Reservation {resid} for {client_id}@{call.tenant} NOT FOUND - Nothing deleted"


async def _insert(call: Call, body: ReqCreateReservation | ReqExtendReservation, **values: Any) -> None:
    row = {
        "tenant": call.tenant,
        "client_id": call.client_id,
        "client_user_id": body.client_user_id,
        "host": body.host,
        "public_key_fingerprint": body.public_key_fingerprint,
        **values,
        **stamps(call),
    }
    await call.write(lambda transaction: transaction.insert(NEW_RESERVATION, **row))


async def _key(call: Call, body: ReqCreateReservation | ReqExtendReservation) -> Any:
    return await call.parts.store.one(
        KEY,
        client_id=call.client_id,
        tenant=call.tenant,
        host=body.host,
        public_key_fingerprint=body.public_key_fingerprint,
    )


def _of_key(call: Call, body: ReqCreateReservation | ReqExtendReservation) -> str:
    client = f"{call.client_id}@{call.tenant}"
    return f"for client {client} on host {body.host} with fingerprint {body.public_key_fingerprint}"


async def _usable_key(call: Call, body: ReqCreateReservation) -> Any:
    """Return the key. Raises Refusal for steps 5 to 7 of E40."""
    which = _of_key(call, body)
    try:
        key = await _key(call, body)
    except DatabaseError:
        raise Refusal(500, f"ERROR: Unable to access pubkey {which}.") from None
    if key is None:
        raise Refusal(404, f"NOT FOUND: No pubkey {which}.")
    if key.remaining_uses < 1:
        raise Refusal(403, f"Pubkey {which} has no remaining uses.")
    if key.expires_at < call.parts.clock.now():
        raise Refusal(403, f"Pubkey {which} expired at {call.parts.modes.wire.spoken_expiry(key.expires_at)}.")
    return key


async def _parent(call: Call, body: ReqExtendReservation) -> Any:
    """Return the parent reservation. Raises Refusal; like the reference's its status hangs on the text (D10)."""
    key = {"resid": body.parent_resid, "client_id": call.client_id, "tenant": call.tenant}
    try:
        parent = await call.parts.store.one(PARENT, **key)
        problem = _parent_problem(call, body, parent) or await _existence_problem(call, body)
    except DatabaseError as error:
        problem = call.parts.modes.wire.database_text(error)
    if problem is None:
        return parent
    refusal = dependencies.unmet(problem)
    if "NOT_FOUND:" in problem:
        refusal.status = 404
    raise refusal


def _parent_problem(call: Call, body: ReqExtendReservation, parent: Any) -> str | None:
    resid, client, tenant = body.parent_resid, call.client_id, call.tenant
    if parent is None:
        return f"NOT_FOUND: Reservation {resid} not found for client {client} in tenant {tenant}."
    if parent.parent_resid != parent.resid:
        return (
            f"Reservation {resid} cannot be designated as parent for another reservation because it is already "
            f"a child of reservation {parent.parent_resid}."
        )
    if parent.expires_at < call.parts.clock.now():
        expired = call.parts.modes.wire.spoken_expiry(parent.expires_at)
        return f"Parent reservation {resid} for client {client} in tenant {tenant} expired at {expired}."
    return None


async def _existence_problem(call: Call, body: ReqExtendReservation) -> str | None:
    store, client, user, tenant = call.parts.store, call.client_id, body.client_user_id, call.tenant
    if await store.one(USER, tenant=tenant, tms_user_id=user) is None:
        return f"No MFA entry found for user {user} in tenant {tenant} ."
    key = await _key(call, body)
    if key is None:
        return f"Unable to retrieve host account from pubkey record {_of_key(call, body)}."
    account = key.host_account
    if await store.one(MAPPING, tenant=tenant, tms_user_id=user, host=body.host, host_account=account) is None:
        return f"No user/host mapping found for user {user}@{tenant} for account {account} on host {body.host}."
    if await store.one(DELEGATION, tenant=tenant, client_id=client, client_user_id=user) is None:
        return f"No delegation to client {client} found for user {user} in tenant {tenant}."
    return None

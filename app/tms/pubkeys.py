"""E11 to E14: the keys that have been made, without their private halves."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, delete, select, update

from ..call import Call
from ..declare import DateTime, Int32, Listing, Reply, Resource, UInt32
from ..gates import (
    checks,
    client_or_admin_authorized,
    named_tenant_enabled,
    owner_or_admin,
    same_client_and_tenant,
    tenant_header,
)
from ..records import UNLIMITED
from ..statements import Statement, matching
from ..tables import pubkeys
from ..transaction import Transaction
from .common import broken_update, expiry_after, listing, not_found, shown

on = Resource("/tms/pubkeys", "Public keys")

_IN_ORDER = select(pubkeys).order_by(pubkeys.c.tenant, pubkeys.c.client_user_id, pubkeys.c.host, pubkeys.c.host_account)
_ONE = matching(pubkeys, "tenant client_id host public_key_fingerprint")

ONE_KEY = Statement(select(pubkeys).where(matching(pubkeys, "id tenant")))
ALL_KEYS = Statement(_IN_ORDER.where(matching(pubkeys, "tenant")))
OWN_KEYS = Statement(_IN_ORDER.where(matching(pubkeys, "tenant client_id")))
KEY_OF_CLIENT = Statement(select(pubkeys).where(_ONE))
DELETE_KEY = Statement(delete(pubkeys).where(_ONE))
NEW_USES = Statement(
    update(pubkeys)
    .values(max_uses=bindparam("new_max"), remaining_uses=bindparam("new_remaining"), updated=bindparam("now"))
    .where(_ONE)
)
NEW_EXPIRY = Statement(update(pubkeys).values(expires_at=bindparam("new_expiry"), updated=bindparam("now")).where(_ONE))


class PubkeysListElement(Struct):
    """A key in a list."""

    id: Int32
    tenant: str
    client_id: str
    client_user_id: str
    host: str
    host_account: str
    public_key_fingerprint: str
    public_key: str
    key_type: str
    key_bits: Int32
    max_uses: Int32
    remaining_uses: Int32
    initial_ttl_minutes: Int32
    expires_at: DateTime
    created: DateTime
    updated: DateTime


class RespGetPubkeys(Reply):
    """A key. Numbers are numbers here."""

    id: Int32
    tenant: str
    client_id: str
    client_user_id: str
    host: str
    host_account: str
    public_key_fingerprint: str
    public_key: str
    key_type: str
    key_bits: Int32
    max_uses: Int32
    remaining_uses: Int32
    initial_ttl_minutes: Int32
    expires_at: DateTime
    created: DateTime
    updated: DateTime


class RespListPubkeys(Reply):
    """Keys of a tenant."""

    num_pubkeys: Int32
    pubkeys: list[PubkeysListElement]


class ReqDeletePubkey(Struct):
    """The key to delete."""

    client_id: str
    tenant: str
    host: str
    public_key_fingerprint: str


class RespDeletePubkey(Reply):
    """How many keys were deleted."""

    num_deleted: UInt32


class ReqUpdatePubkey(Struct):
    """A key's new limits."""

    client_id: str
    tenant: str
    host: str
    public_key_fingerprint: str
    max_uses: UInt32 | None
    ttl_minutes: UInt32 | None


class RespUpdatePubkey(Reply):
    """How many fields were changed."""

    fields_updated: Int32


@on.get("/id/{seqno}", RespGetPubkeys, also=(404,))
@owner_or_admin("ERROR: NOT AUTHORIZED to view pubkey #{seqno} in tenant {tenant}.")
async def get_pubkey(call: Call, seqno: Int32) -> RespGetPubkeys:
    """Show a key to its client or to an administrator (E11)."""
    row = await call.parts.store.one(ONE_KEY, id=seqno, tenant=call.tenant)
    if row is None or call.caller not in (None, row.client_id):
        raise not_found()
    return RespGetPubkeys(**shown(call.parts.modes.wire, row))


@on.get("/list", RespListPubkeys)
@owner_or_admin("ERROR: NOT AUTHORIZED to list clients in tenant {tenant}.")
async def list_pubkeys(call: Call) -> Listing:
    """List a tenant's keys to an administrator, its own to a client (E12)."""
    if call.caller is None:
        return listing(call, "pubkeys", "num_pubkeys", PubkeysListElement, ALL_KEYS, tenant=call.tenant)
    key = {"tenant": call.tenant, "client_id": call.caller}
    return listing(call, "pubkeys", "num_pubkeys", PubkeysListElement, OWN_KEYS, **key)


@on.delete("/del", RespDeletePubkey)
@checks(
    client_or_admin_authorized,
    same_client_and_tenant,
    named_tenant_enabled,
    deny="ERROR: NOT AUTHORIZED to delete public key {client_id} in tenant {tenant}.",
    differ="ERROR: NOT AUTHORIZED - Payload parameters ({client_id}@{tenant}) differ from those in the request header.",
)
async def delete_pubkey(call: Call, body: ReqDeletePubkey) -> RespDeletePubkey:
    """Delete a key with its reservations (E13)."""
    deleted = await call.write(lambda transaction: transaction.delete(DELETE_KEY, pubkeys, **_key(body)))
    fingerprint, host = body.public_key_fingerprint, body.host
    done = (
        f"Pubkey {fingerprint} for host {host} deleted"
        if deleted
        else f"Pubkey {fingerprint} NOT FOUND for host {host} and client {body.client_id} - Nothing deleted"
    )
    return RespDeletePubkey(result_msg=done, num_deleted=deleted)


@on.patch("", RespUpdatePubkey, also=(404,))
@checks(
    tenant_header,
    client_or_admin_authorized,
    same_client_and_tenant,
    named_tenant_enabled,
    deny="ERROR NOT AUTHORIZED to update client {client_id} in tenant {tenant}.",
    differ="ERROR: FORBIDDEN - Payload parameters ({client_id}@{tenant}) differ from those in the request header.",
)
async def update_pubkey(call: Call, body: ReqUpdatePubkey) -> RespUpdatePubkey:
    """Give a key new limits (E14)."""
    if body.max_uses is None and body.ttl_minutes is None:
        return RespUpdatePubkey(result_msg="No updates specified", fields_updated=0)
    now = call.parts.clock.now()
    expires_at = expiry_after(call, min(body.ttl_minutes or 0, UNLIMITED))

    async def work(transaction: Transaction) -> int:
        row = await transaction.one(KEY_OF_CLIENT, **_key(body))
        if row is None:
            raise not_found()
        broken_update(call)
        return await _update(transaction, row, body, now, expires_at)

    changed = await call.write(work)
    done = f"{changed} update(s) to client {body.client_id} completed"
    return RespUpdatePubkey(result_msg=done, fields_updated=changed)


async def _update(
    transaction: Transaction, row: Any, body: ReqUpdatePubkey, now: datetime, expires_at: datetime
) -> int:
    key, changed = {**_key(body), "now": now}, 0
    if body.max_uses is not None:
        new_max = min(body.max_uses, UNLIMITED)
        remaining = max(new_max - (row.max_uses - row.remaining_uses), 0)
        changed += await transaction.update(NEW_USES, pubkeys, new_max=new_max, new_remaining=remaining, **key)
    if body.ttl_minutes is not None:
        changed += await transaction.update(NEW_EXPIRY, pubkeys, new_expiry=expires_at, **key)
    return changed


def _key(body: ReqDeletePubkey | ReqUpdatePubkey) -> dict[str, str]:
    return {
        "tenant": body.tenant,
        "client_id": body.client_id,
        "host": body.host,
        "public_key_fingerprint": body.public_key_fingerprint,
    }

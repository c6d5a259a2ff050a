"""E09 and E10: a client asks for a key pair, and sshd asks for its public half. The private half is shown once."""

import contextlib
from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, select

from ..call import Call
from ..clock import NEVER
from ..declare import DateTime, Int32, Reply, Resource
from ..errors import DatabaseError, DatabaseTrouble, Refusal
from ..gates import owner
from ..records import UNLIMITED
from ..statements import Insert, Statement, matching
from ..tables import pubkeys
from . import dependencies, strict
from .common import expiry_after, fresh_expiry, not_found, stamps

on = Resource("/tms/pubkeys/creds", "Public keys")

NEW_KEY = Insert(pubkeys)
# The key with that fingerprint, on that host if there is one.
NEAREST = Statement(
    select(pubkeys.c.host, pubkeys.c.host_account)
    .where(matching(pubkeys, "public_key_fingerprint"))
    .order_by((pubkeys.c.host == bindparam("host")).desc())
)
RETRIEVE = Statement(select(pubkeys.c.public_key).where(matching(pubkeys, "public_key_fingerprint host host_account")))


class ReqNewSshKeys(Struct):
    """The key pair that is wanted."""

    client_user_id: str
    host: str
    host_account: str
    num_uses: Int32
    ttl_minutes: Int32
    key_type: str | None


class RespNewSshKeys(Reply):
    """The new pair; the private half is shown this once. Numbers are strings here."""

    private_key: str
    public_key: str
    public_key_fingerprint: str
    key_type: str
    key_bits: str
    max_uses: str
    remaining_uses: str
    expires_at: DateTime


class ReqPublicKey(Struct):
    """What sshd knows of somebody who logs in."""

    user: str
    user_uid: str | None
    host: str
    public_key_fingerprint: str
    key_type: str | None


class RespPublicKey(Reply):
    """The key that may log in."""

    public_key: str


@on.post("", RespNewSshKeys)
@owner("ERROR: NOT AUTHORIZED Credential mismatch for client {client_id} in tenant {tenant}.")
async def create_key(call: Call, body: ReqNewSshKeys) -> RespNewSshKeys:
    """Make a key pair for a user's account on a host (E09)."""
    place = (body.client_user_id, body.host, body.host_account)
    found = await _create_dependencies(call, *place) if call.parts.modes.enable_mvp else None
    await dependencies.require(call, *place, found)
    pair = await call.parts.keys.make(body.key_type)
    uses = UNLIMITED if body.num_uses < 0 else body.num_uses
    expires_at = NEVER if body.ttl_minutes < 0 else expiry_after(call, body.ttl_minutes)
    row = {
        "tenant": call.tenant,
        "client_id": call.client_id,
        "client_user_id": body.client_user_id,
        "host": body.host,
        "host_account": body.host_account,
        "public_key_fingerprint": pair.fingerprint,
        "public_key": pair.public_key,
        "key_type": pair.key_type,
        "key_bits": pair.key_bits,
        "max_uses": uses,
        "remaining_uses": uses,
        "initial_ttl_minutes": UNLIMITED if body.ttl_minutes < 0 else body.ttl_minutes,
        "expires_at": expires_at,
        **stamps(call),
    }
    await call.write(lambda transaction: transaction.insert(NEW_KEY, **row))
    return RespNewSshKeys(
        private_key=pair.private_key,
        public_key=pair.public_key,
        public_key_fingerprint=pair.fingerprint,
        key_type=pair.key_type,
        key_bits=str(pair.key_bits),
        max_uses=str(uses),
        remaining_uses=str(uses),
        expires_at=fresh_expiry(call, expires_at),
    )


async def _create_dependencies(call: Call, client_user_id: str, host: str, host_account: str) -> Any:
    try:
        return await dependencies.create_missing(call, client_user_id, host, host_account)
    except DatabaseError as error:
        text = call.parts.modes.wire.database_text(error)
        raise Refusal(500, f"MVP ERROR: Unable to create MVP dependencies: {text}") from None


@on.post("/retrieve", RespPublicKey, status=200, also=(404,))
async def retrieve_key(call: Call, body: ReqPublicKey) -> RespPublicKey:
    """Answer the public key that sshd asks for, whatever its state, unless `strict` is on (E10, S1)."""
    row = await call.parts.store.cached(
        RETRIEVE, public_key_fingerprint=body.public_key_fingerprint, host=body.host, host_account=body.user
    )
    if row is None:
        await _hint(call, body)
        raise not_found()
    if call.parts.modes.strict:
        await strict.use_key(call, body.public_key_fingerprint, body.host)
    return RespPublicKey(public_key=row.public_key)


async def _hint(call: Call, body: ReqPublicKey) -> None:
    """Tell the log what does not match; the answer does not depend on it."""
    hints, asked = call.parts.hints, (body.user, body.host, body.public_key_fingerprint)
    if hints.is_new(asked):
        with contextlib.suppress(DatabaseTrouble):
            key = {"public_key_fingerprint": body.public_key_fingerprint, "host": body.host}
            hints.key_not_found(*asked, await call.parts.store.one(NEAREST, **key))

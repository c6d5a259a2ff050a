"""The documented rules that the real server forgets at getkey (contract S1). Used when `standin.strict` is on."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, literal_column, select, update

from ..call import Call
from ..records import UNLIMITED
from ..statements import Statement, matching
from ..tables import delegations, pubkeys, user_hosts, user_mfa
from .common import not_found

_USER = and_(user_mfa.c.tenant == pubkeys.c.tenant, user_mfa.c.tms_user_id == pubkeys.c.client_user_id)
_HOST = and_(
    user_hosts.c.tenant == pubkeys.c.tenant,
    user_hosts.c.tms_user_id == pubkeys.c.client_user_id,
    user_hosts.c.host == pubkeys.c.host,
    user_hosts.c.host_account == pubkeys.c.host_account,
)
_DELEGATION = and_(
    delegations.c.tenant == pubkeys.c.tenant,
    delegations.c.client_id == pubkeys.c.client_id,
    delegations.c.client_user_id == pubkeys.c.client_user_id,
)

KEY_AND_DEPENDENCIES = Statement(
    select(
        pubkeys.c.id,
        pubkeys.c.max_uses,
        pubkeys.c.remaining_uses,
        pubkeys.c.expires_at,
        user_mfa.c.enabled.label("mfa_enabled"),
        user_mfa.c.expires_at.label("mfa_expires_at"),
        user_hosts.c.expires_at.label("host_expires_at"),
        delegations.c.expires_at.label("delegation_expires_at"),
    )
    .select_from(pubkeys.join(user_mfa, _USER).join(user_hosts, _HOST).join(delegations, _DELEGATION))
    .where(matching(pubkeys, "public_key_fingerprint host"))
)
USE_ONCE = Statement(
    update(pubkeys)
    .values(remaining_uses=pubkeys.c.remaining_uses - literal_column("1"))
    .where(and_(matching(pubkeys, "id"), pubkeys.c.remaining_uses > literal_column("0")))
)


async def use_key(call: Call, fingerprint: str, host: str) -> None:
    """Take one use of a key that may be used now. Raises NF where it may not; the log says why.

    Keys without a limit of uses are not written to.
    """
    row = await call.parts.store.one(KEY_AND_DEPENDENCIES, public_key_fingerprint=fingerprint, host=host)
    reason = "it was deleted a moment ago" if row is None else why_not(row, call.parts.clock.now())
    if reason is None and row.max_uses != UNLIMITED:
        used = await call.write(lambda transaction: transaction.update(USE_ONCE, pubkeys, id=row.id))
        reason = None if used else "it has no remaining uses"
    if reason is not None:
        call.parts.hints.key_not_usable(fingerprint, host, reason)
        raise not_found()


def why_not(row: Any, now: datetime) -> str | None:
    """Return why a key may not be used now, or None."""
    if row.expires_at < now:
        return "it is expired"
    if row.remaining_uses < 1:
        return "it has no remaining uses"
    if not row.mfa_enabled or row.mfa_expires_at < now:
        return "its user's MFA is disabled or expired"
    if row.host_expires_at < now:
        return "its user's mapping to the host account is expired"
    return "its user's delegation is expired" if row.delegation_expires_at < now else None

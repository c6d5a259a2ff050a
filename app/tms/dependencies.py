"""What a key needs: a user with MFA, a mapping to the host account, a delegation to the client. No endpoint."""

from typing import Any

from sqlalchemy import Column, select

from ..call import Call
from ..clock import NEVER
from ..errors import DatabaseError, Refusal
from ..statements import Statement, matching
from ..store import Transaction
from ..tables import delegations, user_hosts, user_mfa
from .common import stamps
from .delegations import NEW_DELEGATION
from .user_hosts import NEW_USER_HOST
from .user_mfa import NEW_USER

_USER = matching(user_mfa, "tenant tms_user_id=client_user_id")
_HOST = matching(user_hosts, "tenant tms_user_id=client_user_id host host_account")
_DELEGATION = matching(delegations, "tenant client_id client_user_id")


def _value(column: Column[Any], condition: Any, name: str) -> Any:
    return select(column).where(condition).scalar_subquery().label(name)


DEPENDENCIES = Statement(
    select(
        _value(user_mfa.c.enabled, _USER, "mfa_enabled"),
        _value(user_mfa.c.expires_at, _USER, "mfa_expires_at"),
        _value(user_hosts.c.expires_at, _HOST, "host_expires_at"),
        _value(delegations.c.expires_at, _DELEGATION, "delegation_expires_at"),
    )
)


async def require(call: Call, client_user_id: str, host: str, host_account: str, found: Any = None) -> None:
    """Raise Refusal 403 for the first missing, disabled or expired dependency (E09 step 6).

    `found` is what `create_missing` has just read, so that it is not read twice.
    """
    try:
        found = found or await _find(call, client_user_id, host, host_account)
    except DatabaseError as error:
        raise unmet(call.parts.modes.wire.database_text(error)) from None
    if found.mfa_expires_at is None or found.host_expires_at is None or found.delegation_expires_at is None:
        _hint(call, found, client_user_id, host, host_account)
    problem = _problem(call, found, client_user_id, host, host_account)
    if problem:
        raise unmet(problem)


def unmet(detail: str) -> Refusal:
    """Return the refusal; the reference chooses its status by searching the text, callers' words included (D10)."""
    return Refusal(500 if "INTERNAL ERROR:" in detail else 403, f"Missing or expired dependency: {detail}")


async def create_missing(call: Call, client_user_id: str, host: str, host_account: str) -> Any:
    """Insert what is missing, each row in a transaction of its own, as MVP mode does (contract 1.11).

    Rows that are there are left as they are; only their table's next id is spent. Returns the dependencies when all
    of them were there, else None. Raises DatabaseError.
    """
    user = {"tms_user_id": client_user_id, "enabled": True}
    delegation = {"client_id": call.client_id, "client_user_id": client_user_id}
    mapping = {"tms_user_id": client_user_id, "host": host, "host_account": host_account}
    found = await _complete(call, client_user_id, host, host_account)
    if found is not None:
        for statement in (NEW_USER, NEW_DELEGATION, NEW_USER_HOST):
            call.parts.store.spend_id(statement.table)
        return found
    for statement, values in ((NEW_USER, user), (NEW_DELEGATION, delegation), (NEW_USER_HOST, mapping)):
        row = {"tenant": call.tenant, "expires_at": NEVER, **values, **stamps(call)}

        async def work(transaction: Transaction, statement: Any = statement, row: Any = row) -> None:
            await transaction.insert_if_absent(statement, **row)

        await call.parts.store.write(work)
    return None


async def _complete(call: Call, client_user_id: str, host: str, host_account: str) -> Any:
    try:
        found = await _find(call, client_user_id, host, host_account)
    except DatabaseError:
        return None
    return None if None in found else found


async def _find(call: Call, client_user_id: str, host: str, host_account: str) -> Any:
    return await call.parts.store.one(
        DEPENDENCIES,
        tenant=call.tenant,
        client_id=call.client_id,
        client_user_id=client_user_id,
        host=host,
        host_account=host_account,
    )


def _problem(call: Call, found: Any, user: str, host: str, account: str) -> str | None:
    """Return the sentence for the first dependency that fails, in the reference's order."""
    wire, now, tenant = call.parts.modes.wire, call.parts.clock.now(), call.tenant
    mapping = f"user host record for user {user}@{tenant} with account {account} on host {host}"
    delegation = f"delegation record for client {call.client_id} and client_user_id {user} in tenant {tenant}"
    if found.mfa_expires_at is None:
        return f"Required user MFA record not found for user ID {user} in tenant {tenant}."
    if not found.mfa_enabled:
        return f"Required user MFA record for user ID {user} in tenant {tenant} is disabled."
    if found.mfa_expires_at < now:
        expired = wire.spoken_expiry(found.mfa_expires_at)
        return f"Required user MFA record for user ID '{user}' in tenant {tenant} expired at {expired}."
    if found.host_expires_at is None:
        missing = f"for user {user}@{tenant} with account {account} on host {host}"
        return f"Required user host record not found {missing}."
    if found.host_expires_at < now:
        return f"Required {mapping} expired at {wire.spoken_expiry(found.host_expires_at)}."
    if found.delegation_expires_at is None:
        missing = f"for client {call.client_id} and client_user_id {user} in tenant {tenant}"
        return f"Required delegation record not found {missing}."
    if found.delegation_expires_at < now:
        return f"Required {delegation} expired at {wire.spoken_expiry(found.delegation_expires_at)}."
    return None


def _hint(call: Call, found: Any, user: str, host: str, account: str) -> None:
    """Tell the log, not the caller, how to add what is missing."""
    missing = call.parts.hints.missing
    if found.mfa_expires_at is None:
        missing(f"user MFA record for {user}", "usermfa", call.tenant, {"tms_user_id": user})
    if found.host_expires_at is None:
        body = {"tms_user_id": user, "host": host, "host_account": account}
        missing(f"user host record for {user}, {account} on {host}", "userhosts", call.tenant, body)
    if found.delegation_expires_at is None:
        body = {"client_id": call.client_id, "client_user_id": user}
        missing(f"delegation of {user} to {call.client_id}", "delegations", call.tenant, body)

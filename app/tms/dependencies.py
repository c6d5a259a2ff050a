"""What a key needs: a user with MFA, a mapping to the host account, a delegation to the client. No endpoint."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, select

from ..call import Call
from ..clock import NEVER
from ..errors import DatabaseError, Refusal
from ..statements import Statement, matching
from ..tables import delegations, user_hosts, user_mfa
from ..transaction import Transaction
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


# The same one by one, as the reference asks.
MFA = Statement(select(user_mfa.c.enabled, user_mfa.c.expires_at).where(_USER))
MAPPING = Statement(select(user_hosts.c.expires_at).where(_HOST))
DELEGATION = Statement(select(delegations.c.expires_at).where(_DELEGATION))


async def require(call: Call, client_user_id: str, host: str, host_account: str, found: Any = None) -> None:
    """Raise Refusal 403 for the first missing, disabled or expired dependency (E09 step 6).

    `found` is what `create_missing` has just read, so that it is not read twice.
    """
    place = (client_user_id, host, host_account)
    try:
        found = found or await _find(call, *place)
    except DatabaseError:
        problem = await _problem_in_steps(call, *place)
    else:
        if None in found:
            _hint(call, found, *place)
        problem = (
            _mfa_problem(call, client_user_id, found.mfa_enabled, found.mfa_expires_at)
            or _mapping_problem(call, *place, found.host_expires_at)
            or _delegation_problem(call, client_user_id, found.delegation_expires_at)
        )
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
        await call.parts.store.spend_ids(NEW_USER.table, NEW_DELEGATION.table, NEW_USER_HOST.table)
        return found
    for statement, values in ((NEW_USER, user), (NEW_DELEGATION, delegation), (NEW_USER_HOST, mapping)):
        row = {"tenant": call.tenant, "expires_at": NEVER, **values, **stamps(call)}

        async def work(transaction: Transaction, statement: Any = statement, row: Any = row) -> None:
            await transaction.insert_if_absent(statement, **row)

        # Not call.write: where the rows are replaced behind it, the request may begin anew, since this can be done again.
        await call.parts.store.write(work, call.epoch)
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


async def _problem_in_steps(call: Call, client_user_id: str, host: str, host_account: str) -> str | None:
    """Return the first problem where one question for all failed: a question that fails is a problem in its turn (D8)."""
    store, of_user = call.parts.store, {"tenant": call.tenant, "client_user_id": client_user_id}
    try:
        mfa = await store.one(MFA, **of_user) or (None, None)
        if problem := _mfa_problem(call, client_user_id, *mfa):
            return problem
        mapping = await store.one(MAPPING, **of_user, host=host, host_account=host_account) or (None,)
        if problem := _mapping_problem(call, client_user_id, host, host_account, *mapping):
            return problem
        delegation = await store.one(DELEGATION, **of_user, client_id=call.client_id) or (None,)
        return _delegation_problem(call, client_user_id, *delegation)
    except DatabaseError as error:
        return call.parts.modes.wire.database_text(error)


def _mfa_problem(call: Call, user: str, enabled: bool | None, expires_at: datetime | None) -> str | None:
    tenant = call.tenant
    if expires_at is None:
        return f"Required user MFA record not found for user ID {user} in tenant {tenant}."
    if not enabled:
        return f"Required user MFA record for user ID {user} in tenant {tenant} is disabled."
    if expires_at < call.parts.clock.now():
        expired = call.parts.modes.wire.spoken_expiry(expires_at)
        return f"Required user MFA record for user ID '{user}' in tenant {tenant} expired at {expired}."
    return None


def _mapping_problem(call: Call, user: str, host: str, account: str, expires_at: datetime | None) -> str | None:
    mapping = f"for user {user}@{call.tenant} with account {account} on host {host}"
    if expires_at is None:
        return f"Required user host record not found {mapping}."
    if expires_at < call.parts.clock.now():
        return f"Required user host record {mapping} expired at {call.parts.modes.wire.spoken_expiry(expires_at)}."
    return None


def _delegation_problem(call: Call, user: str, expires_at: datetime | None) -> str | None:
    delegation = f"for client {call.client_id} and client_user_id {user} in tenant {call.tenant}"
    if expires_at is None:
        return f"Required delegation record not found {delegation}."
    if expires_at < call.parts.clock.now():
        return f"Required delegation record {delegation} expired at {call.parts.modes.wire.spoken_expiry(expires_at)}."
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

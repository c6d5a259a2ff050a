"""Every check of the API and every order in which they run, on one screen (contract 2.0 and 5.3).

A check word returns nothing or raises Refusal. A gate is a tuple of check words: no flags, no branches.
"""

from collections.abc import Callable

from sqlalchemy import select

from . import tables, version_requirement
from .call import ADMIN_ID, ADMIN_SECRET, CLIENT_ID, CLIENT_SECRET, TENANT, Call
from .declare import Check, Gate, Guarded, Handler
from .errors import DatabaseError, Refusal
from .records import same_secret
from .statements import Statement, matching
from .tables import clients, tenants

TENANT_STATE = Statement(select(tenants.c.enabled).where(matching(tenants, "tenant")))
CLIENT = Statement(select(clients).where(matching(clients, "tenant client_id")))
ADMINISTRATOR = Statement(select(tables.admin.c.admin_secret).where(matching(tables.admin, "tenant admin_user")))


async def tenant_header(call: Call) -> None:
    """TH."""
    call.tenant = call.required_header(TENANT)


async def client_header(call: Call) -> None:
    """CH."""
    call.client_id = call.required_header(CLIENT_ID)


async def same_tenant(call: Call) -> None:
    """TM: the tenant that is asked for is the header's."""
    if call.named("tenant") != call.tenant:
        raise Refusal(
            403,
            f"ERROR: FORBIDDEN - The tenant in the X-TMS-TENANT header ({call.tenant}) does not match "
            f"the tenant in the request body ({call.named('tenant')})",
        )


async def default_tenant(call: Call) -> None:
    """Tenants are made by the administrators of one tenant alone."""
    if call.tenant != "default":
        raise Refusal(403, "ERROR: FORBIDDEN - Only admin users in the 'default' tenant can create new tenants.")


async def tenant_enabled(call: Call) -> None:
    """TE, of the header's tenant. Trouble with the database looks the same (D9)."""
    await _enabled(call, call.tenant)


async def named_tenant_enabled(call: Call) -> None:
    """TE, of the body's tenant."""
    await _enabled(call, call.named("tenant"))


async def client_authorized(call: Call) -> None:
    """AZ(C)."""
    if not await _is_client(call):
        raise Refusal(401, call.sentence(call.gate.deny))


async def admin_authorized(call: Call) -> None:
    """AZ(A)."""
    if not await _is_administrator(call):
        raise Refusal(401, call.sentence(call.gate.deny))


async def client_or_admin_authorized(call: Call) -> None:
    """AZ(C,A): the client's credentials are tried first and decide who the caller is."""
    if not await _is_client(call) and not await _is_administrator(call):
        raise Refusal(401, call.sentence(call.gate.deny))


async def same_client(call: Call) -> None:
    """A client is the one that is asked for; an administrator may ask for anyone."""
    if call.caller is not None and call.caller != call.named("client_id"):
        raise Refusal(403, call.sentence(call.gate.differ))


async def same_client_and_tenant(call: Call) -> None:
    """The caller's tenant, and a client's id, are those in the body."""
    await same_client(call)
    if call.header(TENANT) != call.named("tenant"):
        raise Refusal(403, call.sentence(call.gate.differ))


async def new_clients_allowed(call: Call) -> None:
    """Neither MVP mode nor `new_clients` forbids the creation of clients (contract 1.11)."""
    if not call.parts.modes.clients_may_be_created:
        raise Refusal(
            400,
            "Client creation is disallowed due either to running in MVP mode or by explicit assignment "
            "of the new_clients configuration parameter.",
        )


async def version_valid(call: Call) -> None:
    """The version requirement of contract 1.8; the answer is the parser's bare text."""
    try:
        version_requirement.check(call.named("app_version"))
    except version_requirement.VersionRequirementError as error:
        raise Refusal(400, str(error)) from None


# The five gates. Columns: header, same tenant, tenant enabled, who may, same client.
ADMIN = (tenant_header, tenant_enabled, admin_authorized)
ADMIN_OF = (tenant_header, same_tenant, tenant_enabled, admin_authorized)
OWNER = (client_header, tenant_header, tenant_enabled, client_authorized)
OWNER_OR_ADMIN = (tenant_header, tenant_enabled, client_or_admin_authorized)
OWNER_OR_ADMIN_OF = (tenant_header, tenant_enabled, client_or_admin_authorized, same_client)

_ADMIN_HEADERS = (TENANT, ADMIN_ID, ADMIN_SECRET)
_OWNER_HEADERS = (TENANT, CLIENT_ID, CLIENT_SECRET)
_ALL_HEADERS = (*_OWNER_HEADERS, ADMIN_ID, ADMIN_SECRET)


def admin(deny: str) -> Callable[[Handler], Guarded]:
    """Guard with ADMIN."""
    return _guard(Gate(ADMIN, deny, "", (400, 401), _ADMIN_HEADERS))


def admin_of(deny: str) -> Callable[[Handler], Guarded]:
    """Guard with ADMIN_OF."""
    return _guard(Gate(ADMIN_OF, deny, "", (400, 401, 403), _ADMIN_HEADERS))


def owner(deny: str) -> Callable[[Handler], Guarded]:
    """Guard with OWNER."""
    return _guard(Gate(OWNER, deny, "", (400, 401, 403), _OWNER_HEADERS))


def owner_or_admin(deny: str) -> Callable[[Handler], Guarded]:
    """Guard with OWNER_OR_ADMIN."""
    return _guard(Gate(OWNER_OR_ADMIN, deny, "", (400, 401), _ALL_HEADERS))


def owner_or_admin_of(deny: str, differ: str) -> Callable[[Handler], Guarded]:
    """Guard with OWNER_OR_ADMIN_OF."""
    return _guard(Gate(OWNER_OR_ADMIN_OF, deny, differ, (400, 401, 403), _ALL_HEADERS))


def checks(
    *words: Check, deny: str = "", differ: str = "", statuses: tuple[int, ...] = (400, 401, 403)
) -> Callable[[Handler], Guarded]:
    """Guard with an order of its own, for the endpoints whose order nobody shares."""
    headers = () if not deny else _ADMIN_HEADERS if admin_authorized in words else _ALL_HEADERS
    return _guard(Gate(words, deny, differ, statuses, headers))


def _guard(gate: Gate) -> Callable[[Handler], Guarded]:
    return lambda handler: Guarded(gate, handler)


async def _enabled(call: Call, tenant: str) -> None:
    try:
        found = await call.parts.store.cached(TENANT_STATE, tenant=tenant)
    except DatabaseError:
        found = None
    if found is None or not found.enabled:
        raise Refusal(400, "Tenant not enabled.")


async def _is_client(call: Call) -> bool:
    tenant, client_id, secret = call.header(TENANT), call.header(CLIENT_ID), call.header(CLIENT_SECRET)
    if not (tenant and client_id and secret):
        return False
    try:
        found = await call.parts.store.cached(CLIENT, tenant=tenant, client_id=client_id)
    except DatabaseError:
        return False
    if found is None or (call.parts.modes.strict and not found.enabled):
        return same_secret(secret, None)
    call.caller = client_id
    return same_secret(secret, found.client_secret)


async def _is_administrator(call: Call) -> bool:
    tenant, admin_id, secret = call.header(TENANT), call.header(ADMIN_ID), call.header(ADMIN_SECRET)
    if not (tenant and admin_id and secret):
        return False
    try:
        found = await call.parts.store.cached(ADMINISTRATOR, tenant=tenant, admin_user=admin_id)
    except DatabaseError:
        return False
    call.caller = None
    return same_secret(secret, found and found.admin_secret)

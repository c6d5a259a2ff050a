"""/v3/oauth2/clients: the clients that a user owns (contract tapis 2.6)."""

from collections.abc import Mapping
from email.utils import format_datetime
from typing import Any, get_args

from sqlalchemy import bindparam, select, update

from ..oauth.answers import Answer
from ..oauth_tables import oauth_clients
from ..settings_tables import GrantType
from ..statements import Insert, Statement, matching
from ..transaction import Transaction
from .call import Call
from .envelope import success
from .page_answers import query_of
from .refusal import TapisRefusal
from .schema import checked, invalid
from .tokens import caller

_FIND = Statement(select(oauth_clients).where(matching(oauth_clients, "client_id")))
_OWN = Statement(
    select(oauth_clients)
    .where(matching(oauth_clients, "tapis_tenant owner"))
    .order_by(oauth_clients.c.created, oauth_clients.c.client_id)
)
_INSERT = Insert(oauth_clients)
_UPDATE = Statement(
    update(oauth_clients)
    .where(matching(oauth_clients, "client_id=of_client_id"))
    .values({name: bindparam(name) for name in ("client_name", "redirect_uris", "active")})
)
_LONGEST = {"client_id": 80, "client_key": 80, "callback_url": 200, "display_name": 50, "description": 70}
_MEMBERS: Mapping[str, type] = {**dict.fromkeys(_LONGEST, str), "active": bool}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# What the protocol side of oauth/ needs of a client that was made here: all that a seeded one has.
_RFC_SIDE = {
    "script": None,
    "scope": "openid profile email offline_access",
    "grant_types": " ".join(get_args(GrantType)),
    "auth_methods": "client_secret_basic client_secret_post",
}
_FIXED = ("client_id", "client_key", "description")


async def list_clients(call: Call) -> Answer:
    """GET /v3/oauth2/clients: own, active ones; `show_inactive` adds the others. Raises TapisRefusal."""
    username, all_of_them = await caller(call), "show_inactive" in query_of(call)
    tenant = call.tenant.stored_as
    pages = call.parts.store.pages(_OWN, tapis_tenant=tenant, owner=username)
    rows = [row async for page in pages for row in page]
    shown = [_shown(call, row) for row in rows if row.active or all_of_them]
    return success("Clients retrieved successfully.", shown)


async def create_client(call: Call) -> Answer:
    """POST /v3/oauth2/clients. Raises TapisRefusal."""
    if call.header(b"x-tapis-token") is None and call.header(b"authorization") is not None:
        raise invalid("InvalidSecurity()")
    username = await caller(call)
    body = checked(await call.json(), _MEMBERS)
    _check_lengths(body)
    client_id = body.get("client_id") or call.parts.chance.letters(_LETTERS, 13)
    row = {
        "client_id": client_id,
        "client_secret": body.get("client_key") or call.parts.chance.letters(_LETTERS, 13),
        "client_name": body.get("display_name") or client_id[:50],
        "redirect_uris": body.get("callback_url", ""),
        "description": body.get("description", ""),
        "active": body.get("active", True),
        "owner": username,
        "tapis_tenant": call.tenant.stored_as,
        "created": call.now,
        **_RFC_SIDE,
    }

    async def insert(transaction: Transaction) -> bool:
        taken = call.parts.tenants.is_configured(client_id) or not await transaction.insert_if_absent(_INSERT, **row)
        return not taken

    if not await call.parts.store.write(insert):
        raise TapisRefusal(
            "Invalid POST data; This change would violate uniqueness constraints. "
            f"Details: Key (client_id)=({client_id}) already exists."
        )
    return success("Client created successfully.", _shown(call, await _find(call, client_id)))


async def get_client(call: Call) -> Answer:
    """GET /v3/oauth2/clients/{client_id}. Raises TapisRefusal."""
    row = await _own(call, await caller(call))
    return success("Client object retrieved successfully.", _shown(call, row))


async def update_client(call: Call) -> Answer:
    """PUT /v3/oauth2/clients/{client_id}: callback_url and display_name. Raises TapisRefusal."""
    username = await caller(call)
    body = checked(await call.json("PUT"), _MEMBERS, verb="PUT")
    for name in _FIXED:
        if name in body:
            raise TapisRefusal(f"Changing {name} not currently supported.")
    row = await _own(call, username)
    _check_lengths(body, "PUT")
    changed = {
        "client_name": body.get("display_name", row.client_name),
        "redirect_uris": body.get("callback_url", row.redirect_uris),
        "active": row.active,
    }
    return await _changed(call, row, changed, "Client updated successfully")


async def delete_client(call: Call) -> Answer:
    """DELETE /v3/oauth2/clients/{client_id}: it becomes inactive and stays. Raises TapisRefusal."""
    row = await _own(call, await caller(call))
    kept = {"client_name": row.client_name, "redirect_uris": row.redirect_uris, "active": False}
    return await _changed(call, row, kept, "Client status updated to inactive successfully")


async def _changed(call: Call, row: Any, values: dict[str, Any], message: str) -> Answer:
    async def change(transaction: Transaction) -> None:
        await transaction.update(_UPDATE, oauth_clients, of_client_id=row.client_id, **values)

    await call.parts.store.write(change)
    return success(message, _shown(call, await _find(call, row.client_id)))


async def _find(call: Call, client_id: str) -> Any:
    row = await call.parts.store.one(_FIND, client_id=client_id)
    return row if row is not None and row.tapis_tenant == call.tenant.stored_as else None


async def _own(call: Call, username: str) -> Any:
    """Return the row of the path's client. Raises TapisRefusal when it is not there or somebody else's."""
    client_id = call.values[0]
    row = await _find(call, client_id)
    if row is None:
        raise TapisRefusal(f"No client found with id {client_id}.")
    if row.owner != username:
        raise TapisRefusal("Not authorized for this client.")
    return row


def _check_lengths(body: dict[str, Any], verb: str = "POST") -> None:
    for name, longest in _LONGEST.items():
        if len(body.get(name, "")) > longest:
            raise invalid(f"DataError(value too long for type character varying({longest}))", verb)


def _shown(call: Call, row: Any) -> dict[str, Any]:
    return {
        "active": row.active,
        "callback_url": row.redirect_uris,
        "client_id": row.client_id,
        "client_key": row.client_secret,
        "create_time": format_datetime(row.created, usegmt=True),
        "description": row.description,
        "display_name": row.client_name,
        "last_update_time": format_datetime(row.created, usegmt=True),
        "owner": row.owner,
        "tenant_id": call.tenant.tenant_id,
    }

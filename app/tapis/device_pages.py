"""Where a person types a Tapis user code (contract tapis 2.3, steps 1, 5 and 6)."""

from typing import Any

from ..oauth import device_flows
from ..oauth.answers import Answer
from ..oauth.device_flows import DENIED, REDEEMED, TAPIS
from ..transaction import Transaction
from .call import Call
from .page_answers import form_of, hidden_fields, page, path, query_of, redirect
from .refusal import TapisRefusal
from .session import Session, session_of

_NO_CLIENT = "Invalid URL: client_id must be passed."


async def device_page(call: Call) -> Answer:
    """GET /v3/oauth2/device: the form, or the login before it."""
    session, client_id = await session_of(call), query_of(call).get("client_id")
    if not client_id:
        return await _page(call, session, _NO_CLIENT)
    session.device_login = True
    if session.username is None:
        return await redirect(call, session, path("authorize", client_id=client_id))
    return await _page(call, session)


async def code_entered(call: Call) -> Answer:
    """POST /v3/oauth2/device: the code, letter by letter, and the way to the consent. Raises TapisRefusal."""
    session, form = await session_of(call), await form_of(call)
    if session.username is None:
        client_id = query_of(call).get("client_id")
        if not client_id:
            return await _page(call, session, _NO_CLIENT)
        return await redirect(call, session, path("login", client_id=client_id, response_type="device_code"))
    flow = await call.parts.store.one(device_flows.FIND, user_code=form.get("user_code", ""))
    gone = flow is None or flow.status in (DENIED, REDEEMED)
    if gone or (flow.dialect, flow.issuer) != (TAPIS, call.tenant.issuer):
        raise TapisRefusal("Invalid code.")
    if not await _enter(call, flow, session.username):
        return await _page(call, session, "Code not eligible to be entered")
    client = await call.tenant.client(call.parts.store, flow.client_id)
    name = client.client_name if client else flow.client_id
    session.device_login = True
    consent = path(
        "authorize",
        client_id=flow.client_id,
        client_display_name=name,
        response_type="device_code",
        user_code=flow.user_code,
    )
    return await redirect(call, session, consent)


async def _enter(call: Call, flow: Any, username: str) -> bool:
    """Bind a code to who enters it; an expired one may be entered too, and fails at its redemption."""

    async def enter(transaction: Transaction) -> bool:
        return await device_flows.enter(transaction, flow, username)

    return await call.parts.store.write(enter)


async def _page(call: Call, session: Session, error: str | None = None) -> Answer:
    return await page(call, session, "code", error=error, hidden=hidden_fields({}, unset=""))

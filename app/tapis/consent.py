"""The consent of the Tapis pages and what it leads to: a device that may poll on, a code, or a token (contract tapis 2.3, 2.8)."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from ..oauth import device_flows
from ..oauth.answers import Answer
from ..oauth.authorization_code import insert_code
from ..oauth.device_flows import ENTERED
from ..oauth.registry import Client
from ..transaction import Transaction
from .call import Call
from .device_code import LETTERS
from .page_answers import form_of, hidden_fields, needed, page, query_of, redirect
from .refusal import TapisRefusal
from .session import Session, session_of
from .tokens import ACCESS_SECONDS, IMPLICIT, Subject, new_pair, signed_pair, store_pair

_DAY_SECONDS = 86_400
_MOST_DAYS = 1_000_000  # the real service takes any number, and fails where the calendar ends
_CODE_LETTERS = LETTERS + "0123456789"
_GONE = "The device code is not waiting for a consent any more."


async def device_page(call: Call, session: Session, client: Client, user_code: str, error: str | None = None) -> Answer:
    """Return the consent page for a device, with its box for the days."""
    asked = {"client_id": client.client_id, "client_display_name": client.client_name, "response_type": "device_code"}
    hidden = {**hidden_fields(asked), "user_code": user_code}
    return await page(call, session, "consent", error=error, client_name=client.client_name, hidden=hidden, days="30")


async def web_page(
    call: Call, session: Session, client: Client, asked: dict[str, str], error: str | None = None
) -> Answer:
    """Return the consent page for a web application."""
    hidden = hidden_fields({**asked, "client_id": client.client_id, "client_display_name": client.client_name})
    callback = client.get_default_redirect_uri()
    return await page(
        call,
        session,
        "consent",
        redirect_uri=callback,
        error=error,
        client_name=client.client_name,
        hidden=hidden,
        days=None,
    )


async def consented(call: Call) -> Answer:
    """POST /v3/oauth2/authorize: the decision. Raises TapisRefusal."""
    session, form = await session_of(call), await form_of(call)
    needed(session.username, "username missing from session. Please login to continue.")
    client_id = needed(form.get("client_id"), "client_id missing.")
    client = needed(await call.tenant.client(call.parts.store, client_id), f"Invalid client: {client_id}")
    response_type = form.get("client_response_type")
    user_code = form.get("user_code") or query_of(call).get("user_code", "")
    asked = {name: form.get(f"client_{name}", "") for name in ("redirect_uri", "state", "response_type")}
    if form.get("approve") != "true":
        told = f"To proceed with authorization application {client.client_name}, you must approve the request."
        if response_type == "device_code":
            return await device_page(call, session, client, user_code, told)
        return await web_page(call, session, client, asked, told)
    if response_type == "device_code":
        return await _device(call, session, client, user_code, form.get("ttl", ""))
    if response_type == "code":
        return await _code(call, session, client, form.get("client_state") or "None")
    if response_type == "token":
        return await _token(call, session, client, form.get("client_state") or "None")
    raise TapisRefusal(f"Unsupported response type: {response_type}")


async def _device(call: Call, session: Session, client: Client, user_code: str, days: str) -> Answer:
    """Let the device's next poll have its token; only who entered the code may consent, and for its client."""
    try:
        seconds = _seconds(days)
    except ValueError:
        return await device_page(call, session, client, user_code, "Please enter an integer")
    flow = await call.parts.store.one(device_flows.FIND, user_code=user_code)
    whose = (call.tenant.issuer, client.client_id, session.username, ENTERED)
    if flow is None or (flow.issuer, flow.client_id, flow.username, flow.status) != whose:
        raise TapisRefusal(_GONE)

    async def consent(transaction: Transaction) -> bool:
        return await device_flows.consent(transaction, flow, seconds, call.now)

    if not await call.parts.store.write(consent):
        raise TapisRefusal(_GONE)
    session.device_login = False
    return await page(call, session, "approved", client_name=client.client_name)


def _seconds(days: str) -> int | None:
    """Return the seconds of the box, None for the default. Raises ValueError for what is no integer (contract tapis 2.3)."""
    if days in ("", " "):
        return None
    number = int(days)
    if number > _MOST_DAYS:
        raise ValueError
    return number * _DAY_SECONDS if number > 0 else None


def _callback(client: Client) -> str:
    """Return where the browser goes with what was granted. Raises TapisRefusal for a client that says no such place."""
    return str(needed(client.get_default_redirect_uri(), "The client has no callback_url."))


async def _code(call: Call, session: Session, client: Client, state: str) -> Answer:
    callback, code = _callback(client), call.parts.chance.letters(_CODE_LETTERS, 40)
    row = {
        "issuer": call.tenant.issuer,
        "client_id": client.client_id,
        "username": session.username,
        "redirect_uri": callback,
        "scope": "",
        "resource": "",
        "nonce": None,
        "code_challenge": None,
        "authenticated_at": call.now,
        "created": call.now,
        "expires_at": call.now + timedelta(minutes=10),
    }

    async def insert(transaction: Transaction) -> None:
        await insert_code(transaction, code, **row)

    await call.parts.store.write(insert)
    return await redirect(call, session, f"{callback}?{urlencode({'code': code, 'state': state})}")


async def _token(call: Call, session: Session, client: Client, state: str) -> Answer:
    callback, subject = _callback(client), Subject(str(session.username), client.client_id, IMPLICIT)
    pair = new_pair(call, subject)

    async def store(transaction: Transaction) -> None:
        await store_pair(call, transaction, subject, pair)

    await call.parts.store.write(store)
    signed: dict[str, Any] = await signed_pair(call, pair, subject)
    told = {
        "access_token": signed["access_token"]["access_token"],
        "state": state,
        "expires_in": ACCESS_SECONDS,
        "token_type": "Bearer",
    }
    return await redirect(call, session, f"{callback}?{urlencode(told)}")

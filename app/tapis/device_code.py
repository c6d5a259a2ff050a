"""Tapis device codes (contract tapis 2.2, 2.4.3, 4): made here, redeemed here, over the state machine of oauth/."""

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import msgspec

from ..errors import DatabaseTrouble
from ..oauth import device_flows
from ..oauth.answers import Answer
from ..oauth.device_flows import APPROVED, DENIED, ENTERED, PENDING, REDEEMED, TAPIS, Decision
from ..oauth.scripts import step_for
from ..transaction import Transaction
from .call import Call
from .envelope import success
from .refusal import TapisRefusal
from .schema import checked
from .tenants import GRACE
from .tokens import Subject

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DEFAULT_SECONDS = 2_592_000  # 30 days, whatever the consent page leaves open

_CODE_LETTERS, _CODE_LENGTH = LETTERS + "0123456789", 40
_NOT_VALID, _NOT_READY = "device code not valid.", "device code not ready."
_EXPIRED = "device code has expired and is now deleted."


async def generate_device_code(call: Call) -> Answer:
    """POST /v3/oauth2/device/code. Raises TapisRefusal."""
    body = checked(await call.json(), {"client_id": str}, required=["client_id"])
    client = await call.tenant.client(call.parts.store, body["client_id"]) or await _foreign(call, body["client_id"])
    if client is None:
        raise TapisRefusal(f"Invalid client: {body['client_id']}")
    ends = (call.now + timedelta(seconds=call.parts.settings.oauth.device_code_ttl)).replace(microsecond=0)
    script = call.parts.registry.script(client, call.tenant.issuer)
    values = {
        "issuer": call.tenant.issuer,
        "dialect": TAPIS,
        "client_id": client.client_id,
        "scope": "",
        "resource": "",
        "nonce": None,
        "address": call.exchange.address,
        "user_agent": call.exchange.user_agent,
        "interval": 0,  # Nobody is told one, and nobody can be too early (contract tapis 4.2).
        "created": call.now,
        "expires_at": ends,
        "script": msgspec.json.encode(script).decode() if script else None,
        "simulator_hash": None,
    }
    user_code, device_code = await _begin(call, values)
    result = {
        "client_id": client.client_id,
        "device_code": device_code,
        "expires_in": format_datetime(ends, usegmt=True),
        "user_code": user_code,
        "verification_uri": f"{call.base_url}/v3/oauth2/device?client_id={client.client_id}",
    }
    return success("Token created successfully.", result)


async def redeem(call: Call, transaction: Transaction, body: dict[str, Any]) -> Subject | TapisRefusal:
    """Return for whom a token is made, or the refusal; what has changed is kept either way."""
    if not body.get("client_id"):
        return TapisRefusal("Required client_id parameter missing.")
    if not body.get("device_code"):
        return TapisRefusal("Required device_code parameter missing.")
    flow = await device_flows.find_by_device_code(transaction, body["device_code"])
    if flow is None or flow.dialect != TAPIS:
        return TapisRefusal(_NOT_VALID)
    outcome = await _polled(call, transaction, flow, body["client_id"])
    answer = outcome.message if isinstance(outcome, TapisRefusal) else "token"
    pace = device_flows.pace_of(flow).accepted(call.now)
    await device_flows.note_poll(transaction, flow, pace, answer, call.now)
    return outcome


async def _polled(call: Call, transaction: Transaction, flow: Any, client_id: str) -> Subject | TapisRefusal:
    flow = await _scripted(call, transaction, flow)
    if flow.status in (REDEEMED, DENIED):
        return TapisRefusal(_NOT_VALID)
    over = call.now > flow.expires_at + GRACE
    redeemable = flow.status == APPROVED or (flow.status == ENTERED and call.parts.modes.race)
    if not redeemable and not (over and call.parts.modes.strict):
        if over:
            call.parts.hints.device_code_never_ready(flow.client_id)
        return TapisRefusal(_NOT_READY)
    if over:
        await device_flows.end(transaction, flow, flow.status)
        return TapisRefusal(_EXPIRED)
    if flow.client_id != client_id:
        return TapisRefusal("Client IDs do not match between device code and passed in client_id")
    return await _taken(call, transaction, flow)


async def _taken(call: Call, transaction: Transaction, flow: Any) -> Subject | TapisRefusal:
    """Consume the code, and only then look for its client in this tenant, as the real service does."""
    if not await device_flows.end(transaction, flow, flow.status):
        return TapisRefusal(_NOT_VALID)
    client = await call.tenant.client(transaction, flow.client_id)
    if client is None or flow.issuer != call.tenant.issuer:
        return TapisRefusal(f"Invalid client credentials: {flow.client_id}, ***. session: <SecureCookieSession {{}}>")
    seconds = flow.token_seconds or DEFAULT_SECONDS
    return Subject(flow.username, flow.client_id, "device_code", seconds)


async def _scripted(call: Call, transaction: Transaction, flow: Any) -> Any:
    """Return the flow after its script's or `auto_approve`'s step for this poll; nobody of another tenant approves."""
    if flow.status not in (PENDING, ENTERED):
        return flow
    step = step_for(msgspec.json.decode(flow.script), flow.polls) if flow.script else None
    action, username = (step.action, step.username) if step else ("", "")
    automatic = call.parts.settings.oauth
    if step is None and automatic.auto_approve is not None and flow.polls >= automatic.auto_approve_polls:
        action, username = "approve", automatic.auto_approve
    if action == "approve" and await call.tenant.user(transaction, username) is None:
        return flow
    if action in ("approve", "deny"):
        decision = Decision(action == "approve", username or None)
        await device_flows.decide(transaction, flow, decision, call.now)
    elif action == "expire":
        await device_flows.expire(transaction, flow, call.now - 2 * GRACE)
    else:
        return flow
    return await transaction.one(device_flows.FIND, user_code=flow.user_code)


async def _foreign(call: Call, client_id: str) -> Any:
    """Return a client of any other tenant: it gets a code too, which fails at its redemption (contract tapis 2.2)."""
    for tenant in call.parts.tenants.all.values():
        if client := await tenant.client(call.parts.store, client_id):
            return client
    return None


async def _begin(call: Call, values: dict[str, Any]) -> tuple[str, str]:
    """Store a flow and return its codes; the device code begins with the user code, as the state machine wants it.

    Raises TapisRefusal when the database does not store it.
    """
    chance = call.parts.chance

    async def begin(transaction: Transaction) -> tuple[str, str]:
        while True:
            user_code = chance.letters(LETTERS, device_flows.CODE_LENGTH)
            device_code = user_code + chance.letters(_CODE_LETTERS, _CODE_LENGTH - device_flows.CODE_LENGTH)
            if await device_flows.begin(transaction, user_code, device_code, **values):
                return user_code, device_code

    try:
        return await call.parts.store.write(begin)
    except DatabaseTrouble:
        raise TapisRefusal("Internal error saving device code. Please try again later.") from None

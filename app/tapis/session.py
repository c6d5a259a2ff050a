"""The one cookie of the Tapis pages (contract tapis 2.3): what Flask would keep in it, signed. Nothing is stored."""

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Any

import msgspec

from ..oauth.sessions import server_secret
from .call import Call

COOKIE = "session"


class Session(msgspec.Struct):
    """Who has logged in to which tenant, and whether that was to connect a device."""

    username: str | None = None
    tenant_id: str | None = None
    device_login: bool = False


async def session_of(call: Call) -> Session:
    """Return the session of a request; one that is forged, or another tenant's, is an empty one."""
    payload, _, signature = call.exchange.cookie(COOKIE).partition(".")
    if not payload or not hmac.compare_digest(signature.encode(), (await _signature(call, payload)).encode()):
        return Session()
    try:
        session = msgspec.json.decode(base64.urlsafe_b64decode(payload), type=Session)
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return Session()
    return session if session.tenant_id == call.tenant.tenant_id else Session()


async def cookie(call: Call, session: Session) -> tuple[bytes, bytes]:
    """Return the header that hands a session to the browser."""
    session.tenant_id = call.tenant.tenant_id
    payload = base64.urlsafe_b64encode(msgspec.json.encode(session)).decode()
    return b"set-cookie", f"{COOKIE}={payload}.{await _signature(call, payload)}; HttpOnly; Path=/".encode()


async def _signature(call: Call, payload: str) -> str:
    secret: Any = await server_secret(call.exchange)
    return hmac.new(secret.encode(), f"{COOKIE} {payload}".encode(), sha256).hexdigest()

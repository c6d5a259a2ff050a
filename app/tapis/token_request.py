"""POST /v3/oauth2/tokens: the four grants, their checks in the authenticator's order (contract tapis 2.4)."""

import base64
import binascii
from typing import Any, NamedTuple

from ..oauth.answers import Answer
from ..oauth.authorization_code import FIND_CODE, use_code
from ..oauth.device_flows import hash_of_code
from ..oauth.registry import Client, has_password
from ..records import same_text
from ..transaction import Transaction
from . import device_code
from .call import Call
from .envelope import success
from .page_answers import form_of
from .refusal import TapisRefusal
from .schema import JSON, checked, media_type_not_found
from .tenants import GRACE
from .tokens import Pair, Subject, known_token, new_pair, signed_pair, store_pair

FORM = "application/x-www-form-urlencoded"
GRANT_TYPES = ["password", "implicit", "authorization_code", "refresh_token", "device_code"]
MEMBERS = dict.fromkeys(
    (
        "grant_type", "username", "password", "client_id", "client_key", "client_secret", "redirect_uri", "code",
        "device_code", "refresh_token",
    ),
    str,
)  # fmt: skip


class Credentials(NamedTuple):
    """What a client showed, by Basic header or in the body."""

    client_id: str | None
    client_key: str | None


async def create_token(call: Call) -> Answer:
    """Return new tokens. Raises TapisRefusal."""
    body = await _body(call)
    grant_type = body.get("grant_type")
    if not grant_type:
        raise TapisRefusal("Missing the required grant_type parameter.")
    if grant_type not in GRANT_TYPES:
        raise TapisRefusal(
            f"Invalid grant_type ({grant_type}); this grant type is not allowed for this tenant. "
            f"Allowable grant types: {GRANT_TYPES!r}"
        )

    async def work(transaction: Transaction) -> tuple[Subject, Pair] | TapisRefusal:
        subject = await _subject(call, transaction, grant_type, body)
        if isinstance(subject, TapisRefusal):
            return subject
        pair = new_pair(call, subject)
        await store_pair(call, transaction, subject, pair)
        return subject, pair

    made = await call.parts.store.write(work)
    if isinstance(made, TapisRefusal):
        raise made
    subject, pair = made
    return success("Token created successfully.", await signed_pair(call, pair, subject))


async def _body(call: Call) -> dict[str, Any]:
    """Return the members of a JSON or a form body; a form never carries a device code (contract tapis 2.4.1)."""
    if call.media_type == FORM:
        form = await form_of(call)
        return {name: value for name, value in form.items() if name in MEMBERS and name != "device_code"}
    if call.media_type != JSON:
        raise media_type_not_found(call.media_type, [JSON, FORM])
    return checked(await call.json(), MEMBERS)


async def _subject(
    call: Call, transaction: Transaction, grant_type: str, body: dict[str, Any]
) -> Subject | TapisRefusal:
    if grant_type == "device_code":
        return await device_code.redeem(call, transaction, body)
    shown = _credentials(call, body)
    if grant_type == "password" and shown == (None, None):
        return await _by_password(call, transaction, body, None)
    client = await _client(call, transaction, shown)
    if grant_type == "password":
        return await _by_password(call, transaction, body, client)
    if grant_type == "refresh_token":
        return await _by_refresh_token(call, body, client)
    if grant_type == "authorization_code":
        return await _by_code(call, transaction, body, client)
    raise TapisRefusal("Invalid grant_type")


def _credentials(call: Call, body: dict[str, Any]) -> Credentials:
    """Return id and key of a Basic header, else of the body; any other Authorization header counts as none."""
    scheme, _, encoded = (call.header(b"authorization") or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, colon, key = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            colon = ""
        if colon and "\0" not in client_id:
            return Credentials(client_id, key)
    return Credentials(body.get("client_id"), body.get("client_key") or body.get("client_secret"))


async def _client(call: Call, transaction: Transaction, shown: Credentials) -> Client:
    """Return the client. Raises TapisRefusal; the real service repeats the key, this one does not."""
    client = await call.tenant.client(transaction, shown.client_id or "")
    same = same_text(shown.client_key or "", (client and client.client_secret) or "")
    if client is None or not client.client_secret or not same:
        key = None if shown.client_key is None else "***"
        told = f"Invalid client credentials: {shown.client_id}, {key}. session: <SecureCookieSession {{}}>"
        raise TapisRefusal(told)
    return client


async def _by_password(call: Call, transaction: Transaction, body: dict[str, Any], client: Client | None) -> Subject:
    username, password = body.get("username"), body.get("password")
    if not username or not password:
        raise TapisRefusal(
            "Missing required payload data; username and password are required for the password grant type."
        )
    user = await call.tenant.user(transaction, username)
    if not has_password(user, password) or username != username.lower():
        raise TapisRefusal("Invalid username/password combination.")
    return Subject(username, client and client.client_id, "password")


async def _by_refresh_token(call: Call, body: dict[str, Any], client: Client) -> Subject:
    if not body.get("refresh_token"):
        raise TapisRefusal("Required refresh_token parameter missing.")
    try:
        known = await known_token(call, body["refresh_token"])
    except TapisRefusal:
        raise TapisRefusal("Invalid refresh_token.") from None
    if known.kind != "refresh":
        raise TapisRefusal(
            "Invalid token type. The refresh_token grant type required a token of type refresh. "
            f"Instead a token of type {known.kind} was passed."
        )
    before = known.claims.get("tapis/access_token")
    if before is None:
        raise TapisRefusal("Invalid refresh_token format; this token was missing the access_token claim.")
    if before["tapis/client_id"] != client.client_id:
        raise TapisRefusal(
            f"client_id from header ({client.client_id}) does not match the client_id in the token claim "
            f"({before['tapis/client_id']})."
        )
    return Subject(
        before["tapis/username"],
        client.client_id,
        "refresh_token",
        redirect_uri=before.get("tapis/redirect_uri"),
        refresh_count=before["tapis/refresh_count"] + 1,
    )


async def _by_code(call: Call, transaction: Transaction, body: dict[str, Any], client: Client) -> Subject:
    if not body.get("redirect_uri"):
        raise TapisRefusal("Required redirect_uri parameter missing.")
    if body["redirect_uri"] != client.get_default_redirect_uri():
        raise TapisRefusal("Invalid redirect_uri parameter: does not match callback URL registered with client.")
    if not body.get("code"):
        raise TapisRefusal("Required authorization_code parameter missing.")
    row = await transaction.one(FIND_CODE, code_hash=hash_of_code(body["code"]))
    whose = (call.tenant.issuer, client.client_id, None)
    if row is None or (row.issuer, row.client_id, row.grant_id) != whose:
        raise TapisRefusal("authorization code not valid.")
    if call.now > row.expires_at + GRACE:
        raise TapisRefusal("authorization code has expired.")
    if not await use_code(transaction, row.code_hash, "tapis"):
        raise TapisRefusal("authorization code not valid.")
    return Subject(row.username, client.client_id, "authorization_code", redirect_uri=body["redirect_uri"])

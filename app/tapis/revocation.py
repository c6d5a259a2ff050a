"""POST /v3/oauth2/tokens/revoke (contract tapis 2.5)."""

import msgspec

from ..oauth.answers import Answer
from ..oauth.device_flows import hash_of_code
from ..oauth.tokens import revoke_access_token, use_refresh_token
from ..transaction import Transaction
from .call import UNREADABLE, Call
from .envelope import success
from .refusal import TapisRefusal
from .tokens import known_token


async def revoke_token(call: Call) -> Answer:
    """Revoke an access or a refresh token; once more is no error. Raises TapisRefusal."""
    try:
        body = msgspec.json.decode(await call.body(), type=dict[str, object])
    except UNREADABLE:
        raise TapisRefusal("Unable to parse message payload; is it JSON?") from None
    text = body.get("token")
    if not isinstance(text, str):
        raise TapisRefusal("Invalid POST data; the token is missing.")
    if not text:
        raise TapisRefusal("No Tapis access token found in the request.")
    try:
        known = await known_token(call, text, revoked_too=True)
    except TapisRefusal as refusal:
        told = f"Invalid POST data; could not validate the token: debug data: {refusal.message}."
        raise TapisRefusal(told) from None
    jti = str(known.claims["jti"])

    async def revoke(transaction: Transaction) -> None:
        if known.kind == "refresh":
            await use_refresh_token(transaction, hash_of_code(jti), call.now)
        else:
            await revoke_access_token(transaction, jti, call.now)

    await call.parts.store.write(revoke)
    return success(f"Token {jti} has been revoked.")

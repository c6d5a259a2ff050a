"""The issuer's public keys (RFC 7517). No private member leaves this module."""

from .answers import Answer, Headers, json_answer
from .exchange import Exchange

_CACHED: Headers = [(b"cache-control", b"public, max-age=60")]


async def jwks(exchange: Exchange) -> Answer:
    """GET /oauth2/jwks: the key in use and those that live tokens may still be signed with."""
    keys = await exchange.parts.signing.published(exchange.issuer.name)
    return json_answer(200, {"keys": [key.as_dict(private=False) for key in keys]}, _CACHED)

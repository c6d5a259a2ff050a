"""The issuer's metadata (RFC 8414, RFC 8628 4, OpenID Connect Discovery 3): what works, and nothing else."""

from typing import Any

from .answers import Answer, Headers, json_answer
from .exchange import Exchange
from .issuers import Issuer
from .registry import DEVICE_CODE
from .signing import ALGORITHM

_CACHED: Headers = [(b"cache-control", b"public, max-age=60")]
_SECRET = ["client_secret_basic", "client_secret_post"]
_ANY = [*_SECRET, "none"]


async def metadata(exchange: Exchange) -> Answer:
    """GET /.well-known/oauth-authorization-server and /.well-known/openid-configuration: the same document."""
    return json_answer(200, document_of(exchange.issuer), _CACHED)


def document_of(issuer: Issuer) -> dict[str, Any]:
    """Return the metadata of an issuer."""
    endpoint = f"{issuer.url}/oauth2"
    return {
        "issuer": issuer.url,
        "authorization_endpoint": f"{endpoint}/authorize",
        "token_endpoint": f"{endpoint}/token",
        "device_authorization_endpoint": f"{endpoint}/device_authorization",
        "revocation_endpoint": f"{endpoint}/revoke",
        "introspection_endpoint": f"{endpoint}/introspect",
        "userinfo_endpoint": f"{endpoint}/userinfo",
        "jwks_uri": f"{endpoint}/jwks",
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [DEVICE_CODE, "refresh_token", "authorization_code"],
        "token_endpoint_auth_methods_supported": _ANY,
        "revocation_endpoint_auth_methods_supported": _ANY,
        "introspection_endpoint_auth_methods_supported": _SECRET,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash",
            "preferred_username", "name", "email", "email_verified",
        ],
    }  # fmt: skip

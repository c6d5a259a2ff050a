"""What clients read before they log in: sites, tenants, metadata, keys, health (contract tapis 2.1, 2.9 to 2.11)."""

from typing import Any

import msgspec

from ..oauth.answers import Answer, Headers
from .call import Call
from .envelope import MEDIA_TYPE, VERSION, success
from .page_answers import query_of
from .refusal import TapisRefusal
from .signatures import public_pem
from .tenants import Tenant
from .token_request import GRANT_TYPES
from .tokens import known_token

SITE = "tacc"
_COMMIT = "a4c37081"
_MADE = "2026-01-01 00:00:00"
_STAMPS = {
    "create_time": _MADE,
    "created_by": "tms-standin",
    "last_update_time": _MADE,
    "last_updated_by": "tms-standin",
}


async def hello(_call: Call) -> Answer:
    """GET /v3/oauth2/hello."""
    return success("Hello from Tapis")


async def ready(_call: Call) -> Answer:
    """GET /v3/oauth2/ready."""
    return success("Service is ready.")


async def health_check(call: Call) -> Answer:
    """GET /v3/apps/healthcheck: a Java service, with members and an order of its own (contract tapis 1.2)."""
    body = {
        "status": "success",
        "message": "TAPIS_HEALTHY Health check received by Apps Service.",
        "version": f"{VERSION}-{_COMMIT}",
        "commit": _COMMIT,
        "build": "2026-03-04T15:00:26Z",
        "metadata": None,
        "result": f"Health check received. Count: {call.parts.tenants.count_health_check()}",
    }
    headers: Headers = [*MEDIA_TYPE]
    return Answer(200, headers, msgspec.json.encode(body))


async def metadata(call: Call) -> Answer:
    """GET /v3/oauth2/.well-known/oauth-authorization-server: wrapped in the envelope, its wrong path included."""
    base = f"{call.base_url}/v3/oauth2"
    result = {
        "authorization_endpoint": f"{base}/authorize",
        "grant_types_supported": GRANT_TYPES,
        "issuer": base,
        "jwks_uri": f"{call.base_url}/v3/tenants/{call.tenant.tenant_id}",
        "registration_endpoint": f"{base}/clients",
        "token_endpoint": f"{base}/token",
    }
    return success("OAuth server metadata retrieved successfully.", result)


async def jwks(call: Call) -> Answer:
    """GET /v3/oauth2/jwks: a true key set, unwrapped."""
    key = (await call.parts.signing.current(call.tenant.issuer)).as_dict(private=False)
    shown = {"alg": "RS256", "e": key["e"], "kty": "RSA", "n": key["n"], "typ": "JWT", "use": "sig"}
    headers: Headers = [*MEDIA_TYPE]
    return Answer(200, headers, msgspec.json.encode({"keys": [shown]}) + b"\n")


async def list_sites(call: Call) -> Answer:
    """GET /v3/sites. Raises TapisRefusal for an invalid token."""
    await _check_token(call)
    return success("Sites retrieved successfully.", [_site(call)])


async def get_site(call: Call) -> Answer:
    """GET /v3/sites/{site_id}. Raises TapisRefusal."""
    await _check_token(call)
    if call.values[0] != SITE:
        raise TapisRefusal(f"No site found with site_id {call.values[0]}.")
    return success("Site retrieved successfully.", _site(call))


async def list_tenants(call: Call) -> Answer:
    """GET /v3/tenants?select=a,b. Raises TapisRefusal for an invalid token."""
    await _check_token(call)
    found = [await _tenant(call, tenant) for tenant in call.parts.tenants.all.values()]
    if names := query_of(call).get("select"):
        found = [{name: tenant[name] for name in names.split(",") if name in tenant} for tenant in found]
    return success("Tenants retrieved successfully.", found)


async def get_tenant(call: Call) -> Answer:
    """GET /v3/tenants/{tenant_id}. Raises TapisRefusal."""
    await _check_token(call)
    tenant = call.parts.tenants.all.get(call.values[0])
    if tenant is None:
        raise TapisRefusal(f"No tenant found with tenant_id {call.values[0]}.")
    return success("Tenant retrieved successfully.", await _tenant(call, tenant))


async def _check_token(call: Call) -> None:
    """Refuse an invalid token; none at all is fine (contract tapis 2.11)."""
    if text := call.header(b"x-tapis-token"):
        await known_token(call, text)


def _site(call: Call) -> dict[str, Any]:
    root = "/".join(call.base_url.split("/")[:3])
    return {
        "base_url": root,
        "primary": True,
        "services": ["apps", "authenticator", "tenants", "tokens"],
        "site_admin_tenant_id": next(iter(call.parts.tenants.all)),
        "site_id": SITE,
        "tenant_base_url_template": f"{root}/tenants/${{tenant_id}}",
        **_STAMPS,
    }


async def _tenant(call: Call, tenant: Tenant) -> dict[str, Any]:
    base = call.parts.tenants.base_url(tenant, call.tenant, call.base_url)
    return {
        "admin_user": "admin",
        "authenticator": f"{base}/v3/oauth2",
        "base_url": base,
        "description": f"The tenant {tenant.tenant_id} of the stand-in.",
        "owner": "owner@example.com",
        "public_key": await public_pem(call.parts.signing, tenant.issuer),
        "security_kernel": f"{base}/v3/security",
        "service_ldap_connection_id": f"{tenant.tenant_id}-service",
        "site_id": SITE,
        "status": "ACTIVE",
        "tenant_id": tenant.tenant_id,
        "token_gen_services": ["authenticator"],
        "token_service": f"{base}/v3/tokens",
        "user_ldap_connection_id": f"{tenant.tenant_id}-users",
        **_STAMPS,
    }

"""Hello, health, metadata, keys, sites and tenants (contract tapis 2.1, 2.9 to 2.11)."""

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jws
from joserfc.jwk import KeySet

from tests.oauth.driver import BASE
from tests.tapis.driver import OTHERS, TENANTS, access, bearing, refused, result_of, told

STAMPS = {
    "create_time": "2026-01-01 00:00:00",
    "created_by": "tms-standin",
    "last_update_time": "2026-01-01 00:00:00",
    "last_updated_by": "tms-standin",
}
SITE = {
    "base_url": BASE,
    "primary": True,
    "services": ["apps", "authenticator", "tenants", "tokens"],
    "site_admin_tenant_id": "dev",
    "site_id": "tacc",
    "tenant_base_url_template": f"{BASE}/tenants/${{tenant_id}}",
    **STAMPS,
}


def tenant(name, base, key):
    """Return a tenant as it is shown."""
    return {
        "admin_user": "admin",
        "authenticator": f"{base}/v3/oauth2",
        "base_url": base,
        "description": f"The tenant {name} of the stand-in.",
        "owner": "owner@example.com",
        "public_key": key,
        "security_kernel": f"{base}/v3/security",
        "service_ldap_connection_id": f"{name}-service",
        "site_id": "tacc",
        "status": "ACTIVE",
        "tenant_id": name,
        "token_gen_services": ["authenticator"],
        "token_service": f"{base}/v3/tokens",
        "user_ldap_connection_id": f"{name}-users",
        **STAMPS,
    }


async def key_of(standin, name="dev"):
    """Return the PEM of a tenant."""
    return (await standin.http.get(f"/v3/tenants/{name}")).json()["result"]["public_key"]


@pytest.mark.parametrize("token", [None, "garbage"])
async def test_hello_and_ready(standin, token):
    """They look at no token."""
    headers = bearing(token) if token else {}
    told(await standin.http.get("/v3/oauth2/hello", headers=headers), "Hello from Tapis")
    told(await standin.http.get("/v3/oauth2/ready", headers=headers), "Service is ready.")


async def test_the_health_of_apps(standin):
    """A Java service: its own order and members, a running count (contract tapis 1.2)."""
    for count in (1, 2):
        answer = await standin.http.get("/v3/apps/healthcheck", headers=bearing("garbage"))
        assert answer.text == (
            '{"status":"success","message":"TAPIS_HEALTHY Health check received by Apps Service.",'
            '"version":"26Q1.0-a4c37081","commit":"a4c37081","build":"2026-03-04T15:00:26Z","metadata":null,'
            f'"result":"Health check received. Count: {count}"}}'
        )
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize(("base", "name"), [("", "dev"), (OTHERS, "other")])
async def test_the_metadata(standin_for, base, name):
    """In the envelope, with the path that does not exist; a token, good or bad, is ignored (section 6, 8)."""
    standin = await standin_for(**TENANTS)
    url = f"{BASE}{base}"
    answer = await standin.http.get(
        f"{base}/v3/oauth2/.well-known/oauth-authorization-server", headers=bearing("garbage")
    )
    told(
        answer,
        "OAuth server metadata retrieved successfully.",
        {
            "authorization_endpoint": f"{url}/v3/oauth2/authorize",
            "grant_types_supported": ["password", "implicit", "authorization_code", "refresh_token", "device_code"],
            "issuer": f"{url}/v3/oauth2",
            "jwks_uri": f"{url}/v3/tenants/{name}",
            "registration_endpoint": f"{url}/v3/oauth2/clients",
            "token_endpoint": f"{url}/v3/oauth2/token",
        },
    )


async def test_the_keys_verify_tokens(standin):
    """The JWKS, unwrapped, holds the key of the tenant's PEM and no private part."""
    answer = await standin.http.get("/v3/oauth2/jwks")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    [key] = answer.json()["keys"]
    assert {**key, "n": "", "e": ""} == {"alg": "RS256", "e": "", "kty": "RSA", "n": "", "typ": "JWT", "use": "sig"}
    published = KeySet.import_key_set({"keys": [{name: key[name] for name in ("kty", "n", "e")}]})
    assert jws.deserialize_compact(await access(standin), published, ["RS256"])
    assert published.keys[0].as_pem(private=False).decode().strip() == await key_of(standin)


async def test_sites(standin):
    """One, the primary one."""
    told(await standin.http.get("/v3/sites"), "Sites retrieved successfully.", [SITE])
    told(await standin.http.get("/v3/sites/tacc"), "Site retrieved successfully.", SITE)
    refused(await standin.http.get("/v3/sites/X"), "No site found with site_id X.")


async def test_tenants(standin_for):
    """Each with the base URL under which this caller finds it, and a key of its own."""
    standin = await standin_for(**TENANTS)
    keys = {name: await key_of(standin, name) for name in ("dev", "other")}
    dev, other = tenant("dev", BASE, keys["dev"]), tenant("other", BASE + OTHERS, keys["other"])
    told(
        await standin.http.get("/v3/tenants?show_draft=1&show_inactive=1"),
        "Tenants retrieved successfully.",
        [dev, other],
    )
    told(await standin.http.get("/v3/tenants/other"), "Tenant retrieved successfully.", other)
    told(await standin.http.get(f"{OTHERS}/v3/tenants/other"), "Tenant retrieved successfully.", other)
    told(await standin.http.get(f"{OTHERS}/v3/tenants/dev"), "Tenant retrieved successfully.", dev)
    refused(await standin.http.get("/v3/tenants/X"), "No tenant found with tenant_id X.")
    assert keys["dev"] != keys["other"]
    for key in keys.values():
        assert key.startswith("-----BEGIN PUBLIC KEY-----\n") and key.endswith("\n-----END PUBLIC KEY-----")
        found = load_pem_public_key(key.encode())
        assert isinstance(found, RSAPublicKey)
        assert found.key_size == 2048


async def test_a_tenant_is_seen_from_another_ones_host(standin_for):
    """No two tenants share a base URL, and each one is served at the one that is shown."""
    standin = await standin_for(**TENANTS)
    shown = (await standin.http.get("/v3/tenants", headers={"host": "other.example:8"})).json()["result"]
    assert {each["tenant_id"]: each["base_url"] for each in shown} == {
        "dev": "http://other.example:8/tenants/dev",
        "other": "http://other.example:8",
    }
    headers = {"host": "other.example:8"}
    answer = await standin.http.get("/tenants/dev/v3/oauth2/.well-known/oauth-authorization-server", headers=headers)
    assert answer.json()["result"]["issuer"] == "http://other.example:8/tenants/dev/v3/oauth2"


async def test_selected_members(standin):
    """`select` names them; what is not there is left out."""
    answer = await standin.http.get("/v3/tenants?select=tenant_id,base_url,nothing")
    told(answer, "Tenants retrieved successfully.", [{"base_url": BASE, "tenant_id": "dev"}])


@pytest.mark.parametrize("path", ["/v3/sites", "/v3/sites/tacc", "/v3/tenants", "/v3/tenants/dev"])
async def test_a_token_is_not_needed_but_has_to_be_good(standin, path):
    """None is fine, an invalid one is refused (contract tapis 2.11)."""
    token = await access(standin)
    for headers in ({}, bearing(token)):
        assert (await standin.http.get(path, headers=headers)).status_code == 200
    refused(await standin.http.get(path, headers=bearing("garbage")), "Could not parse the Tapis access token.")
    refused(await standin.http.get(path, headers=bearing(token[:-6] + "AAAAAA")), "Invalid Tapis token.")


async def test_a_badly_encoded_query(standin):
    """It is refused in the envelope."""
    answer = await standin.http.get("/v3/tenants?select=%zz")
    refused(answer, "Invalid GET data: [A percent sign is not followed by two hex digits]")


async def test_the_key_after_a_rotation(standin):
    """The tenant shows the new key; a token that the old one has signed stays good."""
    token, before = await access(standin), await key_of(standin)
    answer = await standin.http.post("/_standin/jwks/rotate", json={"issuer": "tapis/dev"})
    assert (answer.status_code, answer.json()["issuer"]) == (200, f"{BASE}/v3/oauth2")
    assert await key_of(standin) != before
    for seconds in (0, 3601):  # A token of RFC 8628 lives an hour, one of Tapis four or more.
        standin.advance(seconds)
        answer = await standin.http.get("/v3/oauth2/userinfo", headers=bearing(token))
        result_of(answer, "User profile retrieved successfully.")

"""Which tenant a request is for: by path, by header, by host, else the first one (contract tapis 1.4)."""

import pytest

from app.errors import StartRefused
from app.main import create_app
from app.settings import Settings
from app.settings_tables import OAuthUser, Tapis, TapisClient, TapisTenant
from tests.tapis.driver import OTHER, OTHERS, TENANTS, access, bearing, claims_of_tenant, refused

METADATA = "/v3/oauth2/.well-known/oauth-authorization-server"


@pytest.mark.parametrize(
    ("path", "headers", "base", "tenant"),
    [
        ("", {}, "http://standin", "dev"),
        ("", {"host": "localhost:3000"}, "http://localhost:3000", "dev"),
        ("", {"host": "127.0.0.1"}, "http://127.0.0.1", "dev"),
        ("", {"host": "[::1]"}, "http://[::1]", "dev"),
        ("", {"host": "[::1]:80"}, "http://[::1]:80", "dev"),
        ("", {"host": "dev.tapis.io"}, "http://dev.tapis.io", "dev"),
        ("", {"host": "other.tapis.io:9"}, "http://other.tapis.io:9", "other"),
        ("", {"host": "OTHER.example"}, "http://OTHER.example", "other"),
        ("", {"host": "dev.example"}, "http://dev.example", "named"),
        ("", {"x-tapis-tenant": "other"}, "http://standin", "other"),
        (OTHERS, {}, "http://standin/tenants/other", "other"),
        (OTHERS, {"host": "dev.tapis.io"}, "http://dev.tapis.io/tenants/other", "other"),
        (OTHERS, {"x-tapis-tenant": "dev"}, "http://standin/tenants/other", "other"),
        ("/tenants/dev", {"host": "other.example"}, "http://other.example/tenants/dev", "dev"),
    ],
)
async def test_which_tenant(standin_for, path, headers, base, tenant):
    """What the metadata tells; a host that is given to a tenant counts for more than one that begins with a name."""
    named = TapisTenant(tenant_id="named", hosts=("dev.example",))
    standin = await standin_for(tapis=Tapis(tenants=(OTHER, named)))
    result = (await standin.http.get(f"{path}{METADATA}", headers=headers)).json()["result"]
    assert (result["issuer"], result["jwks_uri"]) == (f"{base}/v3/oauth2", f"{base}/v3/tenants/{tenant}")


@pytest.mark.parametrize(
    ("path", "headers"), [("/tenants/nope", {}), ("", {"x-tapis-tenant": "nope"}), ("", {"host": "a b"})]
)
async def test_no_tenant(standin_for, path, headers):
    """An unknown one by path or header, or a host that is no host (contract tapis 1.3)."""
    standin = await standin_for(**TENANTS)
    refused(await standin.http.get(f"{path}{METADATA}", headers=headers), "invalid tenant id.")


@pytest.mark.parametrize("path", ["/v3/oauth2/hello", "/v3/oauth2/ready", "/v3/apps/healthcheck"])
async def test_who_asks_for_no_tenant(standin, path):
    """An unknown one in the header is nothing to them (contract tapis 2.1)."""
    answer = await standin.http.get(path, headers={"x-tapis-tenant": "nope"})
    assert (answer.status_code, answer.json()["status"]) == (200, "success")


async def test_the_header_beside_a_token(standin_for):
    """It does not force a tenant then."""
    standin = await standin_for(**TENANTS)
    headers = bearing(await access(standin), x_tapis_tenant="other")
    answer = await standin.http.get(METADATA, headers=headers)
    assert answer.json()["result"]["jwks_uri"].endswith("/dev")


@pytest.mark.parametrize(
    ("method", "path", "host", "tenant"),
    [
        ("POST", "/v3/oauth2/tokens", "localhost:3000", "other"),
        ("POST", "/v3/oauth2/tokens", "127.0.0.1:3000", "dev"),
        ("GET", "/v3/oauth2/tokens", "localhost", "dev"),
        ("POST", "/v3/oauth2/tokens/revoke", "localhost", "dev"),
    ],
)
async def test_the_header_for_local_tokens(standin_for, method, path, host, tenant):
    """`X-Tapis-Local-Tenant` counts where tokens are made, and on a host with `localhost` in it."""
    tenants = (await standin_for(**TENANTS)).parts.tenants
    headers = [(b"host", host.encode()), (b"x-tapis-local-tenant", b"other")]
    found, base_url, rest = tenants.find({"headers": headers, "scheme": "http", "method": method}, path)
    assert (found.tenant_id, base_url, rest) == (tenant, f"http://{host}", path)


async def test_an_unknown_local_tenant(standin_for):
    """It is refused like any other."""
    standin = await standin_for(**TENANTS)
    headers = {"host": "localhost", "x-tapis-local-tenant": "nope"}
    refused(await standin.http.post("/v3/oauth2/tokens", headers=headers, json={}), "invalid tenant id.")


async def test_the_first_tenants_name(standin_for):
    """`tapis.tenant` is another's."""
    standin = await standin_for(tapis=Tapis(tenant="tacc"))
    assert claims_of_tenant(await access(standin)) == "tacc"


async def test_the_first_tenant_may_be_configured(standin_for):
    """A table of its name gives it users of its own, wherever it is found."""
    dev = TapisTenant(tenant_id="dev", users=(OAuthUser(username="dora", password="x"),))
    standin = await standin_for(tapis=Tapis(tenants=(dev,)))
    for base in ("", "/tenants/dev"):
        assert claims_of_tenant(await access(standin, base, username="dora", password="x")) == "dev"
    answer = await standin.http.get("/v3/tenants")
    assert [tenant["tenant_id"] for tenant in answer.json()["result"]] == ["dev"]


async def test_whose_flow_it_is(standin_for):
    """An issuer's name tells the tenant, as long as there is one."""
    tenants = (await standin_for(**TENANTS)).parts.tenants
    found = [tenants.of_issuer(name) for name in ("tapis/other", "tapis/gone", "other", "")]
    assert [tenant and tenant.tenant_id for tenant in found] == ["other", None, None, None]


@pytest.mark.parametrize("username", ["testuser1", "Carol"])
def test_a_script_that_approves_as_a_stranger(username):
    """The start is refused: a tenant's scripts approve as its own users alone."""
    client = TapisClient(client_id="cli", client_key="k", script=("approve carol", f"approve {username}"))
    other = TapisTenant(tenant_id="other", users=OTHER.users, clients=(client,))
    with pytest.raises(StartRefused) as refusal:
        create_app(Settings(tapis=Tapis(tenants=(other,))))
    told = f"a script of client 'cli' approves as '{username}', expected a user of tenant 'other'."
    assert str(refusal.value) == f"tapis.tenants: {told}"

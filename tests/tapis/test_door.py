"""The door: what is Tapis' and what is not, HEAD, doubled slashes."""

import pytest

from tests.tapis.driver import refused, told


@pytest.mark.parametrize("path", ["//v3/oauth2/hello", "/v3//oauth2/hello", "///v3/oauth2///hello"])
async def test_doubled_slashes(standin, path):
    """tapipy sends them where its base URL ends with one (contract tapis 5.2)."""
    told(await standin.http.get(f"http://standin{path}"), "Hello from Tapis")


async def test_head(standin):
    """As GET, without the body (contract tapis 1.3)."""
    answer = await standin.http.head("/v3/oauth2/hello")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "95")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/v3", "/v30/x", "/x/v3/oauth2/hello", "/tenants/dev"])
async def test_what_is_not_tapis(standin, path):
    """Everything else is passed on as it was."""
    answer = await standin.http.get(path)
    assert answer.status_code == 404
    assert "metadata" not in answer.text


@pytest.mark.parametrize(
    "path", ["/v3/", "/v3/oauth2/nope", "/v3/oauth2/hello/", "/v3/oauth2/clients/", "/v3/oauth2/token", "/v3/oauth2/clients/a/b", "/v3/oauth2/clients/a%00", "/tenants/%20/v3/oauth2/hello"]
)  # fmt: skip
async def test_an_unknown_path(standin, path):
    """JSON with 404, in place of the accidental HTML 500 (contract tapis 6, 10)."""
    for method in ("GET", "POST", "OPTIONS"):
        refused(await standin.http.request(method, path), "The requested URL was not found on the server.", 404)


async def test_what_stood_there_before(standin):
    """The other dialects answer as ever."""
    assert (await standin.http.get("/v1/tms/version")).status_code == 200
    assert (await standin.http.get("/.well-known/openid-configuration")).status_code == 200

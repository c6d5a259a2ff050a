"""Every endpoint as such: its methods, and that a failure of ours is an envelope too."""

import logging

import pytest

from app.tapis import endpoints
from tests.tapis.driver import body, refused

WRONG = "The endpoint and HTTP method combination are not available from this service."
# The contract's list of paths and methods, apart from the code's.
SERVED = {
    "/v3/oauth2/hello": "GET",
    "/v3/oauth2/ready": "GET",
    "/v3/oauth2/device/code": "POST",
    "/v3/oauth2/device": "GET POST",
    "/v3/oauth2/authorize": "GET POST",
    "/v3/oauth2/login": "GET POST",
    "/v3/oauth2/logout": "GET POST",
    "/v3/oauth2/tokens": "POST",
    "/v3/oauth2/tokens/revoke": "POST",
    "/v3/oauth2/clients": "GET POST",
    "/v3/oauth2/clients/x": "GET PUT DELETE",
    "/v3/oauth2/userinfo": "GET",
    "/v3/oauth2/profiles": "GET",
    "/v3/oauth2/profiles/x": "GET",
    "/v3/oauth2/jwks": "GET",
    "/v3/oauth2/.well-known/oauth-authorization-server": "GET",
    "/v3/sites": "GET",
    "/v3/sites/x": "GET",
    "/v3/tenants": "GET",
    "/v3/tenants/x": "GET",
    "/v3/apps/healthcheck": "GET",
}


def test_every_endpoint_is_here():
    """The two lists are the same."""
    assert {path.replace("/x", "/*"): set(methods.split()) for path, methods in SERVED.items()} == {
        path: set(methods) for path, methods in endpoints.ENDPOINTS.items()
    }


@pytest.mark.parametrize("path", SERVED)
async def test_methods(standin, path):
    """Another one is a 400 with the service's words; OPTIONS tells those that are served."""
    served = SERVED[path].split()
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"} - set(served):
        refused(await standin.http.request(method, path), WRONG)
    answer = await standin.http.options(path)
    allowed = ["OPTIONS", *served, *(["HEAD"] if "GET" in served else [])]
    assert (answer.status_code, answer.content, sorted(answer.headers["allow"].split(", "))) == (
        200,
        b"",
        sorted(allowed),
    )


@pytest.mark.on_sqlite
async def test_a_database_that_does_not_answer(standin):
    """Status 503 in the envelope, no word of the database, and well again afterwards."""
    known = {"client_id": "tapis_cli"}
    standin.parts.store._writer.connection.execute("ALTER TABLE oauth_clients RENAME TO away")
    answer = await standin.http.post("/v3/oauth2/device/code", json=known)
    refused(answer, "The database does not answer. Please try again later.", 503)
    standin.parts.store._writer.connection.execute("ALTER TABLE away RENAME TO oauth_clients")
    assert (await standin.http.post("/v3/oauth2/device/code", json=known)).status_code == 200


@pytest.mark.on_sqlite
async def test_a_device_code_that_is_not_saved(standin):
    """The one failure of the database that has words of its own (contract tapis 2.2)."""
    standin.parts.store._writer.connection.execute("ALTER TABLE device_flows RENAME TO away")
    answer = await standin.http.post("/v3/oauth2/device/code", json={"client_id": "tapis_cli"})
    refused(answer, "Internal error saving device code. Please try again later.")
    standin.parts.store._writer.connection.execute("ALTER TABLE away RENAME TO device_flows")
    assert (await standin.rows())["device_flows"] == []


async def test_a_body_that_ends_early(standin, caplog):
    """The caller is gone: nothing is stored, and no fault of ours is logged."""

    async def receive():
        return {"type": "http.disconnect"}

    before = await standin.rows()
    scope = {
        "method": "POST",
        "scheme": "http",
        "headers": [(b"host", b"standin"), (b"content-type", b"application/json")],
        "query_string": b"",
    }
    found = await endpoints.answer(standin.parts, scope, "/v3/oauth2/device/code", receive)
    assert (found.status, found.body.decode()) == (
        400,
        body("The connection ended before the body did.", None, "error"),
    )
    assert (await standin.rows(), caplog.records) == (before, [])


async def test_a_fault_of_ours(standin, caplog):
    """Status 500 in the envelope; its cause stands in the log and nowhere else."""
    store, standin.parts.store.one = standin.parts.store.one, None
    with caplog.at_level(logging.ERROR, "tms_standin.tapis"):
        answer = await standin.http.post("/v3/oauth2/device/code", json={"client_id": "tapis_cli"})
    standin.parts.store.one = store
    refused(answer, "An error of the stand-in, see its log.", 500)
    assert [record.getMessage() for record in caplog.records] == ["/v3/oauth2/device/code failed"]

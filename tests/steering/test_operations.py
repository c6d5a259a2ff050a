"""What requests are called: the operationIds of the document, METHOD and template for everything else."""

import pytest

from app.oauth.endpoints import PAGES, PROTOCOL, SIMULATED
from app.steering.operations import Named, OperationNames
from app.tapis.endpoints import ENDPOINTS
from app.tms import OPERATIONS


@pytest.fixture(scope="module")
def names():
    """Return the names of everything."""
    return OperationNames(OPERATIONS)


def test_every_operation_has_its_own_name(names):
    """By id and by method and template."""
    for operation in OPERATIONS:
        path = operation.path.replace("{", "").replace("}", "")
        found = names.find(operation.method, path.encode())
        assert found == Named(operation.operation_id, f"{operation.method} {operation.path}")
        assert found.label == operation.operation_id
        assert {found.operation_id, found.template} <= names.known


def test_every_endpoint_of_the_other_dialects_is_known(names):
    """The table here and the endpoints themselves name the same paths and methods."""
    served = [*PROTOCOL.items(), *PAGES.items(), *ENDPOINTS.items(), ("/device/simulator/*", SIMULATED)]
    expected = {f"{method} {path}" for path, methods in served for method in methods}
    listed = {named.template for named in names.all if named.operation_id is None}
    assert {template.partition("{")[0] + "*" if "{" in template else template for template in listed} == expected
    assert listed <= names.known


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("POST", "/oauth2/token", "POST /oauth2/token"),
        ("POST", "/issuers/a/oauth2/token", "POST /oauth2/token"),
        ("HEAD", "/.well-known/openid-configuration/issuers/a", "GET /.well-known/openid-configuration"),
        ("POST", "/v3/oauth2/tokens", "POST /v3/oauth2/tokens"),
        ("POST", "/tenants/other/v3/oauth2/tokens", "POST /v3/oauth2/tokens"),
        ("GET", "/v3/oauth2/profiles/testuser1", "GET /v3/oauth2/profiles/{username}"),
        ("GET", "/device/simulator/abc", "GET /device/simulator/{handle}"),
        ("GET", "/oauth2/token", "GET /(other)"),
        ("GET", "/nowhere", "GET /(other)"),
        ("BREW", "/nowhere", "BREW /(other)"),
        ("A-METHOD", "/nowhere", "OTHER /(other)"),
        ("DELETE", "/v1/tms/version", "DELETE /(other)"),
        ("GET", "/%ff", "GET /(other)"),
    ],
)
def test_what_a_request_is_called(names, method, path, template):
    """Issuers and tenants in the path do not matter, and nobody makes up names."""
    assert names.find(method, path.encode()) == Named(None, template)
    assert names.find(method, path.encode()).label == template


def test_head_counts_as_get(names):
    """An operation too."""
    assert names.find("HEAD", b"/v1/tms/version") == names.find("GET", b"/v1/tms/version")


def test_many_paths(names):
    """Names that callers choose do not fill the memory."""
    for number in range(5_000):
        names.find("GET", f"/v1/tms/client/{number}".encode())
    assert len(names._found) <= 2_000

"""Fixtures for the client tests: servers with an interval of one second, an issuer for each test, the control plane."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.clients.drive import SLOWING, Control, http_client
from tests.clients.serving import serving
from tests.servers import STANDARD, Server, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server process over plain http, or several behind nginx."""
    scripts = [{"name": SLOWING, "script": ["slow_down"]}]
    folder = tmp_path_factory.mktemp("clients")
    with serving(folder, oauth__interval=1, oauth__issuers=scripts, **STANDARD) as server:
        yield server


@pytest.fixture(scope="session")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server process over https, with the certificate that it makes at its first start."""
    with running(tmp_path_factory.mktemp("clients-tls"), oauth__interval=1, tls=True, **STANDARD) as server:
        yield server


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    """Return a plain HTTP client of the server."""
    with http_client(server) as http:
        yield http


@pytest.fixture
def control(http: httpx.Client) -> Control:
    """Return the control plane of the server."""
    return Control(http)


@pytest.fixture
def issuer(server: Server, issuer_path: str) -> str:
    """Return the issuer of this test alone, which no configuration names."""
    return server.url + issuer_path


@pytest.fixture
def issuer_path(request: pytest.FixtureRequest) -> str:
    """Return the path of an issuer with the test's own name."""
    return "/issuers/" + re.sub(r"[^A-Za-z0-9]+", "-", request.node.name).strip("-")[:64]


@pytest.fixture
def slowing(http: httpx.Client) -> dict[str, Any]:
    """Return what the issuer says of itself that answers the first poll with `slow_down`."""
    return metadata_of(http, f"/issuers/{SLOWING}")


def metadata_of(http: httpx.Client, issuer_path: str) -> dict[str, Any]:
    """Return the discovery document of an issuer."""
    return http.get(f"{issuer_path}/.well-known/openid-configuration").raise_for_status().json()


@pytest.fixture
def metadata(http: httpx.Client, issuer_path: str) -> dict[str, Any]:
    """Return what the test's issuer says of itself."""
    return metadata_of(http, issuer_path)

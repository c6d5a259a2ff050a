"""The way into the authorization server: which paths are its own, and which browsers may ask."""

import subprocess
import sys

import pytest

from app.oauth import door, endpoints
from tests.oauth.driver import PUBLIC, refused
from tests.servers import ROOT

ORIGIN = {"origin": "https://app.example"}
CROSS = sorted(door.CROSS_ORIGIN)
SAME = sorted(door.SAME_ORIGIN)


def test_every_endpoint_is_behind_the_door():
    """Both modules name the same paths."""
    assert set(endpoints.PROTOCOL) == door.CROSS_ORIGIN
    assert set(endpoints.PAGES) == door.SAME_ORIGIN


@pytest.mark.parametrize("path", CROSS)
async def test_a_preflight(standin, path):
    """Any origin, the methods that are served, the headers that are asked for (row OA-22)."""
    asked = {**ORIGIN, "access-control-request-method": "POST", "access-control-request-headers": "authorization, dpop"}
    answer = await standin.http.options(path, headers=asked)
    told = {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}
    assert (answer.status_code, told["access-control-allow-origin"]) == (200, "*")
    assert told["access-control-allow-methods"] == "GET, POST"
    assert told["access-control-allow-headers"] == "authorization, dpop"
    assert "access-control-allow-credentials" not in told


@pytest.mark.parametrize("path", CROSS)
async def test_an_answer_to_another_origin(standin, path):
    """Whatever its status, it may be read, with the headers that matter (row OA-22)."""
    answer = await standin.http.request("GET" if "GET" in endpoints.PROTOCOL[path] else "POST", path, headers=ORIGIN)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "WWW-Authenticate, Retry-After"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", SAME)
async def test_pages_are_for_no_other_origin(standin, path):
    """What carries a session is never shared."""
    asked = {**ORIGIN, "access-control-request-method": "POST"}
    for answer in (await standin.http.options(path, headers=asked), await standin.http.get(path, headers=ORIGIN)):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "path", ["/oauth2", "/oauth2/", "/oauth2/token/", "/oauth2//token", "/OAuth2/token", "/device/x"]
)
async def test_other_paths_go_on(standin, path):
    """To whoever is behind: here nobody is."""
    assert (await standin.http.get(path)).status_code == 404


async def test_tms_is_where_it_was(standin):
    """The door takes nothing away from it."""
    assert (await standin.http.get("/v1/tms/hello")).text == "hello!"


@pytest.mark.parametrize("path", ["/oauth2/jwks", "/.well-known/openid-configuration"])
async def test_head(standin, path):
    """The headers of GET with the length of its body, and no body."""
    answer, head = await standin.http.get(path), await standin.http.head(path)
    assert (head.status_code, head.content, head.headers) == (200, b"", answer.headers)


async def test_the_length_is_told(standin):
    """For an error as for an answer, in bytes."""
    for answer in (await standin.http.get("/oauth2/jwks"), await standin.post("/oauth2/token", client_id=PUBLIC)):
        assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_start_loads_nothing_of_the_protocol():
    """Authlib and joserfc come with the first request that needs them."""
    script = """
import sys
from app.main import create_app
from app.settings import Settings
create_app(Settings(database="sqlite://"))
print(sorted({name.partition(".")[0] for name in sys.modules} & {"authlib", "joserfc", "jinja2", "segno"}))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


async def test_a_named_issuer_has_every_endpoint(standin):
    """Below its path."""
    refused(await standin.post("/oauth2/token", issuer="a"), 400, "invalid_request")
    refused(await standin.post("/oauth2/introspect", issuer="a"), 401, "invalid_client")

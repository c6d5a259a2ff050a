"""How the documents are served: paths, methods, headers, and which wire version they follow."""

import json

import pytest

from app.documents.contents import MAKERS
from app.documents.honest import openapi_document
from app.tms import OPERATIONS
from app.wire import WIRES
from tests.documents.serving import documents

HTML = [("content-type", "text/html; charset=utf-8")]
HEADERS = {
    "/": HTML,
    "/oauth-receiver.html": HTML,
    "/spec": [("content-type", "application/json")],
    "/spec_yaml": [
        ("content-type", "application/x-yaml"),
        ("content-disposition", 'inline; filename="spec.yaml"'),
    ],
    "/openapi.json": [("content-type", "application/json")],
}
NOT_FOUND = [("content-type", "text/plain; charset=utf-8"), ("content-length", "9")]
UNKNOWN = [
    "/spec/",
    "http://standin//",
    "/SPEC",
    "/%73pec",
    "/spec%0A",
    "/v1",
    "/v1/",
    "/docs",
    "/redoc",
    "/openapi.yaml",
    "/spec.json",
]


def headers_of(answer):
    """Return the headers as they were sent, the date's value apart."""
    return [(name.decode(), value.decode() if name != b"date" else "") for name, value in answer.headers.raw]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "FROBNICATE", "get"])
@pytest.mark.parametrize("path", HEADERS)
async def test_any_method_is_answered_with_the_document(path, method):
    """Contract 1.1: even an invented one. The headers stand in the contract's order."""
    async with documents() as (client, _):
        expected = (await client.get(path)).content
        answer = await client.request(method, path)
    assert (answer.status_code, answer.content) == (200, expected)
    assert headers_of(answer) == [*HEADERS[path], ("content-length", str(len(expected)))]


@pytest.mark.parametrize("path", HEADERS)
async def test_head_tells_the_length_of_the_body_that_it_leaves_out(path):
    """Contract section 7."""
    async with documents() as (client, _):
        whole, answer = await client.get(path), await client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert headers_of(answer) == headers_of(whole)


async def test_any_other_path_is_not_found(client):
    """Plain text without a redirect, in the whole application, whatever the method."""
    for path in UNKNOWN:
        for method in ("GET", "POST", "FROBNICATE"):
            answer = await client.request(method, path)
            assert (path, method, answer.status_code, answer.text) == (path, method, 404, "not found")
            assert headers_of(answer) == [*NOT_FOUND, ("date", "")]


async def test_head_of_an_unknown_path_tells_the_length(client):
    """Contract section 7."""
    answer = await client.head("/nothing")
    assert (answer.status_code, answer.content, headers_of(answer)) == (404, b"", [*NOT_FOUND, ("date", "")])


async def test_the_application_adds_the_date_alone(client):
    """The last header, as everywhere else."""
    for path, headers in HEADERS.items():
        answer = await client.get(path)
        assert headers_of(answer) == [*headers, ("content-length", str(len(answer.content))), ("date", "")]


async def test_the_documents_follow_the_wire_version_in_force():
    """At each request, there and back; each version is made once."""
    async with documents() as (client, parts):
        newer = [(await client.get(path)).text for path in HEADERS]
        parts.modes.wire_version = "0.1.0"
        older = [(await client.get(path)).text for path in HEADERS]
        parts.modes.wire_version = "0.3.0"
        assert [(await client.get(path)).text for path in HEADERS] == newer
    changed = [path for path, one, other in zip(HEADERS, newer, older, strict=True) if one != other]
    assert changed == ["/", "/spec", "/spec_yaml", "/openapi.json"]
    assert json.loads(older[4]) == openapi_document(OPERATIONS, WIRES["0.1.0"])


async def test_servers_of_the_reference_are_those_of_the_settings():
    """A real server's own tms.toml names them."""
    async with documents(server_urls=("https://tms.example/v1",)) as (client, _):
        assert (await client.get("/spec")).json()["servers"] == [{"url": "https://tms.example/v1"}]
        assert "servers:\n- url: https://tms.example/v1\n" in (await client.get("/spec_yaml")).text


def test_every_path_has_a_maker():
    """What is routed can be made, and nothing is made that no route leads to."""
    assert list(MAKERS) == list(HEADERS)

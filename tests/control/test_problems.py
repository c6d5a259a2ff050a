"""What a refused call gets: application/problem+json for whatever went wrong (RFC 9457)."""

import resource
import sqlite3

import httpx
import pytest

from tests.control.conftest import DEVICE, problem

JSON = "application/json"
NO_CALL = "There is no such call; openapi.json lists all of them."
NOT_JSON = "The body must be JSON, with the header Content-Type: application/json."


@pytest.mark.parametrize("path", ["nothing", "device/", "device/a/b", "device//report", "jwks", "docs", "redoc"])
async def test_an_unknown_path(standin, path):
    """404, whatever the method; a slash at the end makes another path."""
    for method in ("GET", "POST"):
        problem(await standin.http.request(method, f"/_standin/{path}"), 404, "Not Found", NO_CALL)


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("device", "POST", "GET"),
        ("device", "DELETE", "GET"),
        ("device/BBBB-BBBB", "GET", "POST"),
        ("device/BBBB-BBBB/report", "PUT", "GET"),
        ("jwks/rotate", "GET", "POST"),
        ("ca.pem", "POST", "GET"),
    ],
)
async def test_a_wrong_method(standin, path, method, allowed):
    """405 with the one that is right, in the header too (RFC 9110 15.5.6)."""
    answer = await standin.http.request(method, f"/_standin/{path}")
    problem(answer, 405, "Method Not Allowed", f"The method must be {allowed}.")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("body", "content_type", "status", "title", "detail"),
    [
        (b"{", JSON, 400, "Bad Request", "The body is not valid JSON."),
        (b'{"action": "deny"', JSON, 400, "Bad Request", "The body is not valid JSON."),
        (b"\xff", JSON, 400, "Bad Request", "There was an error parsing the body."),
        (b"[" * 100_000, JSON, 400, "Bad Request", "There was an error parsing the body."),
        (b'{"action": "deny"}', None, 415, "Unsupported Media Type", NOT_JSON),
        (b'{"action": "deny"}', "application/x-www-form-urlencoded", 415, "Unsupported Media Type", NOT_JSON),
        (b"action=deny", "application/x-www-form-urlencoded", 415, "Unsupported Media Type", NOT_JSON),
        (b'{"action": "deny"}', "text/plain", 415, "Unsupported Media Type", NOT_JSON),
    ],
)
async def test_a_body_that_cannot_be_read(standin, body, content_type, status, title, detail):
    """400 for what is no JSON, 415 for what does not call itself so; the flow stays as it was."""
    flow = await standin.begin()
    before = await standin.rows()
    answer = await standin.raw(f"{DEVICE}/{flow['user_code']}", body, content_type)
    problem(answer, status, title, detail)
    assert await standin.rows() == before


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/a+json"])
async def test_json_by_other_names(standin, content_type):
    """With a charset and in upper case it is JSON as well."""
    flow = await standin.begin()
    answer = await standin.raw(f"{DEVICE}/{flow['user_code']}", b'{"action": "deny"}', content_type)
    assert (answer.status_code, answer.json()["status"]) == (200, "denied")


async def test_several_wrong_fields_are_all_named(standin):
    """One call tells everything."""
    flow = await standin.begin()
    wish = {"action": "approve", "username": 5, "scope": "a  b"}
    answer = await standin.http.post(f"{DEVICE}/{flow['user_code']}", json=wish)
    problem(
        answer,
        422,
        "Unprocessable Entity",
        "username must be a valid string. scope must be words separated by one space.",
        errors=[
            {"field": "username", "detail": "must be a valid string"},
            {"field": "scope", "detail": "must be words separated by one space"},
        ],
    )


async def test_a_member_whose_name_is_no_text(standin):
    """A lone surrogate cannot be encoded, and is not repeated."""
    flow = await standin.begin()
    answer = await standin.raw(f"{DEVICE}/{flow['user_code']}", b'{"action": "deny", "\\ud800": 1}', JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.content.isascii()


@pytest.mark.parametrize("host", ["a b", "", "standin/x", "standin:port"])
@pytest.mark.parametrize("call", ["list", "decide", "rotate"])
async def test_a_host_that_is_none(standin, host, call):
    """An issuer's URL cannot be told, so nothing is done."""
    flow = await standin.begin()
    before = await standin.rows()
    method, path, body = {
        "list": ("GET", DEVICE, None),
        "decide": ("POST", f"{DEVICE}/{flow['user_code']}", {"action": "deny"}),
        "rotate": ("POST", "/_standin/jwks/rotate", {}),
    }[call]
    answer = await standin.http.request(method, path, json=body, headers={"host": host})
    problem(answer, 400, "Bad Request", "The Host header is missing or no host's name.")
    assert await standin.rows() == before


async def test_a_database_that_refuses(standin_for, tmp_path):
    """503, to be tried again: somebody has dropped a table."""
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    connection = sqlite3.connect(tmp_path / "tms.db")
    connection.executescript("DROP TABLE device_polls; DROP TABLE device_flows;")
    connection.close()
    for method, path in [("GET", ""), ("GET", "/BBBB-BBBB/report"), ("POST", "/BBBB-BBBB")]:
        answer = await standin.http.request(method, DEVICE + path, json={"action": "deny"})
        problem(answer, 503, "Service Unavailable", "The database does not answer, try again.")
        assert answer.headers["retry-after"] == "1"


async def test_a_disk_that_is_full(standin_for, tmp_path):
    """507 with the system's words: what is set has to be in a file that the other processes read."""
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    await standin.http.patch("/_standin/settings", json={"journal": True})
    await standin.http.get("/v1/tms/version")
    rows, before = await standin.rows(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        answer = await standin.http.patch("/_standin/settings", json={"strict": True})
        emptied = await standin.http.delete("/_standin/journal")
        reset = await standin.http.post("/_standin/reset")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    detail = "A file of the stand-in cannot be read or written: {}."
    problem(answer, 507, "Insufficient Storage", detail.format("File too large"))
    problem(emptied, 507, "Insufficient Storage", detail.format("disk I/O error"))
    assert (await standin.http.get("/_standin/settings")).json()["strict"] is False
    assert await standin.rows() == rows
    problem(reset, 507, "Insufficient Storage", detail.format("disk I/O error"))


async def test_a_fault_of_ours(standin):
    """500 in the same form, and what happened goes on to the server's log."""
    standin.parts.signing = None
    transport = httpx.ASGITransport(standin.http._transport.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://standin") as http:
        answer = await http.post("/_standin/jwks/rotate")
    problem(answer, 500, "Internal Server Error", "An error of the stand-in, see its log.")
    with pytest.raises(AttributeError):
        await standin.http.post("/_standin/jwks/rotate")

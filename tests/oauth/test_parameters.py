"""How parameters are read: bad encodings, repetitions, sizes. Through each POST endpoint, and alone where only a unit shows it."""

import pytest
from authlib.oauth2 import OAuth2Error

from app.oauth.parameters import (
    LARGEST_BODY,
    InvalidTargetError,
    Parameters,
    form_parameters,
    parameters_of,
    resource_of,
)
from tests.oauth.driver import DEVICE_CODE, FORM, PUBLIC, UNSEEN, refused

ENDPOINTS = ["device_authorization", "token", "revoke", "introspect"]
everywhere = pytest.mark.parametrize("endpoint", ENDPOINTS)
GOOD = f"client_id={PUBLIC}&grant_type={DEVICE_CODE}&device_code=x&token=x"


@everywhere
@pytest.mark.parametrize(
    "body",
    [
        *("scope=%", "scope=%4", "scope=%zz", "scope=a%", "%=a", "scope=%u0041"),
        *("scope=%ff", "scope=%c3", "scope=%ed%a0%80", "%ff=a", "scope=%c0%80"),
        *("scope=a%00b", "foo=%00", "client_id=%00"),
    ],
)
async def test_what_is_badly_encoded(standin, endpoint, body):
    """A broken escape, what is not UTF-8, a NUL, also in parameters that nobody knows (rows OA-01, OA-13)."""
    before = await standin.rows()
    answer = await standin.raw(f"/oauth2/{endpoint}", f"{GOOD}&{body}".encode())
    refused(answer, 400, "invalid_request")
    assert await standin.rows() == before


@everywhere
@pytest.mark.parametrize("body", [b"scope=\xff", b"scope=\xc3", b"\xed\xa0\x80=a", b"scope=a\x00b"])
async def test_raw_bytes_that_are_no_utf_8(standin, endpoint, body):
    """Not escaped at all (row OA-13)."""
    refused(await standin.raw(f"/oauth2/{endpoint}", GOOD.encode() + b"&" + body), 400, "invalid_request")


@everywhere
@pytest.mark.parametrize("name", ["client_id", "grant_type", "scope", "device_code", "token", "refresh_token", "code"])
async def test_a_known_parameter_twice(standin, endpoint, name):
    """Whether the endpoint needs it or not (rows DA-08, OA-13, OA-15)."""
    before = await standin.rows()
    kept = [pair for pair in GOOD.split("&") if not pair.startswith(f"{name}=")]
    for values in ((f"{name}=a", f"{name}=a"), (f"{name}=a", f"{name}=b"), (f"{name}=", f"{name}=")):
        answer = await standin.raw(f"/oauth2/{endpoint}", "&".join([*kept, *values]).encode())
        assert refused(answer, 400, "invalid_request") == f"The parameter {name} is there more than once"
    assert await standin.rows() == before


@everywhere
@pytest.mark.parametrize("size", [LARGEST_BODY + 1, 1_048_576])
async def test_a_body_that_is_too_large(standin, endpoint, size):
    """It is read to its end, so that the answer arrives, and not looked at (row OA-13)."""
    before = await standin.rows()
    body = f"{GOOD}&scope=".encode().ljust(size, b"a")
    answer = await standin.raw(f"/oauth2/{endpoint}", body)
    assert refused(answer, 413, "invalid_request") == "The body is larger than 65536 bytes"
    assert await standin.rows() == before


async def test_a_body_of_the_largest_size(standin):
    """It is read."""
    body = b"client_id=device-public&foo=".ljust(LARGEST_BODY, b"a")
    assert (await standin.raw("/oauth2/device_authorization", body)).status_code == 200


@everywhere
async def test_too_many_parameters(standin, endpoint):
    """A hundred are plenty (row OA-13)."""
    answer = await standin.raw(f"/oauth2/{endpoint}", (GOOD + "&a=b" * 100).encode())
    assert refused(answer, 400, "invalid_request") == "There are more than 100 parameters"


@everywhere
@pytest.mark.parametrize(
    "query",
    [
        *(
            "client_id=device-public",
            "client_secret=secret1",
            "token=a",
            "device_code=a",
            "foo=b&scope=",
            "grant_type=x",
        ),
        *("scope=%zz", "scope=%ff"),
    ],
)
async def test_parameters_in_the_query(standin, endpoint, query):
    """They are refused even where the body is right, since proxies log them (rows OA-06, X-13, SEC-10)."""
    before = await standin.rows(*UNSEEN)
    answer = await standin.http.post(f"/oauth2/{endpoint}?{query}", content=GOOD, headers={"content-type": FORM})
    refused(answer, 400, "invalid_request")
    assert await standin.rows(*UNSEEN) == before


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", '{"client_id": "device-public"}', 200),
        ("application/json; charset=utf-8", '{"client_id": "device-public", "scope": "openid"}', 200),
        (FORM, "client_id=device-public", 200),
        ("application/json", '{"client_id": ["device-public"]}', 400),
        ("application/json", '{"client_id": 1}', 400),
        ("application/json", '["client_id"]', 400),
        ("application/json", '{"client_id": "device-public"', 400),
        ("application/json", '{"client_id": "device-public\\u0000"}', 400),
        ("application/json", '{"client_id": "\\ud800"}', 400),
        ("application/json", "", 400),
        ("application/json", "[" * 60_000, 400),
        ("text/json", '{"client_id": "device-public"}', 400),
    ],
)
async def test_json_where_it_is_allowed(standin_for, content_type, body, status):
    """An object of texts, as octokit sends it; anything else is the client's error (row X-13)."""
    standin = await standin_for(oauth={"json_bodies": True})
    answer = await standin.raw("/oauth2/device_authorization", body.encode(), content_type)
    assert answer.status_code == status
    if status == 400:
        refused(answer, 400, "invalid_request")
        assert (await standin.rows())["device_flows"] == []


async def test_json_that_is_no_utf_8(standin_for):
    """Nor is it a crash (row X-13)."""
    standin = await standin_for(oauth={"json_bodies": True})
    answer = await standin.raw("/oauth2/token", b'{"grant_type": "\xff"}', "application/json")
    refused(answer, 400, "invalid_request")


async def test_a_whole_flow_in_json(standin_for):
    """Octokit polls in JSON too (row X-13)."""
    standin = await standin_for(oauth={"json_bodies": True})
    flow = (await standin.http.post("/oauth2/device_authorization", json={"client_id": PUBLIC})).json()
    poll = {"grant_type": DEVICE_CODE, "device_code": flow["device_code"], "client_id": PUBLIC}
    refused(await standin.http.post("/oauth2/token", json=poll), 400, "authorization_pending")
    await standin.approve(flow)
    assert (await standin.http.post("/oauth2/token", json=poll)).status_code == 200


def test_a_parameter_without_value_counts_as_absent():
    """In both views (rows DA-06, OA-15)."""
    parameters = form_parameters(FORM, b"a=&b=1&c&d=+&d=%2B", json_too=False)
    assert parameters.data == {"b": "1", "d": "+"}
    assert parameters.datalist == {"b": ["1"], "d": [" ", "+"]}


def test_letters_of_every_language():
    """UTF-8, escaped or not."""
    assert form_parameters(FORM, "a=é&b=%C3%A9+%F0%9F%94%91".encode(), json_too=False).data == {"a": "é", "b": "é 🔑"}


def test_nothing_is_an_empty_form():
    """Also where no media type is told."""
    assert form_parameters("", b"", json_too=False).data == {}


def test_no_sentence_repeats_a_value():
    """What is wrong may be a secret (row SEC-10)."""
    for body in (b"client_secret=hush%", b"client_secret=hush%ff", b"client_secret=hush%00", b"code=hush&code=hush"):
        with pytest.raises(OAuth2Error) as refusal:
            form_parameters(FORM, body, json_too=False)
        assert "hush" not in str(refusal.value.get_body())


def test_the_resources_of_a_request():
    """As one text, each once (RFC 8707 2)."""
    assert resource_of(parameters_of([("resource", "urn:a"), ("resource", "http://b/?c"), ("resource", "urn:a")])) == (
        "urn:a http://b/?c"
    )
    assert resource_of(Parameters([])) == ""
    with pytest.raises(InvalidTargetError):
        resource_of(Parameters([("resource", "urn:a"), ("resource", "b")]))
    assert resource_of(Parameters([("resource", "urn:" + "a" * 4_092)])) == "urn:" + "a" * 4_092
    with pytest.raises(InvalidTargetError):  # The token would not fit into a header.
        resource_of(Parameters([("resource", "urn:" + "a" * 4_093)]))

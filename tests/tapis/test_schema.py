"""Schema errors in the words of contract tapis 1.6: the documented shapes, nothing changed, no secret repeated."""

import json

import pytest

from tests.oauth.driver import FORM
from tests.tapis.driver import CLI, PASSWORD, access, bearing, begin, refused

CODE, TOKENS, CLIENTS = "/v3/oauth2/device/code", "/v3/oauth2/tokens", "/v3/oauth2/clients"
JSON = "application/json"
MISSING = "[InvalidSchemaValue(value={}, type='object', schema_errors=(<ValidationError: \"'client_id' is a required property\">,))]."
SECRETS = ["password", "client_key", "client_secret", "refresh_token", "device_code", "code"]


@pytest.mark.parametrize(
    ("sent", "kind", "shown"),
    [
        ("{}", JSON, MISSING),
        (
            '{"client_id": 5}',
            JSON,
            (
                "[InvalidSchemaValue(value={'client_id': 5}, type='object', "
                "schema_errors=(<ValidationError: \"5 is not of type 'string'\">,))]."
            ),
        ),
        (
            '{"client_id": null}',
            JSON,
            (
                "[InvalidSchemaValue(value={'client_id': None}, type='object', "
                "schema_errors=(<ValidationError: 'None for not nullable'>,))]."
            ),
        ),
        (
            "[1]",
            JSON,
            (
                "[InvalidSchemaValue(value=[1], type='object', "
                "schema_errors=(<ValidationError: \"[1] is not of type 'object'\">,))]."
            ),
        ),
        ('{"client_id":', JSON, "[MediaTypeDeserializeError(mimetype='application/json', value='{\"client_id\":')]."),
        ("\ufffd", JSON, "[MediaTypeDeserializeError(mimetype='application/json', value='\ufffd')]."),
        ("", JSON, "[MissingRequiredRequestBody(request=<FlaskOpenAPIRequest object at 0x0>)]."),
        ("hi", "text/plain", "[MediaTypeNotFound(mimetype='text/plain', availableMimetypes=['application/json'])]."),
        ("client_id=x", FORM, f"[MediaTypeNotFound(mimetype='{FORM}', availableMimetypes=['application/json'])]."),
        ("{}", None, "[MediaTypeNotFound(mimetype='', availableMimetypes=['application/json'])]."),
    ],
)
async def test_a_body_that_does_not_fit(standin, sent, kind, shown):
    """Each row of the table; no flow is begun."""
    before = await standin.rows()
    refused(await standin.raw(CODE, sent.encode(), kind), f"Invalid POST data: {shown}")
    assert await standin.rows() == before


@pytest.mark.parametrize(
    "sent", [b"[" * 5_000, b'{"client_id": ' + b"[" * 50_000, b'{"client_id": "\\ud800"}', b"\xff"]
)
async def test_a_body_that_nobody_can_read(standin, sent):
    """Too deep, half a character, no UTF-8: the prefix that clients match."""
    answer = await standin.raw(CODE, sent, JSON)
    assert answer.json()["message"].startswith(
        "Invalid POST data: [MediaTypeDeserializeError(mimetype='application/json'"
    )
    assert (answer.status_code, len(answer.text) < 500) == (400, True)


@pytest.mark.parametrize("path", [CODE, TOKENS, "/v3/oauth2/tokens/revoke", "/v3/oauth2/login", "/v3/oauth2/device"])
async def test_a_body_that_is_too_large(standin, path):
    """A 400 as every deliberate error is (contract tapis 1.3); the real service's bound is unknown."""
    await standin.http.post("/v3/oauth2/login", data={"username": "testuser1", "password": "password1"})
    before = await standin.rows()
    refused(await standin.raw(path, b" " * 1_000_000, JSON), "The body is larger than 65536 bytes.")
    assert await standin.rows() == before


async def test_what_is_let_pass(standin):
    """Unknown members, and a charset behind the media type (contract tapis 1.6)."""
    sent = json.dumps({"client_id": CLI, "ttl": "99", "more": [None]}).encode()
    answer = await standin.raw(CODE, sent, "application/json; charset=utf-8")
    assert (answer.status_code, answer.json()["result"]["client_id"]) == (200, CLI)


@pytest.mark.parametrize("value", ["s3cr3t-value", 31337, ["s3cr3t-value"], {"x": "s3cr3t-value"}])
@pytest.mark.parametrize("name", SECRETS)
async def test_no_error_repeats_a_secret(standin, name, value):
    """Whatever else is wrong with the body, and whatever the secret looks like: a deviation on purpose."""
    wrong = {**PASSWORD, name: value, "username": 5, "unknown": {"password": "s3cr3t-value"}}
    text, escaped = json.dumps(wrong), json.dumps({name: value}).replace(name[1], f"\\u{ord(name[1]):04x}", 1)
    for sent in (text, text[:-1], f"[{text}]", json.dumps({"grant_type": "password", name: value})[:-1], escaped[:-1]):
        answer = await standin.raw(TOKENS, sent.encode(), JSON)
        assert answer.json()["message"].startswith("Invalid POST data: [")
        assert "s3cr3t" not in answer.text
        assert "31337" not in answer.text
        assert "password1" not in answer.text


async def test_a_put_has_no_period(standin):
    """`Invalid PUT data: ` and no period at the end (contract tapis 2.6)."""
    headers = bearing(await access(standin))
    answer = await standin.http.put(f"{CLIENTS}/x", json={"callback_url": 5}, headers=headers)
    refused(
        answer,
        "Invalid PUT data: [InvalidSchemaValue(value={'callback_url': 5}, type='object', "
        "schema_errors=(<ValidationError: \"5 is not of type 'string'\">,))]",
    )


async def test_a_boolean(standin):
    """The one member that is not a text."""
    answer = await standin.http.post(CLIENTS, json={"active": "yes"}, headers=bearing(await access(standin)))
    refused(
        answer,
        "Invalid POST data: [InvalidSchemaValue(value={'active': 'yes'}, type='object', "
        "schema_errors=(<ValidationError: \"'yes' is not of type 'boolean'\">,))].",
    )


async def test_the_flow_of_a_good_body(standin):
    """The counterpart of all of the above."""
    assert (await begin(standin))["client_id"] == CLI

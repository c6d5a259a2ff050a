"""The control plane as an application: its own document, true in what it says, and the rest of the server untouched."""

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from tests.control.conftest import DEVICE, decide
from tests.oauth.driver import CONFIDENTIAL, basic

DOCUMENT = "/_standin/openapi.json"
CALLS = {
    ("/health/live", "get"): "check_liveness",
    ("/health/ready", "get"): "check_readiness",
    ("/reset", "post"): "reset_everything",
    ("/clock", "get"): "show_clock",
    ("/clock", "put"): "set_clock",
    ("/clock/advance", "post"): "advance_clock",
    ("/settings", "get"): "show_settings",
    ("/settings", "patch"): "change_settings",
    ("/snapshots", "get"): "list_snapshots",
    ("/snapshots/{name}", "put"): "save_snapshot",
    ("/snapshots/{name}", "get"): "download_snapshot",
    ("/snapshots/{name}", "delete"): "delete_snapshot",
    ("/snapshots/{name}/restore", "post"): "restore_snapshot",
    ("/journal", "get"): "show_journal",
    ("/journal", "delete"): "empty_journal",
    ("/journal.har", "get"): "export_journal",
    ("/metrics", "get"): "show_metrics",
    ("/tables", "get"): "list_tables",
    ("/records", "get"): "list_records",
    ("/events", "get"): "watch_samples",
    ("/faults", "get"): "show_faults",
    ("/faults", "put"): "set_faults",
    ("/faults", "delete"): "remove_faults",
    ("/device", "get"): "list_device_flows",
    ("/device/{user_code}", "post"): "decide_device_flow",
    ("/device/{user_code}/report", "get"): "report_on_device_flow",
    ("/jwks/rotate", "post"): "rotate_signing_key",
    ("/ca.pem", "get"): "download_certificate_authority",
}


async def document(standin):
    """Return the OpenAPI document as it is served."""
    return (await standin.http.get(DOCUMENT, headers={"authorization": "Bearer t0ken"})).json()


def true(told, path, method, answer):
    """Check an answer's status, media type and body with what the document says of the call."""
    responses = told["paths"][path][method]["responses"]
    content = responses.get(str(answer.status_code), responses["default"])["content"]
    [(media_type, described)] = content.items()
    assert answer.headers["content-type"] == media_type
    OAS31Validator({**described["schema"], "components": told["components"]}).validate(answer.json())


async def test_the_document_is_valid_and_whole(standin):
    """Every call once, by a name of its own, below the path where the plane is mounted."""
    told = await document(standin)
    validate(told, cls=OpenAPIV31SpecValidator)
    assert told["servers"] == [{"url": "/_standin"}]
    assert {
        (path, method): operation["operationId"]
        for path, item in told["paths"].items()
        for method, operation in item.items()
    } == CALLS
    assert "security" not in told


@pytest.mark.parametrize("path", ["device/AB%0ACD", "snapshots/a%0a", "nothing%0A/here"])
async def test_a_newline_in_a_path_leads_nowhere_else(standin, path):
    """It is the plane that refuses, in its own form."""
    answer = await standin.http.get(f"/_standin/{path}")
    assert (answer.status_code // 100, answer.headers["content-type"]) == (4, "application/problem+json")


async def test_the_document_can_be_asked_for_again(standin):
    """It stays the same."""
    assert await document(standin) == await document(standin)


async def test_the_document_tells_of_the_token(standin_for):
    """Generated clients learn that they have to send it."""
    told = await document(await standin_for(control_token="t0ken"))
    validate(told, cls=OpenAPIV31SpecValidator)
    assert told["security"] == [{"bearer": []}]
    assert told["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}


async def test_refusals_are_documented_as_problems(standin):
    """No call promises another form."""
    told = await document(standin)
    refusals = {
        media_type
        for item in told["paths"].values()
        for operation in item.values()
        for status, response in operation["responses"].items()
        if not status.startswith("2")
        for media_type in response["content"]
    }
    assert refusals == {"application/problem+json"}


async def test_answers_are_as_the_document_says(standin):
    """A walk through every call, its refusals included."""
    told = await document(standin)
    flow = await standin.begin(CONFIDENTIAL)
    await standin.poll(flow, CONFIDENTIAL, headers=basic(CONFIDENTIAL, "secret1"))
    await standin.poll(flow, CONFIDENTIAL)
    http, one, report = standin.http, "/device/{user_code}", "/device/{user_code}/report"
    true(told, "/device", "get", await http.get(DEVICE))
    true(told, "/device", "get", await http.get(DEVICE, params={"status": "none"}))
    true(told, report, "get", await http.get(f"{DEVICE}/{flow['user_code']}/report"))
    true(told, report, "get", await http.get(f"{DEVICE}/BBBB-BBBB/report"))
    for wish in ({}, {"action": "approve", "username": "testuser1"}, {"action": "deny"}):
        true(told, one, "post", await decide(standin, flow, **wish))
    true(told, one, "post", await http.post(f"{DEVICE}/{flow['user_code']}", content=b"{"))
    true(told, "/jwks/rotate", "post", await http.post("/_standin/jwks/rotate"))
    true(told, "/ca.pem", "get", await http.get("/_standin/ca.pem"))


@pytest.mark.parametrize(
    ("wish", "good"),
    [
        ({"action": "approve", "username": "testuser1"}, True),
        ({"action": "approve", "username": "testuser1", "scope": "openid email"}, True),
        ({"action": "deny"}, True),
        ({"action": "expire", "username": None}, True),
        ({"action": "approve"}, False),
        ({"action": "approve", "username": ""}, False),
        ({"action": "approve", "username": "a\0"}, False),
        ({"action": "approve", "username": "testuser1", "scope": "openid  email"}, False),
        ({"action": "revoke"}, False),
        ({"action": "deny", "reason": "none"}, False),
    ],
)
async def test_a_body_is_good_by_the_document_if_the_call_takes_it(standin, wish, good):
    """Both say the same of each body."""
    flow = await standin.begin()
    told = await document(standin)
    body = told["paths"]["/device/{user_code}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    by_document = OAS31Validator({**body, "components": told["components"]}).is_valid(wish)
    answer = await decide(standin, flow, **wish)
    assert (by_document, answer.status_code) == (good, 200 if good else 422)


async def test_what_is_beside_the_plane_stays_tms(standin):
    """The real server knows no such paths, so they are answered as it would."""
    for path in ("/_standin.", "/_standi", "/v1/_standin/device"):
        answer = await standin.http.get(path)
        assert (answer.status_code, answer.text) == (404, "not found")


async def test_the_api_does_not_list_the_plane(standin):
    """The OpenAPI document of TMS stays that of TMS."""
    paths = (await standin.http.get("/openapi.json")).json()["paths"]
    assert [path for path in paths if "standin" in path] == []


async def test_no_secret_is_in_the_log(standin_for, capsys):
    """Neither the token nor a name that somebody sent."""
    standin = await standin_for(control_token="t0ken")
    flow = await standin.begin()
    headers = {"authorization": "Bearer t0ken"}
    body = {"action": "approve", "username": "n0body"}
    await standin.http.post(f"{DEVICE}/{flow['user_code']}", json=body, headers=headers)
    written = "".join(capsys.readouterr())
    assert [word for word in ("t0ken", "n0body") if word in written] == []

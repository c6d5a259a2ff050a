"""Who may use the control plane: not the page of another origin, and with a token its bearers alone."""

import httpx
import pytest

from tests.control.conftest import DEVICE, problem
from tests.oauth.driver import BASE

FOREIGN = "A page of another origin may not use the control plane."
MISSING = "The control plane asks for the bearer token of standin.control_token."
OTHER = "This is not the bearer token of standin.control_token."
REALM = 'Bearer realm="tms-standin control plane"'
CALLS = [("GET", DEVICE), ("GET", "/_standin/openapi.json"), ("GET", "/_standin/ca.pem"), ("GET", "/_standin/none")]


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://standin",
        "http://standin:80",
        "http://standin.evil.example",
        "",
        "standin",
    ],
)
async def test_another_origin_is_refused(standin, origin):
    """403 whatever is asked, and the flow stays as it was."""
    flow = await standin.begin()
    before = await standin.rows()
    headers = {"origin": origin}
    answers = [await standin.http.request(method, path, headers=headers) for method, path in CALLS]
    answers.append(await standin.http.post(f"{DEVICE}/{flow['user_code']}", json={"action": "deny"}, headers=headers))
    answers.append(await standin.http.options(DEVICE, headers=headers))
    for answer in answers:
        problem(answer, 403, "Forbidden", FOREIGN)
    assert await standin.rows() == before


@pytest.mark.parametrize(
    "headers", [{"origin": BASE}, {"origin": "HTTP://Standin"}, {"origin": "http://a:1", "host": "A:1"}]
)
async def test_its_own_origin_passes(standin, headers):
    """Scheme and Host, whatever the letter case."""
    assert (await standin.http.get(DEVICE, headers=headers)).status_code == 200


async def test_the_scheme_belongs_to_the_origin(standin):
    """Over TLS its own origin is https."""
    transport = standin.http._transport
    async with httpx.AsyncClient(transport=transport, base_url="https://standin") as http:
        statuses = [
            (await http.get(DEVICE, headers={"origin": origin})).status_code for origin in ("https://standin", BASE)
        ]
    assert statuses == [200, 403]


@pytest.mark.parametrize(
    "headers",
    [
        [("origin", BASE), ("origin", "http://evil.example"), ("host", "standin")],
        [("origin", BASE), ("origin", BASE), ("host", "standin")],
        [("origin", BASE), ("host", "standin"), ("host", "evil.example")],
        [("origin", "http://evil.example"), ("host", "standin"), ("host", "evil.example")],
    ],
)
async def test_headers_that_are_there_twice_help_nobody(standin, headers):
    """No single origin, or no single host to compare it with."""
    problem(await standin.http.get(DEVICE, headers=headers), 403, "Forbidden", FOREIGN)


@pytest.mark.parametrize(
    ("shown", "detail", "challenge"),
    [
        ([], MISSING, REALM),
        (["Bearer t0ken-"], OTHER, f'{REALM}, error="invalid_token"'),
        (["Bearer T0KEN"], OTHER, f'{REALM}, error="invalid_token"'),
        (["Bearer"], OTHER, f'{REALM}, error="invalid_token"'),
        (["t0ken"], OTHER, f'{REALM}, error="invalid_token"'),
        (["Basic t0ken"], OTHER, f'{REALM}, error="invalid_token"'),
        (["Bearer t0ken", "Bearer t0ken"], OTHER, f'{REALM}, error="invalid_token"'),
        (["Bearer t\u00f6ken".encode()], OTHER, f'{REALM}, error="invalid_token"'),
    ],
)
async def test_the_token_is_asked_for(standin_for, shown, detail, challenge):
    """401 with a challenge (RFC 6750 3), whatever is asked; nothing changes, and the token is not repeated."""
    standin = await standin_for(control_token="t0ken")
    flow = await standin.begin()
    before = await standin.rows()
    headers = [("authorization", value) for value in shown]
    answers = [await standin.http.request(method, path, headers=headers) for method, path in CALLS]
    answers.append(await standin.http.post(f"{DEVICE}/{flow['user_code']}", json={"action": "deny"}, headers=headers))
    for answer in answers:
        problem(answer, 401, "Unauthorized", detail)
        assert answer.headers["www-authenticate"] == challenge
    assert await standin.rows() == before


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_the_bearer_of_the_token_passes(standin_for, scheme):
    """The scheme's letter case does not matter (RFC 9110 11.1)."""
    standin = await standin_for(control_token="t0ken")
    answer = await standin.http.get(DEVICE, headers={"authorization": f"{scheme}t0ken"})
    assert (answer.status_code, answer.json()) == (200, {"flows": []})


async def test_the_token_is_no_pass_for_another_origin(standin_for):
    """Both have to be right."""
    standin = await standin_for(control_token="t0ken")
    headers = {"authorization": "Bearer t0ken", "origin": "http://evil.example"}
    problem(await standin.http.get(DEVICE, headers=headers), 403, "Forbidden", FOREIGN)


async def test_without_a_token_none_is_asked_for(standin):
    """A client that shows one anyway is not refused."""
    assert (await standin.http.get(DEVICE, headers={"authorization": "Bearer any"})).status_code == 200


async def test_the_protocol_needs_no_control_token(standin_for):
    """It guards the control plane alone."""
    standin = await standin_for(control_token="t0ken")
    assert (await standin.begin())["interval"] == 5
    assert (await standin.http.get("/v1/tms/version")).status_code == 200

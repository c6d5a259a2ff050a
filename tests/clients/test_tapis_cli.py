"""Every command of the Rust tool `tapis-cli`, replayed against a real server whose clock can be moved (contract tapis 5.1)."""

import copy
import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.clients import tapis_cli
from tests.clients.drive import APPROVE, DENY, Control
from tests.clients.moved import ahead, moved, put_ahead
from tests.clients.serving import BEHIND_REPLICAS
from tests.clients.tapis_cli import Tool, ToolError
from tests.servers import STANDARD, Server

PASSWORD = {"username": "testuser1", "password": "password1", "grant_type": "password"}
DATE = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this module alone."""
    with moved(tmp_path_factory.mktemp("tapis-cli"), **STANDARD) as server:
        yield server


@pytest.fixture
def tool(server: Server) -> Tool:
    """Return the tool at the server, by the name that the issue gives it."""
    return Tool(f"http://localhost:{server.port}")


@pytest.fixture
def clock(server: Server) -> Iterator[Callable[[float], None]]:
    """Return a function that lets time pass on the server, whose clock is right again afterwards."""
    yield lambda seconds: put_ahead(server, ahead(server) + seconds)
    put_ahead(server, 0)


class Screen:
    """What `get-token` shows, and what a person does after so many pauses of 3 seconds on the server's clock."""

    def __init__(self, clock: Callable[[float], None], after: int, act: Callable[[str], None]) -> None:
        self.shown: dict[str, str] = {}
        self.pauses: list[int] = []
        self._clock, self._after, self._act = clock, after, act

    def show(self, begun: dict[str, str]) -> None:
        """Note the code and the address."""
        self.shown = begun

    def sleep(self, seconds: int) -> None:
        """Let that time pass."""
        self.pauses.append(seconds)
        self._clock(seconds)
        if len(self.pauses) == self._after:
            self._act(self.shown["user_code"])


def test_the_requests_byte_for_byte(tool, server):
    """Lower-case names, no User-Agent, compact JSON, `--client-id` and its like in the order of the tool's own struct."""
    host = f"localhost:{server.port}"
    tool.hello()
    tool.healthcheck()
    tool.generate_device_code("tapis_cli")
    tool.generate_tokens(grant_type="password", password="password1", username="testuser1")

    tokens = '{"username":"testuser1","password":"password1","grant_type":"password"}'
    always = f"accept: */*\r\nhost: {host}\r\n"
    json_of = f"HTTP/1.1\r\ncontent-type: application/json\r\n{always}content-length:"
    assert [request.decode() for request in tool.sent] == [
        f"GET /v3/oauth2/hello HTTP/1.1\r\n{always}\r\n",
        f"GET /v3/apps/healthcheck HTTP/1.1\r\n{always}\r\n",
        f'POST /v3/oauth2/device/code {json_of} 25\r\n\r\n{{"client_id":"tapis_cli"}}',
        f"POST /v3/oauth2/tokens {json_of} {len(tokens)}\r\n\r\n{tokens}",
    ]


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_auth_hello(server, slashes):
    """The three lines that it prints; slashes behind the base URL are stripped."""
    expected = {"message": "Hello from Tapis", "status": "success", "version": "26Q1.0"}

    assert Tool(server.url + slashes).hello() == expected


def test_apps_healthcheck(tool):
    """The service of Java: `result` is a text with a running number."""
    first, second = tool.healthcheck(), tool.healthcheck()

    numbers = [int(told.pop("result").removeprefix("Health check received. Count: ")) for told in (first, second)]
    assert first == second == {"status": "success", "message": "TAPIS_HEALTHY Health check received by Apps Service."}
    if not os.environ.get(BEHIND_REPLICAS):  # Each process counts for itself, as each of a real service's does.
        assert numbers[1] == numbers[0] + 1


def test_auth_generate_device_code(tool):
    """All five are texts, the expiry too."""
    told = tool.generate_device_code("tapis_cli")

    result = told.pop("result")
    assert told == {"message": "Token created successfully.", "status": "success"}
    assert (result["client_id"], result["verification_uri"]) == (
        "tapis_cli",
        f"{tool.base_url}/v3/oauth2/device?client_id=tapis_cli",
    )
    for name, pattern in {"device_code": "[A-Za-z0-9]{40}", "user_code": "[A-Za-z]{8}", "expires_in": DATE}.items():
        assert re.fullmatch(pattern, result[name])
    assert httpx.get(result["verification_uri"]).status_code == 302


def test_auth_generate_tokens_by_password_and_by_refresh_token(tool, server):
    """A client with its key in the body, never in a header; what is missing here, the refresh token, it does not print."""
    key = {"client_id": "testclient1", "client_key": "secret1"}

    told = tool.generate_tokens(**PASSWORD, **key)
    whole = httpx.post(f"{server.url}/v3/oauth2/tokens", json={**PASSWORD, **key}).json()["result"]
    refresh_token = whole["refresh_token"]["refresh_token"]
    again = tool.generate_tokens(refresh_token=refresh_token, grant_type="refresh_token", **key)

    for tokens in (told, again):
        assert (tokens["status"], tokens["message"]) == ("success", "Token created successfully.")
        access = tokens["result"]["access_token"]
        assert (access["expires_in"], access["id_token"]) == (14_400, access["access_token"])
    assert tool.sent[1].endswith(
        b'{"client_id":"testclient1","client_key":"secret1","grant_type":"refresh_token","refresh_token":"%s"}'
        % refresh_token.encode()
    )


def test_auth_generate_tokens_by_device_code(tool, control):
    """The two commands together are a whole login."""
    asked = tool.generate_device_code("tapis_cli")["result"]
    options = {"client_id": "tapis_cli", "grant_type": "device_code", "device_code": asked["device_code"]}
    with pytest.raises(ToolError, match=r"HTTP/1.1 400 Bad Request"):
        tool.generate_tokens(**options)

    control.decide(asked["user_code"], APPROVE)

    assert tool.generate_tokens(**options)["result"]["access_token"]["expires_in"] == 2_592_000
    assert tool.sent[-1].endswith(
        b'{"client_id":"tapis_cli","grant_type":"device_code","device_code":"%s"}' % asked["device_code"].encode()
    )


@pytest.mark.parametrize(
    "run",
    [
        lambda tool: tool.generate_device_code("nosuch"),
        lambda tool: tool.generate_tokens(**{**PASSWORD, "password": "wrong"}),
        lambda tool: tool.generate_tokens(),
        lambda tool: Tool(f"{tool.base_url}/tenants/nowhere").hello(),
    ],
    ids=["unknown client", "wrong password", "no option", "unknown tenant"],
)
def test_what_is_refused_ends_the_command(tool, run):
    """A status that is no success is all that it says."""
    with pytest.raises(ToolError, match=r"HTTP status client error \(HTTP/1.1 400 Bad Request\)"):
        run(tool)


def test_get_token(tool, server, control, clock):
    """It polls every 3 seconds on the server's clock until somebody has approved, and prints both tokens."""
    screen = Screen(clock, 4, lambda user_code: control.decide(user_code, APPROVE))

    tokens = tool.get_token(screen.show, screen.sleep)

    code, user_code = screen.shown["device_code"], screen.shown["user_code"]
    assert screen.shown["verification_uri"] == f"{tool.base_url}/v3/oauth2/device?client_id=tapis_cli"
    assert screen.pauses == [3, 3, 3, 3]
    assert (tokens["access_token.expires_in"], tokens["refresh_token.expires_in"]) == (2_592_000, 31_536_000)
    assert user(server, tokens) == "testuser1"
    body = f'{{"client_id":"tapis_cli","device_code":"{code}","grant_type":"device_code"}}'.encode()
    assert [request.partition(b"\r\n\r\n")[2] for request in tool.sent] == [b'{"client_id":"tapis_cli"}', *[body] * 5]
    assert control.judged(user_code) == ("correct", ["device code not ready."] * 4 + ["token"])


def user(server: Server, tokens: dict[str, Any]) -> str:
    """Return whose access token it is, as the server says."""
    token = {"x-tapis-token": tokens["access_token.access_token"]}
    return httpx.get(f"{server.url}/v3/oauth2/userinfo", headers=token).json()["result"]["username"]


def test_get_token_is_denied(tool, control, clock):
    """It tells the message of the service."""
    screen = Screen(clock, 2, lambda user_code: control.decide(user_code, DENY))

    with pytest.raises(ToolError, match=r"^token polling failed: device code not valid\.$"):
        tool.get_token(screen.show, screen.sleep)

    assert screen.pauses == [3, 3]


def test_get_token_comes_too_late(tool, control, clock):
    """The code was approved, and the tool slept for ten minutes."""

    def approve_and_wait(user_code: str) -> None:
        control.decide(user_code, APPROVE)
        clock(610)

    screen = Screen(clock, 1, approve_and_wait)

    with pytest.raises(ToolError, match=r"^token polling failed: device code has expired and is now deleted\.$"):
        tool.get_token(screen.show, screen.sleep)


def test_get_token_without_its_client(server):
    """What an unknown client is answered has no code, and that is all that the tool says; `tapis_cli` is hard-coded in it."""
    refusal = httpx.post(f"{server.url}/v3/oauth2/device/code", json={"client_id": "nosuch"})

    with pytest.raises(ToolError, match=r"^missing device_code in response$"):
        tapis_cli.device_code_of(tapis_cli.parsed(refusal.content))


def test_get_token_never_gives_up_by_itself(tool, clock):
    """Nobody enters the code: it polls on, half an hour later too, for ever is what the service says (2.4.3)."""

    def interrupt(_user_code: str) -> None:
        raise KeyboardInterrupt

    screen = Screen(clock, 600, interrupt)

    with pytest.raises(KeyboardInterrupt):
        tool.get_token(screen.show, screen.sleep)

    assert len(tool.sent) == 601


def test_get_token_with_strict(tmp_path):
    """The mended service tells the expiry (issue 5, the trap for tool writers)."""
    with moved(tmp_path, strict=True, **STANDARD) as server:
        screen = Screen(lambda seconds: put_ahead(server, ahead(server) + 100 * seconds), 0, lambda _: None)

        with pytest.raises(ToolError, match=r"^token polling failed: device code has expired and is now deleted\.$"):
            Tool(server.url).get_token(screen.show, screen.sleep)

        assert screen.pauses == [3, 3, 3]


def test_get_token_with_auto_approve(tmp_path):
    """The setting logs the tool in without anybody's help."""
    with moved(tmp_path, oauth__auto_approve="testuser2", oauth__auto_approve_polls=2, **STANDARD) as server:
        screen = Screen(lambda _: None, 0, lambda _: None)

        tokens = Tool(server.url).get_token(screen.show, screen.sleep)

        assert screen.pauses == [3, 3]
        assert user(server, tokens) == "testuser2"


# What each command demands of its answer, and what it never looks at (contract tapis 5.1, the table).
MANDATORY = {
    "auth hello": ["message", "status", "version"],
    "apps healthcheck": ["status", "message", "result"],
    "auth generate-device-code": [
        "message",
        "status",
        "result",
        "result.device_code",
        "result.user_code",
        "result.client_id",
        "result.expires_in",
        "result.verification_uri",
    ],
    "auth generate-tokens": [
        "message",
        "status",
        "result",
        "result.access_token",
        "result.access_token.access_token",
        "result.access_token.id_token",
        "result.access_token.expires_at",
        "result.access_token.expires_in",
        "result.access_token.jti",
    ],
    "get-token, the code": ["result", "result.device_code", "result.user_code", "result.verification_uri"],
    "get-token, a poll": [
        "status",
        "result",
        "result.access_token",
        "result.access_token.access_token",
        "result.access_token.expires_at",
        "result.access_token.expires_in",
        "result.refresh_token",
        "result.refresh_token.refresh_token",
        "result.refresh_token.expires_at",
        "result.refresh_token.expires_in",
    ],
}
NOT_NEEDED = {
    "auth hello": ["result", "metadata"],
    "apps healthcheck": ["version", "commit", "build", "metadata"],
    "auth generate-device-code": ["version", "metadata"],
    "auth generate-tokens": ["result.refresh_token", "version", "metadata"],
    "get-token, the code": ["message", "status", "version", "metadata", "result.client_id", "result.expires_in"],
    "get-token, a poll": [
        "message",
        "version",
        "metadata",
        "result.access_token.id_token",
        "result.access_token.jti",
        "result.refresh_token.jti",
    ],
}
PARSERS: dict[str, Callable[[Any], Any]] = {
    "auth hello": lambda body: tapis_cli.shaped(body, tapis_cli.HELLO),
    "apps healthcheck": lambda body: tapis_cli.shaped(body, tapis_cli.HEALTH),
    "auth generate-device-code": lambda body: tapis_cli.shaped(body, tapis_cli.DEVICE_CODE),
    "auth generate-tokens": lambda body: tapis_cli.shaped(body, tapis_cli.TOKENS),
    "get-token, the code": tapis_cli.device_code_of,
    "get-token, a poll": tapis_cli.polled,
}


@pytest.fixture(scope="module")
def answers(server: Server) -> dict[str, Any]:
    """Return what the server has answered to each command, decoded."""
    with httpx.Client(base_url=f"{server.url}/v3") as http:
        code = http.post("/oauth2/device/code", json={"client_id": "tapis_cli"}).json()
        poll = {
            "client_id": "tapis_cli",
            "device_code": code["result"]["device_code"],
            "grant_type": "device_code",
        }
        with httpx.Client(base_url=server.url) as plane:
            Control(plane).decide(code["result"]["user_code"], APPROVE)
        tokens = http.post("/oauth2/tokens", json=poll).json()
        return {
            "auth hello": http.get("/oauth2/hello").json(),
            "apps healthcheck": http.get("/apps/healthcheck").json(),
            "auth generate-device-code": code,
            "auth generate-tokens": tokens,
            "get-token, the code": code,
            "get-token, a poll": tokens,
        }


def parent_of(body: Any, path: str) -> tuple[dict[str, Any], str]:
    """Return the object that has the member at a path, and the member's name."""
    *way, name = path.split(".")
    for step in way:
        body = body[step]
    assert name in body
    return body, name


def cases(paths: dict[str, list[str]]) -> list[Any]:
    """Return each command with each of its paths."""
    return [pytest.param(command, path, id=f"{command}: {path}") for command in paths for path in paths[command]]


@pytest.mark.parametrize(("command", "path"), cases(MANDATORY))
def test_without_a_mandatory_member_the_tool_fails(answers, command, path):
    """The whole answer is fine; each member removed, or null, ends the command: the replay is as strict as the tool."""
    body = copy.deepcopy(answers[command])
    assert PARSERS[command](body)
    parent, name = parent_of(body, path)

    for broken in ({}, {name: None}):
        del parent[name]
        parent.update(broken)
        with pytest.raises(ToolError):
            PARSERS[command](body)
        parent[name] = None


@pytest.mark.parametrize(("command", "path"), cases(NOT_NEEDED))
def test_what_the_tool_does_not_need(answers, command, path):
    """Without it the command prints the same; and the stand-in sends it all the same."""
    body = copy.deepcopy(answers[command])
    expected = PARSERS[command](body)
    parent, name = parent_of(body, path)

    del parent[name]

    assert PARSERS[command](body) == expected


@pytest.mark.parametrize(
    ("command", "path", "value"),
    [
        ("auth hello", "version", 26),
        ("apps healthcheck", "result", {"count": 1}),
        ("auth generate-device-code", "result.expires_in", 600),
        ("auth generate-device-code", "result", ["a"]),
        ("auth generate-tokens", "result.access_token.expires_in", "14400"),
        ("auth generate-tokens", "result.access_token.expires_in", 14400.0),
        ("auth generate-tokens", "result.access_token.expires_in", True),
        ("auth generate-tokens", "result.access_token.expires_in", 2**31),
        ("auth generate-tokens", "result.access_token.expires_at", 1795502066),
        ("get-token, the code", "result.device_code", 5),
        ("get-token, a poll", "result.access_token.expires_in", "2592000"),
        ("get-token, a poll", "result.refresh_token.expires_in", 1.5),
        ("get-token, a poll", "status", "ok"),
    ],
)
def test_another_type_is_as_bad_as_none(answers, command, path, value):
    """A number is no text, a text no number, and 32 bits end at 2147483647."""
    body = copy.deepcopy(answers[command])
    parent, name = parent_of(body, path)
    parent[name] = value

    with pytest.raises(ToolError):
        PARSERS[command](body)


def test_get_token_takes_more_than_32_bits(answers):
    """A consent for 100000 days breaks the other command alone."""
    body = copy.deepcopy(answers["get-token, a poll"])
    body["result"]["access_token"]["expires_in"] = 8_640_000_000

    assert tapis_cli.polled(body)["access_token.expires_in"] == 8_640_000_000


@pytest.mark.parametrize("message", ["device code not ready", "Device code not ready.", "authorization_pending", None])
def test_get_token_goes_on_at_one_message_alone(message):
    """Any other text ends it, one without the period too."""
    body = {"message": message, "metadata": {}, "result": None, "status": "error", "version": "26Q1.0"}

    assert tapis_cli.polled({**body, "message": "device code not ready."}) is None
    with pytest.raises(ToolError, match=f"^token polling failed: {message or ''}$"):
        tapis_cli.polled(body)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>Internal Server Error</html>",
        b'{"status":"success"',
        b'{"status":"success"} {}',
        b'{"status":"\xff"}',
        b'{"status":NaN}',
        b'{"status":"success","status":"error"}',
    ],
)
def test_a_body_that_is_no_json_aborts_the_command(text):
    """So would the real service's page for an unknown path; the stand-in's is JSON, see below."""
    with pytest.raises(ToolError):
        tapis_cli.parsed(text)


def test_whatever_is_wrong_the_answer_is_json(server):
    """An unknown path, a wrong method, a broken body: the tool can always tell the message."""
    answers = [
        httpx.get(f"{server.url}/v3/oauth2/nosuch"),
        httpx.delete(f"{server.url}/v3/oauth2/tokens"),
        httpx.post(f"{server.url}/v3/oauth2/tokens", content=b"{", headers={"content-type": "application/json"}),
        httpx.post(f"{server.url}/v3/oauth2/device/code", content=b"\xff"),
    ]

    assert [answer.status_code for answer in answers] == [404, 400, 400, 400]
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        body = tapis_cli.parsed(answer.content)
        assert json.loads(answer.content) == {**body, "metadata": {}, "result": None, "status": "error"}
        with pytest.raises(ToolError, match=r"^token polling failed: ."):
            tapis_cli.polled(body)

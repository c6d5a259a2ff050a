"""A flow that outlives the process: kill -9 at each step, a second worker, tokens and logins after a restart."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import httpx
import pytest

from tests.servers import Server, by_two_workers, running

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def field(page: str, name: str) -> str:
    """Return the value of a form's field."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page) or re.search(
        rf'value="([^"]*)"[^>]*name="{name}"', page
    )
    assert found, f"no field {name} in {page}"
    return unescape(found[1])


class Person:
    """Somebody at a browser, whose cookies outlive the server."""

    def __init__(self) -> None:
        self.cookies = httpx.Cookies()
        self.page = ""

    def posts(self, server: Server, path: str, **fields: str) -> int:
        """Post a form of the page before, with its token and its code, and return the status."""
        hidden = {"csrf_token": field(self.page, "csrf_token"), "user_code": fields.pop("user_code", "")}
        hidden["user_code"] = hidden["user_code"] or field(self.page, "user_code")
        with httpx.Client(base_url=server.url, cookies=self.cookies) as client:
            answer = client.post(path, data={**hidden, **fields})
            self.cookies, self.page = client.cookies, answer.text
        return answer.status_code

    def opens(self, server: Server) -> int:
        """Open the page where the code is typed and return the status."""
        with httpx.Client(base_url=server.url, cookies=self.cookies) as client:
            answer = client.get("/device")
            self.cookies, self.page = client.cookies, answer.text
        return answer.status_code


def begins(server: Server) -> dict[str, str]:
    """Start a flow and return its codes."""
    answer = httpx.post(f"{server.url}/oauth2/device_authorization", data={"client_id": "device-public"})
    assert answer.status_code == 200
    found: dict[str, str] = answer.json()
    return found


def polls(server: Server, device_code: str) -> httpx.Response:
    """Poll once."""
    body = {"grant_type": DEVICE_CODE, "device_code": device_code, "client_id": "device-public"}
    return httpx.post(f"{server.url}/oauth2/token", data=body)


def then_killed(folder: Path, act: Callable[[Server], object]) -> object:
    """Start a server, let something happen, and end it as kill -9 does."""
    with running(folder, oauth__interval=60) as server:  # A busy machine may take seconds for a start.
        result = act(server)
        server.process.kill()
    return result


@pytest.mark.on_sqlite
def test_a_flow_ends_normally_though_the_server_is_killed_after_every_step(tmp_path):
    """Codes, a raised interval, a login, a decision and tokens are all on disk when they are answered."""
    codes = then_killed(tmp_path, begins)
    assert isinstance(codes, dict)
    person = Person()

    def types_the_code(server: Server) -> None:
        assert polls(server, codes["device_code"]).json() == {"error": "authorization_pending"}
        assert polls(server, codes["device_code"]).json() == {"error": "slow_down"}
        assert person.opens(server) == 200
        assert person.posts(server, "/device", user_code=codes["user_code"]) == 200

    def logs_in(server: Server) -> None:
        assert polls(server, codes["device_code"]).json() == {"error": "slow_down"}
        assert person.posts(server, "/device/login", username="testuser1", password="password1") == 200

    def approves(server: Server) -> None:
        assert person.posts(server, "/device/decision", decision="approve") == 200

    for step in (types_the_code, logs_in, approves):
        then_killed(tmp_path, step)
    token = then_killed(tmp_path, lambda server: polls(server, codes["device_code"]))
    assert isinstance(token, httpx.Response)
    assert token.status_code == 200
    with running(tmp_path) as server:
        again = polls(server, codes["device_code"])
        bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
        userinfo = httpx.get(f"{server.url}/oauth2/userinfo", headers=bearer)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (userinfo.status_code, userinfo.json()["sub"]) == (200, "testuser1")


@pytest.mark.timeout(180)
def test_two_workers_share_every_flow(tmp_path):
    """Whichever worker answers, a flow has one pace, one decision and one winner."""
    with running(tmp_path, by_two_workers) as server:
        codes = begins(server)
        first = [polls(server, codes["device_code"]).json()["error"] for _ in range(8)]
        person = Person()
        assert person.opens(server) == 200
        assert person.posts(server, "/device", user_code=codes["user_code"]) == 200
        assert person.posts(server, "/device/login", username="testuser1", password="password1") == 200
        assert person.posts(server, "/device/decision", decision="approve") == 200
        later = [polls(server, codes["device_code"]).status_code for _ in range(20)]
    assert first == ["authorization_pending"] + ["slow_down"] * 7
    assert later == [200] + [400] * 19

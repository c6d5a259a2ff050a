"""What must happen exactly once however many replicas are asked at the same moment. Each check raises AssertionError."""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.clients.drive import DEVICE_CODE
from tests.replicas.asking import at_once, create_key, get_key, good, of_all, reset, settings

Lines = Sequence[httpx.Client]

CLIENT = "device-public"
BACK = "http://localhost:1/back"
VERIFIER = "a-verifier-of-at-least-forty-three-characters.~"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
TAPIS_CLIENT = "tapis_cli"
_names = count()


def device_flow(lines: Lines) -> dict[str, Any]:
    """Begin on one replica, approve on the next, poll all at once; return the tokens, which one poll has got."""
    asked = good(lines[0].post("/oauth2/device_authorization", data={"client_id": CLIENT, "scope": "offline_access"}))
    approve(lines[1], asked["user_code"])
    form = {"client_id": CLIENT, "grant_type": DEVICE_CODE, "device_code": asked["device_code"]}
    answers = of_all(lines, lambda line: line.post("/oauth2/token", data=form))
    return one_success(answers, 400, "invalid_grant")


def decision(lines: Lines) -> None:
    """Of decisions that contradict each other one holds, and all replicas say which."""
    asked = good(lines[0].post("/oauth2/device_authorization", data={"client_id": CLIENT}))
    wishes = [{"action": "approve", "username": "testuser1"}, {"action": "deny"}] * len(lines)
    calls = [
        lambda line=line, wish=wish: line.post(f"/_standin/device/{asked['user_code']}", json=wish)
        for line, wish in zip(lines, wishes, strict=False)
    ]
    decided = one_success(at_once(calls), 409, None)
    told = [good(line.get("/_standin/device?status=all"))["flows"] for line in lines]
    assert [[flow["status"] for flow in flows if flow["user_code"] == asked["user_code"]] for flows in told] == [
        [decided["status"]]
    ] * len(lines)


def tapis_device_flow(lines: Lines) -> None:
    """The same in the Tapis dialect."""
    asked = good(lines[0].post("/v3/oauth2/device/code", json={"client_id": TAPIS_CLIENT}))["result"]
    approve(lines[1], asked["user_code"])
    body = {"client_id": TAPIS_CLIENT, "grant_type": "device_code", "device_code": asked["device_code"]}
    answers = of_all(lines, lambda line: line.post("/v3/oauth2/tokens", json=body))
    tokens = one_success(answers, 400, None)["result"]
    token = {"X-Tapis-Token": tokens["access_token"]["access_token"]}
    told = [good(line.get("/v3/oauth2/userinfo", headers=token))["result"]["username"] for line in lines]
    assert told == ["testuser1"] * len(lines)


def approve(line: httpx.Client, user_code: str) -> None:
    """Approve a device flow by the control plane of one replica."""
    good(line.post(f"/_standin/device/{user_code}", json={"action": "approve", "username": "testuser1"}))


def one_success(answers: Sequence[httpx.Response], status: int, error: str | None) -> Any:
    """Return the body of the one success among refusals of a status, and of an OAuth error if there is one."""
    told = [(answer.status_code, answer.text) for answer in answers]
    [success] = [answer for answer in answers if answer.status_code == 200] or [None]
    assert success is not None, told
    refused = [answer for answer in answers if answer is not success]
    assert [answer.status_code for answer in refused] == [status] * len(refused), told
    assert error is None or [answer.json()["error"] for answer in refused] == [error] * len(refused), told
    return success.json()


def refresh_token(lines: Lines) -> None:
    """A refresh token rotates once; whoever comes second ends the whole grant, on all replicas."""
    form = {"client_id": CLIENT, "grant_type": "refresh_token", "refresh_token": device_flow(lines)["refresh_token"]}
    tokens = one_success(of_all(lines, lambda line: line.post("/oauth2/token", data=form)), 400, "invalid_grant")
    after = {**form, "refresh_token": tokens["refresh_token"]}
    answers = of_all(lines, lambda line: line.post("/oauth2/token", data=after))
    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [(400, "invalid_grant")] * len(lines)


def authorization_code(lines: Lines) -> None:
    """A code is exchanged once; each page on its way comes from another replica."""
    asked = {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    cookies = httpx.Cookies()
    page = _shown(lines[0], lines[0].get("/oauth2/authorize", params=asked), cookies)
    page = _submitted(lines[1], asked, page, cookies, username="testuser1", password="password1")
    page = _submitted(lines[2], asked, page, cookies, decision="approve")
    [code] = parse_qs(urlsplit(page.headers["location"]).query)["code"]
    form = {"client_id": CLIENT, "grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    answers = of_all(lines, lambda line: line.post("/oauth2/token", data={**form, "code_verifier": VERIFIER}))
    one_success(answers, 400, "invalid_grant")


def _submitted(
    line: httpx.Client, asked: dict[str, str], page: httpx.Response, cookies: httpx.Cookies, **fields: str
) -> httpx.Response:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]*)"', page.text)
    assert found, page.text
    headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    answer = line.post("/oauth2/authorize", params=asked, headers=headers, data={"csrf_token": found[1], **fields})
    return _shown(line, answer, cookies)


def _shown(line: httpx.Client, page: httpx.Response, cookies: httpx.Cookies) -> httpx.Response:
    """Return the page; its cookies go to all replicas, as a browser sends them to the one address that it knows."""
    assert page.status_code in (200, 303), page.text
    cookies.update(line.cookies)
    line.cookies.clear()
    return page


def key_uses(lines: Lines, uses: int) -> None:
    """Under `strict`, a key with so many uses is given so often, all replicas together."""
    settings(lines[0], strict=True)
    key = good(create_key(lines[1], num_uses=uses))

    def all_that_it_gets(line: httpx.Client) -> int:
        statuses = [get_key(line, key).status_code for _ in range(uses)]
        assert set(statuses) <= {200, 404}, statuses
        return statuses.count(200)

    given = of_all(lines, all_that_it_gets)
    assert sum(given) == uses, given
    reset(lines[2])


def new_user(lines: Lines) -> None:
    """In MVP mode the same new user's first key is made by all replicas at once: the user once, a key for each."""
    settings(lines[0], enable_mvp=True)
    user = f"newuser{next(_names)}"
    answers = of_all(lines, lambda line: create_key(line, client_user_id=user, host_account=user))
    keys = [good(answer)["public_key_fingerprint"] for answer in answers]
    assert len(set(keys)) == len(lines), keys
    reset(lines[3])


CHECKS: dict[str, Callable[[Lines], object]] = {
    "device flow, RFC 8628": device_flow,
    "a decision about a device flow": decision,
    "device flow, Tapis": tapis_device_flow,
    "refresh token": refresh_token,
    "authorization code": authorization_code,
    "the uses of a key": lambda lines: key_uses(lines, 7),
    "a new user in MVP mode": new_user,
}


def rounds(lines: Lines, check: Callable[[Lines], object], number: int) -> None:
    """Run a check so often, each time beginning on the next replica."""
    for turn in range(number):
        first = turn % len(lines)
        check([*lines[first:], *lines[:first]])

"""Drives the Tapis dialect in process: the tool's side, the person's side, and whole bodies to compare with."""

import base64
import html
import json
import re
from typing import Any

import httpx

from app.settings_tables import OAuthUser, Tapis, TapisClient, TapisTenant
from tests.oauth.driver import BASE, Standin

CLI = "tapis_cli"
PASSWORD = {"grant_type": "password", "username": "testuser1", "password": "password1"}
NOT_VALID, NOT_READY = "device code not valid.", "device code not ready."
GONE = "device code has expired and is now deleted."
NO_TOKEN = "No Tapis access token found in the request."
OTHER = TapisTenant(
    tenant_id="other",
    hosts=("Other.Example",),
    users=(OAuthUser(username="carol", password="carolpass"),),
    clients=(
        TapisClient(client_id="othercli", client_key="otherkey", display_name="Other CLI"),
        TapisClient(client_id="otherweb", client_key="webkey", callback_url="https://other.example/cb"),
    ),
)
TENANTS = {"tapis": Tapis(tenants=(OTHER,))}
OTHERS = "/tenants/other"


def body(message: str, result: Any, status: str) -> str:
    """Return an envelope: five members, sorted, compact, with a newline (contract tapis 1.1)."""
    members = {"message": message, "metadata": {}, "result": result, "status": status, "version": "26Q1.0"}
    return json.dumps(members, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"


def told(answer: httpx.Response, message: str, result: Any = "") -> None:
    """Compare a success, all of it."""
    assert answer.text == body(message, result, "success")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


def result_of(answer: httpx.Response, message: str) -> Any:
    """Return the result of a success whose other members are compared."""
    result = answer.json().get("result")
    told(answer, message, result)
    return result


def refused(answer: httpx.Response, message: str, status: int = 400) -> None:
    """Compare an error, all of it; no challenge stands beside it (contract tapis 1.3)."""
    assert answer.text == body(message, None, "error")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert "www-authenticate" not in answer.headers


def bearing(token: str, **others: str) -> dict[str, str]:
    """Return the header that shows a token."""
    return {"x-tapis-token": token, **{name.replace("_", "-"): value for name, value in others.items()}}


def basic(client_id: str, key: str) -> dict[str, str]:
    """Return the header of a client."""
    return {"authorization": "Basic " + base64.b64encode(f"{client_id}:{key}".encode()).decode()}


async def begin(standin: Standin, client_id: str = CLI, base: str = "") -> dict[str, Any]:
    """Start a device flow."""
    answer = await standin.http.post(f"{base}/v3/oauth2/device/code", json={"client_id": client_id})
    return result_of(answer, "Token created successfully.")


async def ask(standin: Standin, base: str = "", headers: Any = None, **members: Any) -> httpx.Response:
    """Ask for a token."""
    return await standin.http.post(f"{base}/v3/oauth2/tokens", json=members, headers=headers)


async def poll(standin: Standin, flow: dict[str, Any], client_id: str = CLI, base: str = "") -> httpx.Response:
    """Ask for the token of a flow."""
    members = {"client_id": client_id, "device_code": flow["device_code"], "grant_type": "device_code"}
    return await ask(standin, base, **members)


async def tokens(standin: Standin, base: str = "", headers: Any = None, **members: Any) -> dict[str, Any]:
    """Return the result of a token answer, by password unless told otherwise."""
    answer = await ask(standin, base, headers, **{**PASSWORD, **members})
    return result_of(answer, "Token created successfully.")


async def access(standin: Standin, base: str = "", **members: Any) -> str:
    """Return an access token."""
    return (await tokens(standin, base, **members))["access_token"]["access_token"]


async def make_client(standin: Standin, base: str = "", **members: Any) -> dict[str, Any]:
    """Register a client of testuser1 and return it."""
    headers = bearing(await access(standin, base))
    answer = await standin.http.post(f"{base}/v3/oauth2/clients", json=members, headers=headers)
    return result_of(answer, "Client created successfully.")


async def log_in(
    standin: Standin, base: str = "", username: str = "testuser1", password: str = "password1", **fields: str
) -> httpx.Response:
    """Post the login form."""
    form = {"username": username, "password": password, **fields}
    return await standin.http.post(f"{base}/v3/oauth2/login", data=form)


async def enter(standin: Standin, flow: dict[str, Any], base: str = "") -> httpx.Response:
    """Post the code form, logged in."""
    return await standin.http.post(f"{base}/v3/oauth2/device", data={"user_code": flow["user_code"]})


async def consent(standin: Standin, flow: dict[str, Any], base: str = "", **fields: Any) -> httpx.Response:
    """Post the consent form for a device; None leaves a field out."""
    form = {
        "client_id": flow["client_id"],
        "client_response_type": "device_code",
        "user_code": flow["user_code"],
        "ttl": "30",
        "approve": "true",
        **fields,
    }
    given = {name: value for name, value in form.items() if value is not None}
    return await standin.http.post(f"{base}/v3/oauth2/authorize", data=given)


def heading(answer: httpx.Response) -> str:
    """Return the heading of a page, whose media type has no charset (contract tapis 2.3)."""
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html"), answer.text
    return html.unescape(re.search("<h1>(.*?)</h1>", answer.text)[1])


def errors(answer: httpx.Response) -> list[str]:
    """Return the errors of a page."""
    return [html.unescape(found) for found in re.findall("<li>(Error: .*?)</li>", answer.text)]


def fields(answer: httpx.Response, kind: str = "hidden") -> dict[str, str]:
    """Return the inputs of a form of this type, with their values."""
    found: dict[str, str] = {}
    for tag in re.findall("<input[^>]*>", answer.text):
        attributes = {name: html.unescape(value) for name, value in re.findall(r'(\w+)="([^"]*)"', tag)}
        if attributes["type"] == kind:
            found[attributes["name"]] = attributes.get("value", "")
    return found


def moved(answer: httpx.Response, location: str) -> None:
    """Compare a redirect; one that begins with a slash goes on below this server's URL."""
    assert (answer.status_code, answer.headers["content-type"]) == (302, "text/html; charset=utf-8"), answer.text
    assert answer.headers["location"] == (f"{BASE}{location}" if location.startswith("/") else location)


def claims_of_tenant(token: str) -> Any:
    """Return the tenant that a token tells."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["tapis/tenant_id"]

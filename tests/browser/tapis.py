"""What a person and a command-line tool do with the Tapis pages, for the walk and for the pictures."""

from typing import Any

import httpx

from tests.browser.drive import Visit
from tests.servers import Server


class TapisDevice:
    """A command-line tool that has asked for its codes, and polls when it is told to."""

    def __init__(self, server: Server, client_id: str = "tapis_cli") -> None:
        self._base = f"{server.url}/v3/oauth2"
        answer = httpx.post(f"{self._base}/device/code", json={"client_id": client_id})
        self.told: dict[str, Any] = answer.raise_for_status().json()["result"]
        self.code: str = self.told["user_code"]

    def poll(self) -> str | int:
        """Return the message of an error, or for how many seconds the token is good."""
        asked = {"client_id": self.told["client_id"], "device_code": self.told["device_code"]}
        body = httpx.post(f"{self._base}/tokens", json={**asked, "grant_type": "device_code"}).json()
        return body["result"]["access_token"]["expires_in"] if body["result"] else body["message"]


def log_in(visit: Visit, username: str = "testuser1", password: str = "password1") -> None:
    """Type name and password."""
    visit.fill("Username", username)
    visit.fill("Password", password)
    visit.press("Log In")


def enter(visit: Visit, code: str) -> None:
    """Type a code."""
    visit.fill("User code", code)
    visit.press("Submit")

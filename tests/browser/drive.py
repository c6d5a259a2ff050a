"""Drives a real browser and a device against a real server: what the walks and the screenshots share."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.servers import Server

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1000, "height": 760}
_FOCUS_GIVEN = ":focus, body:not(:has([autofocus]))"
_SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's own Chromium; Playwright's downloads are not needed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_SWITCHES)
        try:
            yield browser
        finally:
            browser.close()


def fill(page: Page, label: str, text: str) -> None:
    """Type into a control, once the page has put the focus where it wants it: Chromium complains of whoever is faster."""
    page.wait_for_load_state()
    page.locator(_FOCUS_GIVEN).first.wait_for()
    page.get_by_label(label).fill(text)


class Visit:
    """A browser window with cookies of its own at a server. It notes every address asked for and every complaint."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.context = context
        self.server = server
        self.asked_for: list[str] = []
        self.complaints: list[str] = []
        context.set_default_timeout(10_000)
        context.on("request", lambda request: self.asked_for.append(request.url))
        context.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page: Page = context.new_page()

    def open(self, path: str) -> None:
        """Open a path of the server, or a whole address."""
        self.page.goto(path if path.startswith("http") else self.server.url + path)

    def press(self, button: str) -> None:
        """Press a button and wait for the page that follows."""
        self.page.get_by_role("button", name=button, exact=True).click()

    def fill(self, label: str, text: str) -> None:
        """Type into a control."""
        fill(self.page, label, text)

    def enter(self, code: str) -> None:
        """Type a code."""
        self.fill("Code", code)
        self.press("Continue")

    def log_in(self, username: str = "testuser1", password: str = "password1") -> None:
        """Type name and password."""
        self.fill("Username", username)
        self.fill("Password", password)
        self.press("Sign in")

    @property
    def heading(self) -> str:
        """Return the page's one h1."""
        return self.page.locator("h1").inner_text()

    @property
    def alert(self) -> str:
        """Return what a screen reader speaks at once."""
        return self.page.get_by_role("alert").inner_text()


@contextmanager
def visiting(browser: Browser, server: Server, scripts: bool = False, **options: Any) -> Iterator[Visit]:
    """Open a window, without JavaScript unless `scripts`."""
    context = browser.new_context(**{"java_script_enabled": scripts, "viewport": WIDE, **options})
    try:
        yield Visit(context, server)
    finally:
        context.close()


class Device:
    """A device that has asked for its codes, and polls when it is told to."""

    def __init__(self, server: Server, issuer: str = "", client_id: str = "device-public", **asked: str) -> None:
        self._url, self._client_id = server.url + issuer, client_id
        headers = {"user-agent": "my-cli/2.4 (Linux x86_64)"}
        form = {"client_id": client_id, **asked}
        answer = httpx.post(f"{self._url}/oauth2/device_authorization", data=form, headers=headers)
        self.told: dict[str, Any] = answer.raise_for_status().json()
        self.code: str = self.told["user_code"]
        self._control = f"{server.url}/_standin/device/{self.code}"

    def poll(self) -> str:
        """Return the error, or "token"."""
        form = {"grant_type": DEVICE_CODE, "device_code": self.told["device_code"], "client_id": self._client_id}
        return httpx.post(f"{self._url}/oauth2/token", data=form).json().get("error", "token")

    def expire(self) -> None:
        """Let the control plane end the flow's time."""
        httpx.post(self._control, json={"action": "expire"}).raise_for_status()

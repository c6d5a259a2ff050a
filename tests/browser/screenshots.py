"""`python -m tests.browser.screenshots`: walks a real server in Chromium and renews docs/screenshots for the README."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from playwright.sync_api import Browser, expect

from tests.browser.drive import Device, Visit, chromium, visiting
from tests.browser.tapis import TapisDevice, enter, log_in
from tests.load.scenarios import CREATEKEY, GETCLIENT, GETKEY, GETVERSION
from tests.load.wrk import Load, finish, start
from tests.servers import ROOT, STANDARD, Server, running

FOLDER = ROOT / "docs" / "screenshots"
# A window lower than any page: the picture of the whole page then ends where the page does.
LOW, LOW_AND_NARROW = {"width": 640, "height": 200}, {"width": 360, "height": 200}
LOW_AND_WIDE = {"width": 1400, "height": 200}
LOAD_SECONDS = 40
CLIENT = {"client_id": "jobs-cli", "client_name": "Jobs on the command line"}
# The same codes in every run.
SETTINGS = {"oauth__interval": 1, "oauth__clients": [CLIENT], "random_seed": 8628}
ASKED = {
    "client_id": "jobs-cli",
    "response_type": "code",
    "redirect_uri": "http://127.0.0.1:8765/callback",
    "scope": "openid profile",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


class Album:
    """Takes pictures of what one window shows."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit

    def take(self, name: str) -> None:
        """Write one picture, without the blinking cursor."""
        path = FOLDER / f"{name}.png"
        self.visit.page.screenshot(path=path, full_page=True, caret="hide", animations="disabled")
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} kB")

    def device(self) -> Device:
        """Start a flow of the client on the pictures."""
        return Device(self.visit.server, client_id=CLIENT["client_id"], scope="openid profile offline_access")


def of_the_flow(album: Album) -> None:
    """Take the pages of a device flow, from the code to each of its ends."""
    visit, device = album.visit, album.device()
    visit.open("/device")
    album.take("code")
    visit.enter("BCDF-GHJK")
    album.take("wrong-code")
    visit.enter(device.code)
    album.take("login")
    visit.log_in()
    album.take("confirmation")
    visit.press("Approve")
    album.take("approved")
    visit.open(device.told["verification_uri_complete"])
    album.take("error")
    visit.open(album.device().told["verification_uri_complete"])
    visit.press("Deny")
    album.take("denied")
    device = album.device()
    device.expire()
    visit.open(device.told["verification_uri_complete"])
    album.take("expired")


def of_the_consent(album: Album) -> None:
    """Take the question of the authorization code flow."""
    album.visit.open("/device/login")
    album.visit.log_in()
    album.visit.open(f"/oauth2/authorize?{urlencode(ASKED)}")
    album.take("consent")


def of_the_simulator(album: Album) -> None:
    """Take the small device, before and after it is switched on; it is polled too early once."""
    visit = album.visit
    visit.open("/device/simulator")
    visit.page.get_by_label("Client").select_option(CLIENT["client_id"])
    album.take("simulator-start")
    visit.page.set_viewport_size({**LOW, "width": 860})
    visit.press("Switch the device on")
    answers = visit.page.locator("tbody tr td:nth-child(2)")
    expect(answers).to_have_count(2)
    visit.press("Poll now")
    expect(answers.last).to_have_text("slow_down")
    album.take("simulator")


def of_the_confirmation(name: str) -> Callable[[Album], None]:
    """Return what takes the question alone, under this name."""

    def take(album: Album) -> None:
        album.visit.open(album.device().told["verification_uri_complete"])
        album.visit.log_in()
        album.take(name)

    return take


def of_the_control_page(name: str) -> Callable[[Album], None]:
    """Return what takes the control page at rest: codes that wait, a journal, a snapshot."""

    def take(album: Album) -> None:
        visit = album.visit
        with httpx.Client(base_url=visit.server.url) as client:
            client.post("/_standin/reset", json={"settings": True}).raise_for_status()
            device = album.device()
            client.post("/v3/oauth2/device/code", json={"client_id": "tapis_cli"}).raise_for_status()
            client.patch("/_standin/settings", json={"journal": True}).raise_for_status()
            client.put("/_standin/snapshots/before-the-run").raise_for_status()
            for path in ("/v1/tms/version", "/v1/tms/client/testclient1"):
                client.get(path, headers=GETCLIENT.headers)
            client.post(GETKEY.path, content=GETKEY.body.replace("testhost1", "testhost2"), headers=GETKEY.headers)
            visit.open("/_standin/")
            expect(visit.page.get_by_text(device.code, exact=True)).to_be_visible()
            expect(visit.page.locator("#plots canvas")).to_have_count(3)
            album.take(name)
            client.post("/_standin/reset", json={"settings": True}).raise_for_status()

    return take


def of_the_control_page_under_load(album: Album) -> None:
    """Take the control page while wrk sends the load suite's requests, a few of which a fault rule refuses."""
    visit = album.visit
    rule = {"operation": "get_client", "every": 40, "do": {"status": 503, "body": "busy"}}
    httpx.put(f"{visit.server.url}/_standin/faults", json={"rules": [rule]}).raise_for_status()
    sent = Load((GETVERSION, GETCLIENT, GETKEY, CREATEKEY), connections=50, seconds=LOAD_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        visit.open("/_standin/")
        wrk = start(visit.server.url, sent, Path(folder))
        visit.page.wait_for_timeout((LOAD_SECONDS - 4) * 1000)
        album.take("control-load")
        visit.page.emulate_media(color_scheme="dark")
        visit.page.wait_for_timeout(500)
        album.take("control-load-dark")
        finish(wrk, LOAD_SECONDS)
    httpx.delete(f"{visit.server.url}/_standin/faults").raise_for_status()


def of_tapis(album: Album) -> None:
    """Take the pages of a Tapis device flow, from the login to the end."""
    visit = album.visit
    device = TapisDevice(visit.server, CLIENT["client_id"])
    visit.open(device.told["verification_uri"])
    album.take("tapis-login")
    log_in(visit)
    album.take("tapis-code")
    enter(visit, device.code)
    album.take("tapis-consent")
    visit.press("Approve")
    album.take("tapis-approved")


def every_picture(browser: Browser, server: Server) -> None:
    """Take all of them, each group in a window of its own."""
    groups: list[tuple[Callable[[Album], None], dict[str, Any]]] = [
        (of_the_flow, {}),
        (of_the_consent, {}),
        (of_the_simulator, {}),
        (of_the_confirmation("confirmation-dark"), {"color_scheme": "dark"}),
        (of_the_confirmation("confirmation-narrow"), {"viewport": LOW_AND_NARROW}),
        (of_the_control_page("control-idle"), {"viewport": LOW_AND_WIDE, "scripts": True}),
        (of_the_control_page("control-narrow"), {"viewport": LOW_AND_NARROW, "scripts": True}),
        (of_the_control_page_under_load, {"viewport": LOW_AND_WIDE, "scripts": True}),
        (of_tapis, {}),
    ]
    for group, options in groups:
        with visiting(browser, server, **{"viewport": LOW, "color_scheme": "light", **options}) as visit:
            group(Album(visit))


def main() -> int:
    """Write the pictures and return the exit status."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), **STANDARD, **SETTINGS) as server,
        chromium() as browser,
    ):
        every_picture(browser, server)
    return 0


if __name__ == "__main__":
    sys.exit(main())

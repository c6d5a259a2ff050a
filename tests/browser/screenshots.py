"""`python -m tests.browser.screenshots`: walks a real server in Chromium and renews docs/screenshots for the README."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, expect

from tests.browser.drive import Device, Visit, chromium, visiting
from tests.browser.tapis import TapisDevice, enter, log_in
from tests.servers import ROOT, STANDARD, Server, running

FOLDER = ROOT / "docs" / "screenshots"
# A window lower than any page: the picture of the whole page then ends where the page does.
LOW, LOW_AND_NARROW = {"width": 640, "height": 200}, {"width": 360, "height": 200}
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

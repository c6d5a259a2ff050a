"""A person walks the Tapis pages in headless Chromium (contract tapis 2.3, 2.8), while a device polls."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.callback import callback
from tests.browser.drive import NARROW, Visit, visiting
from tests.browser.senses import Listener, focused, hard_to_read
from tests.browser.tapis import TapisDevice, enter, log_in
from tests.servers import STANDARD, Server, running

pytestmark = pytest.mark.system("chromium", "chromium")

DAY = 86_400
CONGRATULATIONS = "Congrats! Device Code entered successfully. Please return to your application"
NOT_READY, NOT_VALID = "device code not ready.", "device code not valid."


def registered(server: Server, callback_url: str, name: str) -> dict[str, Any]:
    """Return a new client of testuser1, registered as a program does it."""
    base = f"{server.url}/v3/oauth2"
    login = {"username": "testuser1", "password": "password1", "grant_type": "password"}
    tokens = httpx.post(f"{base}/tokens", json=login).raise_for_status().json()["result"]
    wanted = {"callback_url": callback_url, "display_name": name}
    token = {"x-tapis-token": tokens["access_token"]["access_token"]}
    return httpx.post(f"{base}/clients", json=wanted, headers=token).raise_for_status().json()["result"]


@pytest.mark.parametrize("scripts", [False, True])
def test_login_code_consent(visit_for, server, scripts):
    """All eight steps: the device is not ready before the consent, and its token lives as long as the box says."""
    visit, device = visit_for(scripts=scripts), TapisDevice(server)
    assert device.poll() == NOT_READY
    visit.open(device.told["verification_uri"])
    assert visit.heading == "Log In"
    expect(visit.page.get_by_text("to continue to the ")).to_be_visible()
    log_in(visit)
    assert visit.heading == "Enter User Code"
    assert device.poll() == NOT_READY
    enter(visit, device.code)
    assert visit.heading == "Connect to Tapis"
    expect(
        visit.page.get_by_text("wants to use Tapis (TACC APIs) service to grant actions on behalf of testuser1.")
    ).to_be_visible()
    days = visit.page.get_by_label("Allow this authorization for")
    expect(days).to_have_value("30")
    assert device.poll() == NOT_READY
    days.fill("5")
    visit.press("Approve")
    assert visit.heading == CONGRATULATIONS
    assert [device.poll(), device.poll()] == [5 * DAY, NOT_VALID]


def test_a_second_device_needs_no_login(visit, server):
    """The walk begins at the code then, and 30 days are the rule."""
    for device in (TapisDevice(server), TapisDevice(server)):
        visit.open(device.told["verification_uri"])
        if visit.heading == "Log In":
            log_in(visit, "testuser2", "password2")
        expect(visit.page.get_by_text("Signed in as testuser2")).to_be_visible()
        enter(visit, device.code)
        visit.press("Approve")
        assert device.poll() == 30 * DAY


def test_wrong_password(visit, server):
    """The form again with the name; mended there it leads on."""
    device = TapisDevice(server)
    visit.open(device.told["verification_uri"])
    log_in(visit, "testuser1", "wrong")
    assert visit.alert == "Error: Invalid username/password combination."
    expect(visit.page.get_by_label("Username")).to_have_value("testuser1")
    expect(visit.page.get_by_label("Password")).to_have_value("")
    log_in(visit, "", "password1")
    assert visit.alert == "Error: Username is required."
    log_in(visit, "testuser1", "")
    assert visit.alert == "Error: Password is required."
    log_in(visit)
    assert visit.heading == "Enter User Code"


def test_wrong_code(visit, server):
    """A letter in the wrong case is another code; the browser shows the service's JSON, and the right code still works."""
    device = TapisDevice(server)
    visit.open(device.told["verification_uri"])
    log_in(visit)
    enter(visit, device.code.swapcase())
    assert visit.page.locator("body").inner_text().strip() == (
        '{"message":"Invalid code.","metadata":{},"result":null,"status":"error","version":"26Q1.0"}'
    )
    visit.page.go_back()
    enter(visit, device.code)
    visit.press("Approve")
    assert device.poll() == 30 * DAY


def test_a_code_is_entered_once(visit, server):
    """Entered again, by the same person too, it is not eligible; the first entry stays as it was."""
    device = TapisDevice(server)
    visit.open(device.told["verification_uri"])
    log_in(visit)
    enter(visit, device.code)
    consent = visit.page.url
    visit.open(device.told["verification_uri"])
    enter(visit, device.code)
    assert visit.alert == "Error: Code not eligible to be entered"
    visit.open(consent)
    visit.press("Approve")
    assert device.poll() == 30 * DAY


@pytest.mark.parametrize("days", ["abc", "1.5"])
def test_days_that_are_no_number(visit, server, days):
    """The form again, and nothing is approved until they are mended."""
    device = TapisDevice(server)
    visit.open(device.told["verification_uri"])
    log_in(visit)
    enter(visit, device.code)
    visit.fill("Allow this authorization for", days)
    visit.press("Approve")
    assert visit.alert == "Error: Please enter an integer"
    assert device.poll() == NOT_READY
    visit.fill("Allow this authorization for", " 7 ")
    visit.press("Approve")
    assert visit.heading == CONGRATULATIONS
    assert device.poll() == 7 * DAY


def test_nobody_else_can_consent(visit_for, server):
    """Another person with the address of the consent page approves nothing (section 6, deliberate deviations)."""
    device, owner, stranger = TapisDevice(server), visit_for(), visit_for()
    for visit, name in ((owner, "testuser1"), (stranger, "testuser2")):
        visit.open(device.told["verification_uri"])
        log_in(visit, name, f"password{name[-1]}")
    enter(owner, device.code)
    stranger.open(owner.page.url)
    stranger.press("Approve")
    expect(stranger.page.locator("body")).to_contain_text('"status":"error"')
    assert device.poll() == NOT_READY
    owner.press("Approve")
    assert device.poll() == 30 * DAY


def test_the_race_of_26q1(browser, tmp_path):
    """With `tapis.race` a poll between code and consent has the token already, and the consent comes too late (4.3)."""
    with running(tmp_path, tapis__race=True, **STANDARD) as server, visiting(browser, server) as visit:
        device = TapisDevice(server)
        visit.open(device.told["verification_uri"])
        log_in(visit)
        enter(visit, device.code)
        visit.fill("Allow this authorization for", "5")
        assert device.poll() == 30 * DAY
        visit.press("Approve")
        expect(visit.page.locator("body")).to_contain_text('"status":"error"')
        assert device.poll() == NOT_VALID


@pytest.mark.parametrize("response_type", ["code", "token"])
def test_a_web_application(visit, server, response_type):
    """The consent leads to the registered callback; Chromium would stop it if the policy forbade that (form-action)."""
    with callback() as back:
        callback_url = f"http://127.0.0.1:{back.server_port}/callback"
        client = registered(server, callback_url, "A portal")
        asked = {"client_id": client["client_id"], "redirect_uri": callback_url, "state": "s p&c"}
        visit.open(f"/v3/oauth2/authorize?{urlencode({**asked, 'response_type': response_type})}")
        log_in(visit)
        assert visit.heading == "Connect to Tapis"
        expect(visit.page.get_by_text("The A portal wants to use Tapis")).to_be_visible()
        assert visit.page.get_by_label("Allow this authorization for").count() == 0
        visit.page.get_by_label("Always allow").check()
        visit.press("Approve")
        assert visit.heading == "Back"
        [(brought, referrer)] = back.brought
    assert (brought.pop("state"), referrer) == ("s p&c", None)
    base = f"{server.url}/v3/oauth2"
    if response_type == "token":
        token = brought.pop("access_token")
        assert brought == {"expires_in": "14400", "token_type": "Bearer"}
    else:
        assert set(brought) == {"code"}
        form = {"grant_type": "authorization_code", "redirect_uri": callback_url, **brought}
        key = (client["client_id"], client["client_key"])
        tokens = httpx.post(f"{base}/tokens", data=form, auth=key).raise_for_status().json()["result"]
        token = tokens["access_token"]["access_token"]
    profile = httpx.get(f"{base}/userinfo", headers={"x-tapis-token": token}).raise_for_status()
    assert profile.json()["result"]["username"] == "testuser1"


def test_logging_out(visit, server):
    """The next device needs a login again."""
    device = TapisDevice(server)
    visit.open(device.told["verification_uri"])
    log_in(visit)
    visit.open("/v3/oauth2/logout")
    expect(visit.page.get_by_text("Are you sure you want to log out?")).to_be_visible()
    visit.press("Log Out")
    visit.open(device.told["verification_uri"])
    assert visit.heading == "Log In"


def test_by_keyboard_alone(visit, server):
    """Each page has the focus where one types; Tab reaches every control in reading order, Enter goes on."""
    device, keyboard, heading = TapisDevice(server), visit.page.keyboard, visit.page.get_by_role("heading", level=1)
    visit.open(device.told["verification_uri"])
    expect(visit.page.get_by_label("Username")).to_be_focused()
    keyboard.type("testuser1")
    keyboard.press("Tab")
    assert focused(visit) == "Password"
    keyboard.type("password1")
    keyboard.press("Enter")
    expect(heading).to_have_text("Enter User Code")
    expect(visit.page.get_by_label("User code")).to_be_focused()
    keyboard.type(device.code)
    keyboard.press("Enter")
    expect(heading).to_have_text("Connect to Tapis")
    order = []
    for _ in range(3):
        keyboard.press("Tab")
        order.append(focused(visit))
        outline = visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", "the focus cannot be seen"
    assert order == ["Allow this authorization for", "Always allow", "Approve"]
    keyboard.press("Enter")
    expect(heading).to_have_text(CONGRATULATIONS)
    assert device.poll() == 30 * DAY


def every_page(visit: Visit) -> Iterator[str]:
    """Walk through each kind of page and yield its name while the window shows it."""
    device = TapisDevice(visit.server)
    visit.open("/v3/oauth2/device")
    yield "no client"
    visit.open(device.told["verification_uri"])
    yield "login"
    log_in(visit, "testuser1", "wrong")
    yield "wrong password"
    log_in(visit)
    yield "code"
    enter(visit, device.code)
    yield "consent"
    consent = visit.page.url
    visit.open(device.told["verification_uri"])
    enter(visit, device.code)
    yield "code entered before"
    visit.open(consent)
    visit.fill("Allow this authorization for", "abc")
    visit.press("Approve")
    yield "no integer"
    visit.fill("Allow this authorization for", "1")
    visit.press("Approve")
    yield "approved"
    client = registered(visit.server, "http://127.0.0.1:9/", "A portal with a name that takes two lines here")
    asked = {"client_id": client["client_id"], "redirect_uri": "http://127.0.0.1:9/", "response_type": "code"}
    visit.open(f"/v3/oauth2/authorize?{urlencode(asked)}")
    yield "consent for a web application"
    visit.open("/v3/oauth2/logout")
    yield "logout"


@pytest.mark.parametrize(("color_scheme", "width"), [("light", 1000), ("dark", 360), ("light", 320)])
def test_every_page_can_be_read(visit_for, color_scheme, width):
    """Wide and narrow, light and dark: nothing has to be scrolled sideways, and every text stands out (WCAG 1.4.3, 1.4.10)."""
    visit = visit_for(color_scheme=color_scheme, viewport={**NARROW, "width": width})
    for name in every_page(visit):
        assert hard_to_read(visit) == [], name


def test_every_page_can_be_heard(visit):
    """One first heading, three landmarks, a name for each control, in the tree that screen readers get."""
    listener = Listener(visit)
    for name in every_page(visit):
        assert listener.misses() == [], name

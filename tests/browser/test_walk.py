"""A person walks the pages in headless Chromium: without JavaScript but for one walk, by mouse and by keyboard."""

import base64
import hashlib
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.callback import callback
from tests.browser.drive import NARROW, Device, Visit, fill
from tests.browser.senses import Listener, focused, hard_to_read
from tests.clocks import standing_clock
from tests.servers import STANDARD, running

pytestmark = pytest.mark.system("chromium", "chromium")

WRONG = "BCDF-GHJK"


@pytest.mark.parametrize("scripts", [False, True])
def test_login_code_approve(visit_for, server, scripts):
    """The device waits until the button is pressed, and has its token then (rows UI-01 to UI-04, UI-23)."""
    visit, device = visit_for(scripts=scripts), Device(server)
    assert device.poll() == "authorization_pending"
    visit.open(device.told["verification_uri"])
    assert visit.heading == "Connect a device"
    visit.enter(device.code.lower())
    assert visit.heading == "Sign in"
    visit.log_in()
    assert visit.heading == "Approve this device?"
    expect(visit.page.get_by_text("Is this the code on your device?")).to_be_visible()
    expect(visit.page.get_by_text(device.code, exact=True)).to_be_visible()
    expect(visit.page.get_by_text("my-cli/2.4 (Linux x86_64)")).to_be_visible()
    expect(visit.page.get_by_text("Is this device in your hands?")).to_be_visible()
    visit.press("Approve")
    assert visit.heading == "Device approved"
    assert device.poll() == "token"


def test_deny(visit, server):
    """The device is told (row UI-21)."""
    device = Device(server)
    visit.open("/device/login")
    visit.log_in("testuser2", "password2")
    visit.enter(device.code)
    expect(visit.page.get_by_text("Signed in as testuser2")).to_be_visible()
    visit.press("Deny")
    assert visit.heading == "Device denied"
    assert device.poll() == "access_denied"


def test_wrong_code(visit, server):
    """The form again, its field marked, with what was typed; mended there it leads on (row UI-07)."""
    device = Device(server)
    visit.open("/device")
    visit.enter(WRONG)
    assert visit.alert == "This code is not known here. Compare it with the one on your device, and type it again."
    field = visit.page.get_by_label("Code")
    expect(field).to_have_value(WRONG)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    visit.enter(device.code)
    assert visit.heading == "Sign in"
    assert device.poll() == "authorization_pending"


def test_wrong_password(visit, server):
    """The form again with the name; the code is not lost."""
    device = Device(server)
    visit.open(device.told["verification_uri_complete"])
    visit.log_in("testuser1", "wrong")
    assert visit.alert == "The username or the password is wrong."
    expect(visit.page.get_by_label("Username")).to_have_value("testuser1")
    expect(visit.page.get_by_label("Password")).to_have_value("")
    visit.fill("Password", "password1")
    visit.press("Sign in")
    assert visit.heading == "Approve this device?"


def test_expired_code(visit, server):
    """It has expired under the person's hands: nothing is approved, and the page leads to a new code (row UI-20)."""
    device, next_device = Device(server), Device(server)
    visit.open(device.told["verification_uri_complete"])
    visit.log_in()
    device.expire()
    visit.press("Approve")
    assert visit.heading == "This code has expired"
    assert device.poll() == "expired_token"
    visit.page.get_by_role("link", name="Enter a new code").click()
    visit.enter(device.code)
    assert visit.heading == "This code has expired"
    visit.open("/device")
    visit.enter(next_device.code)
    assert visit.heading == "Approve this device?"


def test_verification_uri_complete(visit, server):
    """It spares the typing alone; opened once more it approves nothing, and says that the code is used (rows UI-08, UI-10)."""
    device = Device(server)
    visit.open(device.told["verification_uri_complete"])
    visit.log_in()
    visit.open(device.told["verification_uri_complete"])
    assert visit.heading == "Approve this device?"
    expect(visit.page.get_by_text(device.code, exact=True)).to_be_visible()
    assert device.poll() == "authorization_pending"
    visit.press("Approve")
    assert device.poll() == "token"
    visit.open(device.told["verification_uri_complete"])
    assert visit.heading == "Code used"


def test_a_named_issuer(visit, server):
    """The whole walk stays below the issuer's path."""
    device = Device(server, "/issuers/browser")
    visit.open(device.told["verification_uri"])
    visit.enter(device.code)
    visit.log_in()
    visit.press("Approve")
    assert device.poll() == "token"
    assert {url.startswith(f"{server.url}/issuers/browser/device") for url in visit.asked_for if url[:4] == "http"} == {
        True
    }


def test_signing_out(visit, server):
    """Another person can take over in the middle."""
    device = Device(server)
    visit.open(device.told["verification_uri_complete"])
    visit.log_in()
    visit.press("Sign out")
    assert visit.heading == "Sign in"
    visit.log_in("testuser2", "password2")
    expect(visit.page.get_by_text("Signed in as testuser2")).to_be_visible()


def test_https_and_http_on_one_host(visit_for, server, tmp_path):
    """A login over TLS and one over plain http stand side by side: cookies know no ports, and a Secure one stays."""
    visit = visit_for(ignore_https_errors=True)
    with running(tmp_path, tls=True, **STANDARD) as secure:
        for url, username in [(secure.url, "testuser1"), (server.url, "testuser2")]:
            visit.open(f"{url}/device/login")
            visit.log_in(username, f"password{username[-1]}")
        for url, username in [(secure.url, "testuser1"), (server.url, "testuser2")]:
            visit.open(f"{url}/device")
            expect(visit.page.get_by_text(f"Signed in as {username}")).to_be_visible()
    kept = {
        cookie["name"]: (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) for cookie in visit.context.cookies()
    }
    assert kept == {"__Host-standin_session": (True, True, "Lax"), "standin_session": (False, True, "Lax")}


def test_by_keyboard_alone(visit, server):
    """Each page has the focus where one types; Tab reaches every control in reading order, Enter goes on."""
    device, keyboard = Device(server), visit.page.keyboard
    visit.open("/device")
    expect(visit.page.get_by_label("Code")).to_be_focused()
    keyboard.type(device.code)
    keyboard.press("Enter")
    visit.page.wait_for_url("**/device")
    expect(visit.page.get_by_label("Username")).to_be_focused()
    keyboard.type("testuser1")
    keyboard.press("Tab")
    assert focused(visit) == "Password"
    keyboard.type("password1")
    keyboard.press("Enter")
    visit.page.wait_for_url("**/device/login")
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Approve this device?")
    order = []
    for _ in range(3):
        keyboard.press("Tab")
        order.append(focused(visit))
        outline = visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", "the focus cannot be seen"
    assert order == ["Approve", "Deny", "Sign out"]
    keyboard.press("Shift+Tab")
    keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    visit.page.wait_for_url("**/device/decision")
    assert visit.heading == "Device approved"
    assert device.poll() == "token"


@pytest.mark.parametrize("decision", ["Approve", "Deny"])
def test_the_authorization_code_flow(visit, server, decision):
    """The consent's form leads back to the client; Chromium would stop it if the policy did not allow that (form-action)."""
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    with callback() as back:
        redirect_uri = f"http://127.0.0.1:{back.server_port}/callback"
        asked = {
            "client_id": "device-public",
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "scope": "openid",
            "state": "s",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        visit.open(f"/oauth2/authorize?{urlencode(asked)}")
        visit.log_in()
        assert visit.heading == "Approve this application?"
        visit.press(decision)
        assert visit.heading == "Back"
        [(brought, referrer)] = back.brought
    assert (brought.pop("iss"), brought.pop("state"), referrer) == (server.url, "s", None)
    if decision == "Deny":
        assert brought.pop("error_description")
        assert brought == {"error": "access_denied"}
        return
    assert set(brought) == {"code"}
    form = {"grant_type": "authorization_code", "client_id": "device-public", "redirect_uri": redirect_uri}
    answer = httpx.post(f"{server.url}/oauth2/token", data={**form, **brought, "code_verifier": verifier})
    assert (answer.status_code, answer.json()["scope"]) == (200, "openid")


def test_the_simulator(visit):
    """It polls by itself, by the page's own refresh, shows slow_down, and is connected when it is approved elsewhere (UI-24)."""
    page = visit.page
    visit.open("/device/simulator")
    page.get_by_label("Client").select_option("tapis_cli")
    visit.press("Switch the device on")
    answers = page.locator("tbody tr td:nth-child(2)")
    expect(answers.nth(1)).to_have_text("authorization_pending")
    with (
        httpx.Client(base_url=visit.server.url) as http,
        standing_clock(http),
    ):  # A busy machine may let an interval pass before a button is pressed.
        visit.press("Poll now")
        visit.press("Poll now")
        expect(answers.last).to_have_text("slow_down")
    with visit.context.expect_page() as opened:
        page.get_by_role("link", name="Open the address in a new tab").click()
    phone = opened.value
    code = page.locator(".screen .code").inner_text()
    fill(phone, "Username", "testuser1")
    fill(phone, "Password", "password1")
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.get_by_text(code, exact=True)).to_be_visible()
    phone.get_by_role("button", name="Approve").click()
    expect(phone.locator("h1")).to_have_text("Device approved")
    visit.press("Poll now")
    expect(answers.last).to_have_text("token")
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    assert page.locator("meta[http-equiv=refresh]").count() == 0


def every_page(visit: Visit) -> Iterator[str]:
    """Walk through each kind of page and yield its name while the window shows it."""
    device, denied, expired = Device(visit.server), Device(visit.server), Device(visit.server)
    visit.open("/device")
    yield "code"
    visit.enter(WRONG)
    yield "wrong code"
    visit.open(device.told["verification_uri_complete"])
    yield "login"
    visit.log_in("testuser1", "wrong")
    yield "wrong password"
    visit.log_in()
    yield "confirmation"
    visit.press("Approve")
    yield "approved"
    visit.open(denied.told["verification_uri_complete"])
    visit.press("Deny")
    yield "denied"
    visit.open(denied.told["verification_uri_complete"])
    yield "used"
    expired.expire()
    visit.open(expired.told["verification_uri_complete"])
    yield "expired"
    asked = "client_id=device-public&response_type=code&redirect_uri=http://127.0.0.1:9/&code_challenge_method=S256"
    visit.open(f"/oauth2/authorize?{asked}&code_challenge={'a' * 43}")
    yield "consent"
    visit.open("/device/simulator")
    yield "simulator start"
    visit.press("Switch the device on")
    yield "simulator"


@pytest.mark.parametrize(("color_scheme", "width"), [("light", 1000), ("dark", 1000), ("light", 320), ("dark", 360)])
def test_every_page_can_be_read(visit_for, color_scheme, width):
    """Wide and narrow, light and dark: nothing has to be scrolled sideways, and every text stands out (WCAG 1.4.3, 1.4.10)."""
    visit = visit_for(color_scheme=color_scheme, viewport={**NARROW, "width": width})
    grounds = set()
    for name in every_page(visit):
        assert hard_to_read(visit) == [], name
        grounds.add(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == {"rgb(238, 242, 243)" if color_scheme == "light" else "rgb(12, 19, 23)"}


def test_every_page_can_be_heard(visit):
    """One first heading, three landmarks, a name for each control, in the tree that screen readers get (rows UI-07, UI-23)."""
    listener = Listener(visit)
    for name in every_page(visit):
        assert listener.misses() == [], name

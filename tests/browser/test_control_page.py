"""A person keeps the control page open in headless Chromium: with and without JavaScript, and in the middle of a load."""

import re
import threading
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.drive import NARROW, Device, visiting
from tests.browser.senses import Listener, focused, hard_to_read
from tests.servers import STANDARD, running

pytestmark = pytest.mark.system("chromium", "chromium")

PAGE = "/_standin/"
SOME = re.compile("[1-9]")


@pytest.fixture(autouse=True)
def as_at_the_start(server):
    """Leave the server as it was."""
    yield
    control = httpx.Client(base_url=f"{server.url}/_standin")
    with control:
        for snapshot in control.get("/snapshots").json()["snapshots"]:
            control.delete(f"/snapshots/{snapshot['name']}")
        control.post("/reset", json={"settings": True}).raise_for_status()


def settings(server):
    """Return the modes in force."""
    return httpx.get(f"{server.url}/_standin/settings").json()


def within(visit, name):
    """Return one section."""
    return visit.page.locator(f"section#{name}")


@contextmanager
def load(server):
    """Send requests one after the other, good and refused ones, until the end."""
    over = threading.Event()

    def send():
        with httpx.Client(base_url=server.url) as client:
            while not over.is_set():
                client.get("/v1/tms/version")
                client.get("/v1/tms/client/testclient1")

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("scripts", [False, True])
def test_everything_can_be_done(visit_for, server, scripts):
    """Modes, clock, snapshot, device code, fault, journal, records, reset: by forms, with and without JavaScript."""
    visit, device = visit_for(scripts=scripts), Device(server)
    visit.open(PAGE)
    assert visit.heading.split("\n")[0].startswith("TMS stand-in")
    told = visit.page.locator("#told")
    visit.press("strict on")
    expect(told).to_have_text("strict is true now.")
    expect(visit.page.get_by_role("button", name="strict on")).to_have_attribute("aria-pressed", "true")
    assert settings(server)["strict"] is True
    visit.press("Freeze")
    expect(within(visit, "clock")).to_contain_text("frozen")
    visit.fill("Advance by", "2")
    visit.press("Advance")
    expect(told).to_have_text("The clock has moved on.")
    visit.press("Run")
    expect(told).to_have_text("The clock runs with the system's.")
    within(visit, "snapshots").get_by_label("Name").fill("before")
    visit.press("Save")
    expect(within(visit, "snapshots").get_by_role("link", name="before")).to_be_visible()
    visit.fill(f"User who approves {device.code}", "testuser2")
    visit.press(f"Approve {device.code}")
    expect(told).to_have_text(f"{device.code} is approved.")
    expect(within(visit, "device")).to_contain_text("No device waits.")
    assert device.poll() == "token"
    within(visit, "faults").get_by_label("Operation").fill("get_version")
    visit.press("Add rule")
    expect(within(visit, "faults")).to_contain_text('{"status": 503}')
    assert httpx.get(f"{server.url}/v1/tms/version").status_code == 503
    within(visit, "requests").get_by_role("button", name="on", exact=True).click()
    expect(told).to_have_text("The journal is on now.")
    within(visit, "records").get_by_label("Table").select_option("oauth_users")
    within(visit, "records").get_by_label("Search").fill("user2")
    visit.press("Show")
    expect(within(visit, "records").locator("tbody tr")).to_have_count(1)
    visit.page.locator("details.menu summary").click()
    visit.page.get_by_label("The modes too").check()
    visit.press("Reset now")
    expect(told).to_have_text("Everything is back to the seed.")
    assert settings(server)["strict"] is False
    assert httpx.get(f"{server.url}/_standin/faults").json() == {"rules": []}


@pytest.mark.parametrize("scripts", [False, True])
def test_a_refusal(visit_for, server, scripts):
    """Its sentence stands in the form's section, with what was typed; nothing has changed."""
    visit = visit_for(scripts=scripts)
    visit.open(PAGE)
    within(visit, "snapshots").get_by_label("Name").fill("no name")
    visit.press("Save")
    expect(within(visit, "snapshots").get_by_role("alert")).to_contain_text("name must be up to 64 letters")
    expect(within(visit, "snapshots").get_by_label("Name")).to_have_value("no name")
    assert httpx.get(f"{server.url}/_standin/snapshots").json() == {"snapshots": []}


def test_the_page_stays_and_follows(visit_for, server):
    """No form loads it anew; what others set shows, and so do new codes and requests, without a hand on the page."""
    visit = visit_for(scripts=True)
    visit.open(PAGE)
    expect(visit.page.locator("#live")).to_have_text("live")
    visit.page.evaluate("window.stayed = true")
    visit.press("strict on")
    expect(visit.page.get_by_role("button", name="strict on")).to_have_attribute("aria-pressed", "true")
    assert focused(visit) == "on"
    within(visit, "requests").get_by_role("button", name="on", exact=True).click()
    expect(within(visit, "requests")).to_contain_text("No request yet.")
    httpx.get(f"{server.url}/v1/tms/version")
    expect(within(visit, "requests")).to_contain_text("get_version")
    expect(visit.page.locator('[data-operation="get_version"]')).to_be_visible()
    device = Device(server)
    expect(within(visit, "device")).to_contain_text(device.code)
    httpx.put(f"{server.url}/_standin/clock", json={"mode": "frozen", "now": "2027-01-02T03:04:05Z"})
    expect(within(visit, "clock")).to_contain_text("2027-01-02 03:04:05")
    assert visit.page.evaluate("window.stayed")


def test_what_is_typed_is_not_taken_away(visit_for, server):
    """A section that somebody is at stays, whatever else changes."""
    visit = visit_for(scripts=True)
    visit.open(PAGE)
    expect(visit.page.locator("#live")).to_have_text("live")
    field = within(visit, "snapshots").get_by_label("Name")
    field.fill("half a na")
    httpx.patch(f"{server.url}/_standin/settings", json={"strict": True})
    expect(visit.page.get_by_role("button", name="strict on")).to_have_attribute("aria-pressed", "true", timeout=15_000)
    expect(field).to_have_value("half a na")
    expect(field).to_be_focused()


def test_copying(visit_for, server):
    """A button behind each word, and one for all lines."""
    visit = visit_for(scripts=True)
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    visit.open(PAGE)
    visit.page.get_by_role("button", name="Copy password2").click()
    expect(visit.page.locator("#told")).to_have_text("Copied.")
    assert visit.page.evaluate("navigator.clipboard.readText()") == "password2"
    visit.press("Copy all lines")
    visit.page.wait_for_function("navigator.clipboard.readText().then(text => text.startsWith('export TMS_URL='))")


def test_during_a_load(visit_for, server):
    """Plots are drawn, and figures stand in the tiles and the table, errors among them."""
    rule = {"operation": "get_client", "do": {"status": 503}}
    httpx.put(f"{server.url}/_standin/faults", json={"rules": [rule]}).raise_for_status()
    visit = visit_for(scripts=True)
    with load(server):
        visit.open(PAGE)
        for name in ("rate", "errors", "p50", "p99"):
            expect(visit.page.locator(f'[data-now="{name}"]')).to_have_text(SOME)
        expect(visit.page.locator("#plots canvas")).to_have_count(3)
        expect(visit.page.locator('[data-operation="get_client"] td').nth(1)).to_have_text(SOME)
        drawn = "() => [...document.querySelectorAll('#plots canvas')].every(c => c.width > 100 && c.height > 100)"
        assert visit.page.evaluate(drawn)
        visit.page.locator("#plots .u-over").first.hover()
        assert hard_to_read(visit) == []


@pytest.mark.parametrize("options", [{}, {"viewport": NARROW}, {"color_scheme": "dark"}])
def test_it_can_be_read(visit_for, server, options):
    """By eye and by ear, with all that can be on it: codes, faults, journal, a refusal."""
    visit = visit_for(scripts=True, **options)
    Device(server)
    with httpx.Client(base_url=server.url) as client:
        client.put("/_standin/faults", json={"rules": [{"operation": "get_version", "do": {"status": 503}}]})
        client.patch("/_standin/settings", json={"journal": True})
        client.put("/_standin/clock", json={"mode": "offset", "offset_seconds": 90})
        client.put("/_standin/snapshots/one")
        client.get("/v1/tms/version")
        client.post("/v1/tms/pubkeys/creds/retrieve", json={})
    visit.open(PAGE)
    expect(visit.page.locator("#live")).to_have_text("live")
    visit.page.locator(".entries summary").first.click()
    assert hard_to_read(visit) == []
    assert Listener(visit).misses() == []
    visit.page.keyboard.press("Escape")
    within(visit, "snapshots").get_by_label("Name").fill("no name")
    visit.press("Save")
    expect(within(visit, "snapshots").get_by_role("alert")).to_be_visible()
    assert hard_to_read(visit) == []


def test_by_keyboard(visit_for):
    """The menu opens and closes, and says where the focus is; a switch is reached and pressed."""
    visit = visit_for(scripts=True)
    visit.open(PAGE)
    keyboard = visit.page.keyboard
    for _ in range(4):
        keyboard.press("Tab")
    assert focused(visit) == "Reset"
    keyboard.press("Enter")
    expect(visit.page.get_by_role("button", name="Reset now")).to_be_visible()
    keyboard.press("Escape")
    expect(visit.page.get_by_role("button", name="Reset now")).to_be_hidden()
    assert focused(visit) == "Reset"
    visit.page.get_by_role("button", name="strict on").focus()
    keyboard.press("Space")
    expect(visit.page.get_by_role("button", name="strict on")).to_have_attribute("aria-pressed", "true")
    expect(visit.page.get_by_role("button", name="strict on")).to_be_focused()


def test_a_token(browser, tmp_path):
    """The page is behind a form; signed in, it is live."""
    with (
        running(tmp_path, control_token="t0ken", **STANDARD) as server,
        visiting(browser, server, scripts=True) as visit,
    ):
        visit.open(PAGE)
        assert visit.heading == "Control page"
        assert hard_to_read(visit) == []
        assert Listener(visit).misses() == []
        visit.fill("Token", "wrong")
        visit.press("Sign in")
        assert visit.alert == "This is not the token of standin.control_token."
        visit.fill("Token", "t0ken")
        visit.press("Sign in")
        expect(visit.page.locator("#live")).to_have_text("live")
        visit.press("strict on")
        expect(visit.page.get_by_role("button", name="strict on")).to_have_attribute("aria-pressed", "true")
        visit.press("Sign out")
        assert visit.heading == "Control page"

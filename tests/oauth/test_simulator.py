"""The small device on a page: it starts a flow, shows its code, polls in time, and shows what it was told (row UI-24)."""

import re

import pytest

from tests.oauth.driver import EVERY_SCOPE, PUBLIC
from tests.oauth.forms import Person

ROW = re.compile(r"(\d\d:\d\d:\d\d) (\S+) (?:(\S+) s (\S+) s)?")


def polls(page):
    """Return the polls of the list: (answer, gap, least gap)."""
    table = page.text.partition("Least gap")[2]
    return [(answer, gap, least) for _, answer, gap, least in ROW.findall(table)]


def verdict(page):
    """Return the word on the client."""
    return re.search(r"Verdict on this client (\w+)", page.text)[1]


def code(page):
    """Return the code on the device's screen."""
    return re.search(r"and enter (\S+)", page.text)[1]


async def switched_on(standin, issuer="", **typed):
    """Return a page that shows a new device."""
    device = Person(standin)
    await device.open(f"{'/issuers/' + issuer if issuer else ''}/device/simulator")
    await device.press("Switch the device on", **typed)
    return device


async def reload(device):
    """Load the page again, as the browser does by itself when the interval is over."""
    return await device.open(str(device.page.answer.url))


async def token(person):
    """Return the token of somebody's forms."""
    return (await person.open("/device")).token


async def test_the_start(standin):
    """Every client of the device flow is offered, and all scopes."""
    page = await Person(standin).open("/device/simulator")
    assert (page.status, page.heading) == (200, "Device simulator")
    assert page.fields == {"client_id": PUBLIC, "scope": EVERY_SCOPE}
    assert "device-public tapis_cli testclient1" in page.text


async def test_only_clients_of_the_device_flow_are_offered(standin_for):
    """One that may not use it is not in the list."""
    clients = [
        {"client_id": "web", "grant_types": ["authorization_code"]},
        {"client_id": "tv", "client_name": "Television"},
    ]
    standin = await standin_for(oauth={"clients": clients})
    page = await Person(standin).open("/device/simulator")
    assert "device-public tapis_cli testclient1 Television (tv)" in page.text
    assert "web" not in page.text.partition("Client")[2].partition("Scopes")[0]


async def test_a_new_device(standin):
    """Code, address and QR code, its first poll made, the next one announced to the browser (rows UI-24, X-06)."""
    device = await switched_on(standin, client_id="tapis_cli", scope="openid")
    page = device.page
    assert (page.status, page.heading, page.refresh) == (200, "Device simulator", "5")
    assert page.title == "Device simulator: Waiting for you · TMS stand-in"
    assert "To connect this device, go to http://standin/device and enter" in page.text
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", code(page))
    assert 'aria-label="QR code that leads to the same page with the code filled in"' in page.answer.text
    assert page.links["Open the address in a new tab"] == f"http://standin/device?user_code={code(page)}"
    assert (
        "Next poll in 5 s, by itself Code expires in 600 s Verdict on this client correct: it keeps the pace"
        in page.text
    )
    assert polls(page) == [("authorization_pending", "", "")]
    row = await standin.row({"user_code": code(page)})
    assert (row.client_id, row.scope, row.address) == ("tapis_cli", "openid", "127.0.0.1")


async def test_loading_the_page_polls_when_it_is_due(standin):
    """Not before; the wait that is left is announced."""
    device = await switched_on(standin)
    standin.advance(3.5)
    page = await reload(device)
    assert (len(polls(page)), page.refresh) == (1, "2")
    standin.advance(1.5)
    page = await reload(device)
    assert polls(page)[1:] == [("authorization_pending", "5.0", "5.0")]
    assert (page.refresh, verdict(page)) == ("5", "correct")


async def test_polling_too_early(standin):
    """The button polls at once: slow_down, a longer wait, and a verdict on such a client (row TK-06)."""
    device = await switched_on(standin)
    standin.advance(1)
    page = await device.press("Poll now")
    assert (device.seen[-2].status_code, polls(page)[1:]) == (303, [("slow_down", "1.0", "5.0")])
    assert (page.refresh, verdict(page)) == ("10", "hasty")
    page = await device.press("Poll now")
    assert (polls(page)[2:], verdict(page)) == ([("slow_down", "0.0", "10.0")], "deaf")


async def test_approved(standin):
    """The next poll gets the tokens; the page shows whose they are, and stops."""
    device = await switched_on(standin, scope="openid email")
    person = Person(standin)
    await person.log_in("testuser2", "password2")
    await person.enter(code(device.page))
    await person.press("Approve")
    page = await reload(device)
    assert page.title.startswith("Device simulator: Approved, tokens at the next poll")
    standin.advance(5)
    page = await reload(device)
    assert page.title.startswith("Device simulator: Connected")
    assert (polls(page)[-1][0], page.refresh, verdict(page)) == ("token", None, "correct")
    assert page.text.partition("What the tokens say ")[2].startswith(
        "sub testuser2 client_id device-public scope openid email"
    )


async def test_denied(standin):
    """The next poll is told, and it is the last."""
    device = await switched_on(standin)
    person = Person(standin)
    await person.log_in()
    await person.enter(code(device.page))
    await person.press("Deny")
    assert (await reload(device)).refresh == "5"
    standin.advance(5)
    page = await reload(device)
    assert page.title.startswith("Device simulator: Denied")
    assert (polls(page)[-1][0], page.refresh) == ("access_denied", None)
    standin.advance(60)
    assert len(polls(await reload(device))) == 2


async def test_expired(standin):
    """The same at the end of its time."""
    device = await switched_on(standin)
    standin.advance(600)
    page = await reload(device)
    assert page.title.startswith("Device simulator: Expired")
    assert (polls(page)[-1][0], page.refresh, verdict(page)) == ("expired_token", None, "correct")
    assert "Code expires in 0 s" in page.text
    standin.advance(60)
    assert len(polls(await reload(device))) == 2


async def test_polling_after_the_end(standin):
    """Only the button does that, and the verdict says what such a client is."""
    device = await switched_on(standin)
    await standin.deny({"user_code": code(device.page)})
    standin.advance(5)
    await reload(device)
    standin.advance(5)
    page = await device.press("Poll now")
    assert ([answer for answer, _, _ in polls(page)][1:], verdict(page)) == (["access_denied"] * 2, "relentless")


async def test_a_clock_that_is_set_back(standin):
    """The device does not wait for it to catch up."""
    device = await switched_on(standin)
    standin.advance(-3600)
    page = await reload(device)
    assert (len(polls(page)), page.refresh) == (2, "5")


async def test_a_script_plays_for_it_as_for_any_device(standin_for):
    """A named issuer's script decides; the page keeps to the issuer's paths."""
    standin = await standin_for(oauth={"issuers": [{"name": "a", "script": ["slow_down", "approve testuser2"]}]})
    device = await switched_on(standin, issuer="a")
    assert (polls(device.page), device.page.refresh) == ([("slow_down", "", "")], "10")
    assert device.page.forms[0].action.startswith("/issuers/a/device/simulator/")
    assert "http://standin/issuers/a/device" in device.page.text
    standin.advance(10)
    page = await reload(device)
    assert polls(page)[-1][0] == "token"
    assert page.links["Another device"] == "/issuers/a/device/simulator"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"client_id": ""}, "Choose a client."),
        ({"client_id": "nobody"}, "Choose a client."),
        ({"scope": "everything"}, "A scope is unknown, or the client may not ask for it"),
        ({"client_id": "web"}, "The client may not use the device flow"),
    ],
)
async def test_a_wrong_choice(standin_for, typed, sentence):
    """The form again with the sentence and what was typed; nothing was started."""
    standin = await standin_for(oauth={"clients": [{"client_id": "web", "grant_types": ["authorization_code"]}]})
    page = (await switched_on(standin, **typed)).page
    assert (page.status, page.heading, page.alert) == (400, "Device simulator", sentence)
    assert page.fields["scope"] == typed.get("scope", EVERY_SCOPE)
    assert (await standin.rows())["device_flows"] == []


async def test_a_device_that_is_not_known(standin):
    """An invented handle, a flow's own device code, another issuer's handle: a page of status 404, by GET and POST."""
    flow = await standin.begin()
    device = await switched_on(standin)
    handle = str(device.page.answer.url).rpartition("/")[2]
    before = await standin.rows()
    for path in (
        "/device/simulator/invented",
        "/device/simulator/",
        f"/device/simulator/{flow['device_code']}",
        f"/issuers/a/device/simulator/{handle}",
    ):
        page = await device.open(path)
        assert (page.status, page.heading) == (404, "No such device")
        page = await device.post(path, {"csrf_token": await token(device)})
        assert (page.status, page.heading) == (404, "No such device")
    assert await standin.rows() == before


async def test_a_form_of_somebody_else(standin):
    """Without this session's token there is no new device (row UI-18)."""
    device = await switched_on(standin)
    before = await standin.rows()
    page = await device.post("/device/simulator/start", {"client_id": "tapis_cli", "csrf_token": "0" * 64})
    assert (page.status, page.links) == (403, {"Start again": "/device/simulator"})
    assert await standin.rows() == before


async def test_polling_after_a_login_in_another_window(standin):
    """The session is a new one by then, and the page on the screen still polls: its handle is proof enough."""
    device = await switched_on(standin)
    shown = device.page
    await device.log_in()
    await device.enter(code(shown))
    await device.press("Approve")
    device.page = shown
    page = await device.press("Poll now")
    assert polls(page)[-1][0] == "token"


async def test_no_secret_leaves_the_server(standin):
    """No token is on the page, and the page's own handle is no device code (row UI-05)."""
    device = await switched_on(standin)
    handle = str(device.page.answer.url).rpartition("/")[2]
    assert (await standin.poll(handle)).json()["error"] == "invalid_grant"
    await standin.approve({"user_code": code(device.page)})
    standin.advance(5)
    page = await reload(device)
    assert polls(page)[-1][0] == "token"
    assert "eyJ" not in page.answer.text
    assert (await standin.poll(handle)).json()["error"] == "invalid_grant"

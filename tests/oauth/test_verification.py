"""The verification pages (RFC 8628 3.3, 3.3.1, 5.1, 5.4, 6.1), walked as a person walks them, and attacked."""

import asyncio

import pytest

from tests.oauth.driver import FORM, PUBLIC, UNSEEN, refused, steered
from tests.oauth.forms import Page, Person

WRONG = "BCDF-GHJK"
UNKNOWN = "This code is not known here. Compare it with the one on your device, and type it again."
USED = "This code was used already. If your device still asks, start again there: it will show a new code."
APPROVED = "device-public may now act for you. Go back to your device: it continues by itself in a few seconds."
DENIED = "device-public got no access. If the device is yours, go back to it: it will say that you refused."
LONG = {"device_code_ttl": 100_000}


async def status_of(standin, flow):
    """Return what a device is told that has waited long enough."""
    standin.advance(60)
    return (await standin.poll(flow)).json().get("error", "token")


def mistyped(code):
    """Return a code that looks like this one and is another."""
    return ("C" if code[0] == "B" else "B") + code[1:]


async def lock_out(person, codes=5):
    """Type so many wrong codes."""
    for _ in range(codes):
        page = await person.enter(WRONG)
        assert (page.status, page.alert) == (400, UNKNOWN)


async def test_the_form_for_the_code(standin):
    """GET gives a page with an empty field for the code (row UI-01)."""
    person = Person(standin)
    page = await person.open("/device")
    assert (page.status, page.heading, page.alert) == (200, "Connect a device", "")
    assert page.answer.headers["content-type"] == "text/html; charset=utf-8"
    assert (page.forms[0].action, page.fields) == ("/device", {"user_code": ""})


async def test_a_person_approves(standin):
    """Code, login, question, approve: the device gets the token of whoever logged in (rows UI-01 to UI-04)."""
    flow = await standin.begin(scope="openid profile")
    person = Person(standin)
    assert (await person.enter(flow["user_code"])).heading == "Sign in"
    assert "to continue to device-public" in person.page.text
    await person.press("Sign in", username="testuser2", password="password2")
    assert (person.page.status, person.page.heading) == (200, "Approve this device?")
    await person.press("Approve")
    assert (person.page.status, person.page.heading) == (200, "Device approved")
    assert APPROVED in person.page.text
    answer = await standin.poll(flow)
    assert (answer.status_code, answer.json()["scope"]) == (200, "openid profile")
    _, claims = await standin.verified(answer.json()["id_token"])
    assert (claims["sub"], claims["auth_time"]) == ("testuser2", standin.now)


async def test_a_person_denies(standin):
    """The page says so, and the device is told (rows UI-03, UI-04, UI-21, TK-10)."""
    flow = await standin.begin()
    person = Person(standin)
    await person.log_in()
    await person.enter(flow["user_code"])
    await person.press("Deny")
    assert (person.page.status, person.page.heading) == (200, "Device denied")
    assert DENIED in person.page.text
    refused(await standin.poll(flow), 400, "access_denied")


async def test_the_question(standin):
    """It shows client, scopes, code, address, program and time, and asks for the code and the hands (UI-03, UI-09, UI-11, UI-12)."""
    asked = {"client_id": "testclient1", "client_secret": "secret1", "scope": "openid email"}
    answer = await standin.post("/oauth2/device_authorization", headers={"user-agent": "my-cli/2.4 (Linux)"}, **asked)
    code = answer.json()["user_code"]
    person = Person(standin, address="192.0.2.77")
    await person.log_in()
    page = await person.enter(code)
    assert page.text == (
        "TMS stand-in Approve this device? T testclient1 "
        f"Is this the code on your device? {code} "
        "It wants to Know who you are openid See your email address email "
        "The device that asks Address 127.0.0.1 Program my-cli/2.4 (Linux) Asked at 23 November 2026, 18:53:33 UTC "
        "Is this device in your hands? Approve only if you have just started this yourself. "
        "If somebody sent you the code or a link to this page, deny. "
        "Approve Deny Signed in as testuser1 Sign out A server for tests. Never enter a real password here."
    )
    assert page.form("Approve").buttons == {"Approve": ("decision", "approve"), "Deny": ("decision", "deny")}


async def test_the_device_waits_at_every_step(standin):
    """Typing the code, logging in and looking at the question leave the flow pending (row TK-05)."""
    flow = await standin.begin()
    person = Person(standin)
    await person.enter(flow["user_code"])
    assert await status_of(standin, flow) == "authorization_pending"
    await person.press("Sign in", username="testuser1", password="password1")
    assert await status_of(standin, flow) == "authorization_pending"
    await person.press("Approve")
    assert await status_of(standin, flow) == "token"


async def test_the_address_with_the_code_in_it(standin):
    """It saves the typing and nothing else: login and question follow (rows UI-08, UI-09)."""
    flow = await standin.begin()
    person = Person(standin)
    page = await person.open(flow["verification_uri_complete"])
    assert (page.status, page.heading, page.fields["user_code"]) == (200, "Sign in", flow["user_code"])
    await person.press("Sign in", username="testuser1", password="password1")
    assert person.page.heading == "Approve this device?"
    assert f"Is this the code on your device? {flow['user_code']}" in person.page.text
    await person.press("Approve")
    assert await status_of(standin, flow) == "token"


async def test_a_get_approves_nothing(standin):
    """Not even with a live session, and not with the decision in the query (row UI-10)."""
    flow = await standin.begin()
    person = Person(standin)
    await person.log_in()
    before = await standin.rows()
    page = await person.open(flow["verification_uri_complete"])
    assert (page.status, page.heading) == (200, "Approve this device?")
    decision = {"user_code": flow["user_code"], "decision": "approve", "csrf_token": page.token}
    assert (await person.open("/device", **decision)).heading == "Approve this device?"
    assert (await person.open("/device/decision", **decision)).status == 405
    assert await standin.rows() == before
    assert await status_of(standin, flow) == "authorization_pending"


SPELLINGS = [
    "{0}-{1}",
    " {0}-{1} ",
    "{0}{1}",
    "{0} {1}",
    "{0}.{1}",
    "\t{0} - {1}\t",
    "{0}\u2013{1}!",
    "a{0}0{1}",
]


@pytest.mark.parametrize("case", [str.upper, str.lower, str.title])
async def test_spellings(standin, case):
    """Case, punctuation and letters outside the alphabet do not matter (rows UI-13 to UI-15)."""
    flow = await standin.begin()
    person = Person(standin)
    await person.log_in()
    for spelling in SPELLINGS:
        page = await person.enter(spelling.format(*case(flow["user_code"]).split("-")))
        assert (page.heading, page.fields) == ("Approve this device?", {"user_code": flow["user_code"]}), spelling


async def test_a_wrong_code(standin):
    """The form again, with the sentence, and what was typed in it as it was typed (row UI-07)."""
    await standin.begin()
    person = Person(standin)
    page = await person.enter(' <b>"wrong"</b> ')
    assert (page.status, page.heading, page.alert) == (400, "Connect a device", UNKNOWN)
    assert page.fields == {"user_code": ' <b>"wrong"</b> '}
    assert 'aria-invalid="true"' in page.answer.text
    assert page.title == "Error: Connect a device · TMS stand-in"


async def test_a_wrong_code_can_be_mended(standin):
    """The very form with the sentence takes the right code."""
    flow = await standin.begin()
    person = Person(standin)
    await person.log_in()
    await person.enter(mistyped(flow["user_code"]))
    assert person.page.alert == UNKNOWN
    page = await person.press("Continue", user_code=flow["user_code"])
    assert page.heading == "Approve this device?"


@pytest.mark.parametrize("typed", ["", "   "])
async def test_no_code(standin, typed):
    """Nothing typed is no guess."""
    person = Person(standin)
    for _ in range(7):
        page = await person.enter(typed)
        assert (page.status, page.alert) == (400, "Type the code.")
    assert (await standin.rows())["oauth_failures"] == []


async def test_an_expired_code(standin):
    """It ends for person and device at the same instant; the page leads to the next code (rows UI-20, DA-17)."""
    flow = await standin.begin()
    person = Person(standin)
    await person.log_in()
    standin.advance(599.9)
    assert (await person.enter(flow["user_code"])).heading == "Approve this device?"
    standin.advance(0.1)
    page = await person.enter(flow["user_code"])
    assert (page.status, page.heading, page.links) == (400, "This code has expired", {"Enter a new code": "/device"})
    refused(await standin.poll(flow), 400, "expired_token")


async def test_a_code_that_expires_before_the_decision(standin):
    """The button approves nothing any more."""
    flow = await standin.begin()
    person = Person(standin)
    await person.log_in()
    await person.enter(flow["user_code"])
    standin.advance(600)
    page = await person.press("Approve")
    assert (page.status, page.heading) == (400, "This code has expired")
    assert (await standin.row(flow)).status == "pending"
    refused(await standin.poll(flow), 400, "expired_token")


@pytest.mark.parametrize("decision", ["Approve", "Deny"])
async def test_a_code_that_was_used(standin, decision):
    """Whoever comes second gets a page that says so, by every way; the decision stays (row UI-20)."""
    flow = await standin.begin()
    person, second = Person(standin), Person(standin)
    await person.log_in()
    await second.log_in("testuser2", "password2")
    await second.enter(flow["user_code"])
    await person.enter(flow["user_code"])
    await person.press(decision)
    before = await standin.rows()
    for page in (
        await second.press("Deny" if decision == "Approve" else "Approve"),
        await second.enter(flow["user_code"]),
        await second.open(flow["verification_uri_complete"]),
    ):
        assert (page.status, page.heading, page.alert) == (400, "Code used", USED)
        assert page.links == {"Start again": "/device"}
    assert await standin.rows() == before


async def test_a_code_whose_token_was_fetched(standin):
    """It is as used as an approved one (row UI-20)."""
    flow = await standin.begin()
    await standin.approve(flow)
    await standin.poll(flow)
    page = await Person(standin).enter(flow["user_code"])
    assert (page.status, page.heading) == (400, "Code used")


async def test_two_people_decide_at_once(standin):
    """Exactly one of them wins, and the device is told what that one chose."""
    for _ in range(5):
        flow = await standin.begin()
        people = [Person(standin), Person(standin)]
        for person in people:
            await person.log_in()
            await person.enter(flow["user_code"])
        pages = await asyncio.gather(people[0].press("Approve"), people[1].press("Deny"))
        headings = sorted(page.heading for page in pages)
        assert headings in (["Code used", "Device approved"], ["Code used", "Device denied"])
        told = "token" if "Device approved" in headings else "access_denied"
        assert await status_of(standin, flow) == told


async def test_the_control_plane_expires_what_a_person_approves(standin):
    """Whichever comes first holds: an approval never brings an expired flow back."""
    for _ in range(5):
        flow = await standin.begin()
        person = Person(standin)
        await person.log_in()
        await person.enter(flow["user_code"])
        call = standin.http.post(f"/_standin/device/{flow['user_code']}", json={"action": "expire"})
        answer, page = await asyncio.gather(call, person.press("Approve"))
        expected = {200: ("This code has expired", "expired_token"), 409: ("Device approved", "token")}
        assert (page.heading, await status_of(standin, flow)) == expected[answer.status_code]


async def test_named_issuers_do_not_see_each_others_codes(standin):
    """A foreign code is an unknown one, to read and to decide; its own issuer's pages keep to its paths."""
    flow = await standin.begin(issuer="a")
    for path in ("/device", "/issuers/b/device"):
        stranger = Person(standin)
        await stranger.open(path)
        assert (await stranger.press("Continue", user_code=flow["user_code"])).alert == UNKNOWN
        await stranger.log_in(issuer="b" if "b" in path else "")
        fields = {"csrf_token": stranger.page.token, "user_code": flow["user_code"], "decision": "approve"}
        assert (await stranger.post(f"{path}/decision", fields)).alert == UNKNOWN
    person = Person(standin)
    assert flow["verification_uri"] == "http://standin/issuers/a/device"
    await person.open(flow["verification_uri_complete"])
    await person.press("Sign in", username="testuser1", password="password1")
    actions = [form.action for form in person.page.forms]
    assert actions == ["/issuers/a/device/decision", "/issuers/a/device/logout"]
    assert (await person.press("Approve")).heading == "Device approved"
    assert (await standin.poll(flow, issuer="a")).status_code == 200


async def by_the_form(person, code):
    """Type it."""
    return await person.enter(code)


async def by_the_link(person, code):
    """Follow verification_uri_complete."""
    return await person.open("/device", user_code=code)


async def by_the_login(person, code):
    """Have it in a login form."""
    await person.open("/device/login")
    return await person.press("Sign in", username="testuser1", password="password1", user_code=code)


async def by_a_failed_login(person, code):
    """Have it in a login form that fails."""
    await person.open("/device/login")
    return await person.press("Sign in", username="", password="", user_code=code)


async def by_the_decision(person, code):
    """Have it in a decision."""
    await person.open("/device/login")
    if "Sign out" not in person.page.forms[0].buttons:
        await person.press("Sign in", username="testuser1", password="password1")
    fields = {"csrf_token": person.page.token, "user_code": code, "decision": "approve"}
    return await person.post("/device/decision", fields)


async def by_the_logout(person, code):
    """Have it in the form that signs out."""
    await person.open("/device")
    return await person.post("/device/logout", {"csrf_token": person.page.token, "user_code": code})


DOORS = [by_the_form, by_the_link, by_the_login, by_a_failed_login, by_the_decision, by_the_logout]


@pytest.mark.parametrize("door", DOORS)
async def test_five_wrong_codes_of_one_address(standin, door):
    """Then even the right one is refused, in any browser there, by every way, until five minutes are over (row SEC-01)."""
    flow = await standin.begin()
    for _ in range(5):
        page = await door(Person(standin), WRONG)
        assert (page.status, page.alert, page.fields) == (400, UNKNOWN, {"user_code": WRONG})
    standin.advance(299)
    for code in (flow["user_code"], WRONG):
        page = await door(Person(standin), code)
        assert (page.status, page.heading) == (429, "Connect a device")
        assert page.alert == "Too many wrong codes. Try again in 2 seconds."
        assert page.answer.headers["retry-after"] == "2"
        assert page.fields == {"user_code": code}
    assert (await standin.row(flow)).status == "pending"
    standin.advance(1)
    page = await door(Person(standin), flow["user_code"])
    assert page.status == (400 if door is by_a_failed_login else 200)
    assert page.alert in ("", "Type your username and your password.")


async def test_another_address_is_not_locked_out(standin):
    """The limit is the guesser's."""
    flow = await standin.begin()
    await lock_out(Person(standin))
    page = await Person(standin, address="192.0.2.7").enter(flow["user_code"])
    assert (page.status, page.heading) == (200, "Sign in")


async def test_five_wrong_codes_of_one_session(standin):
    """Changing the address does not help (row SEC-01)."""
    flow = await standin.begin()
    person = Person(standin)
    await person.open("/device")
    cookie = person.http.cookies["standin_session"]
    for host in range(5):
        person = Person(standin, address=f"192.0.2.{host}")
        person.http.cookies["standin_session"] = cookie
        assert (await person.enter(WRONG)).status == 400
    elsewhere = Person(standin, address="192.0.2.99")
    elsewhere.http.cookies["standin_session"] = cookie
    assert (await elsewhere.enter(flow["user_code"])).status == 429
    assert (await Person(standin, address="192.0.2.99").enter(flow["user_code"])).status == 200


async def test_a_success_wipes_nothing(standin):
    """Wrong codes before and after a right one count together (row SEC-11)."""
    first, second = await standin.begin(), await standin.begin()
    person = Person(standin)
    await person.log_in()
    await lock_out(person, 4)
    await person.enter(first["user_code"])
    assert (await person.press("Approve")).heading == "Device approved"
    await lock_out(person, 1)
    page = await person.enter(second["user_code"])
    assert page.status == 429


async def test_right_codes_are_not_counted(standin):
    """Any number of them is served."""
    person = Person(standin)
    await person.log_in()
    for _ in range(7):
        flow = await standin.begin()
        assert (await person.enter(flow["user_code"])).status == 200


async def test_the_limit_is_a_setting(standin_for):
    """`oauth.wrong_codes`."""
    standin = await standin_for(oauth={"wrong_codes": 2})
    flow = await standin.begin()
    await lock_out(Person(standin), 2)
    assert (await Person(standin).enter(flow["user_code"])).status == 429


async def test_each_issuer_counts_for_itself(standin):
    """A parallel test below another name is not locked out."""
    flow = await standin.begin(issuer="b")
    await lock_out(Person(standin))
    person = Person(standin)
    assert (await person.open("/issuers/b/device", user_code=flow["user_code"])).heading == "Sign in"


async def test_guesses_that_race(standin):
    """Twenty codes at once are no more than five tries, so that nobody guesses beside the count (row SEC-01)."""
    pages = await asyncio.gather(*[Person(standin).open("/device", user_code=WRONG) for _ in range(20)])
    assert sorted(page.status for page in pages) == [400] * 5 + [429] * 15


FORGED = {
    "/device": {"user_code": "{code}"},
    "/device/login": {"user_code": "{code}", "username": "testuser1", "password": "password1"},
    "/device/decision": {"user_code": "{code}", "decision": "approve"},
    "/device/logout": {},
}


@pytest.mark.parametrize("path", FORGED)
async def test_a_form_of_somebody_else(standin, path):
    """Without this session's own token it gets 403, and nothing has changed (row UI-18)."""
    flow = await standin.begin()
    other, person = Person(standin), Person(standin)
    await other.log_in("testuser2", "password2")
    before_login = (await person.open("/device")).token
    await person.log_in()
    tokens = [None, "", "0" * 64, other.page.token, before_login, person.page.token[:-1], "\u00e4"]
    fields = {name: value.format(code=flow["user_code"]) for name, value in FORGED[path].items()}
    before = await standin.rows()
    for token in tokens:
        page = await person.post(path, fields if token is None else {**fields, "csrf_token": token})
        assert (page.status, page.heading, page.links) == (403, "Form refused", {"Start again": "/device"})
    assert await standin.rows() == before
    assert await status_of(standin, flow) == "authorization_pending"


async def test_a_decision_without_login(standin):
    """Status 401 and the login page, which then leads to the question; nothing is approved on the way (row UI-02)."""
    flow = await standin.begin()
    person = Person(standin)
    await person.open("/device")
    fields = {"csrf_token": person.page.token, "user_code": flow["user_code"], "decision": "approve"}
    page = await person.post("/device/decision", fields)
    assert (page.status, page.heading) == (401, "Sign in")
    assert page.answer.headers["www-authenticate"] == 'Form realm="tms-standin"'
    assert await status_of(standin, flow) == "authorization_pending"
    await person.press("Sign in", username="testuser1", password="password1")
    assert person.page.heading == "Approve this device?"
    assert await status_of(standin, flow) == "authorization_pending"


async def test_a_decision_after_the_session_has_ended(standin_for):
    """Eight hours after the login somebody has to log in again."""
    standin = await standin_for(oauth=LONG)
    flow = await standin.begin()
    person = Person(standin)
    await person.log_in()
    await person.enter(flow["user_code"])
    standin.advance(8 * 3600)
    assert ((await person.press("Approve")).status, person.page.heading) == (401, "Sign in")
    assert (await standin.row(flow)).status == "pending"


@pytest.mark.parametrize("decision", [{}, {"decision": ""}, {"decision": "Approve"}, {"decision": "yes"}])
async def test_a_decision_that_is_none(standin, decision):
    """The question stays."""
    flow = await standin.begin()
    person = Person(standin)
    await person.log_in()
    fields = {"csrf_token": person.page.token, "user_code": flow["user_code"], **decision}
    assert (await person.post("/device/decision", fields)).heading == "Approve this device?"
    assert (await standin.row(flow)).status == "pending"


async def test_the_login_page_tells_nothing_of_codes(standin):
    """Who cannot log in learns of no code whether it lives, without the guess being counted (row SEC-01)."""
    flow = await standin.begin()
    person = Person(standin)
    fields = {"user_code": flow["user_code"], "decision": "approve"}
    page = await person.post("/device/decision", fields)
    assert (page.status, "device-public" in page.text) == (401, False)
    page = await by_a_failed_login(person, WRONG)
    assert (page.status, page.heading, page.alert) == (400, "Connect a device", UNKNOWN)


async def test_signing_out_for_another_person(standin):
    """The code stays, and whoever logs in next is asked (row UI-02)."""
    flow = await standin.begin()
    person = Person(standin)
    await person.log_in()
    await person.enter(flow["user_code"])
    page = await person.press("Sign out")
    assert (page.status, page.heading, page.fields["user_code"]) == (200, "Sign in", flow["user_code"])
    await person.press("Sign in", username="testuser2", password="password2")
    assert "Signed in as testuser2" in person.page.text
    await person.press("Approve")
    assert (await standin.row(flow)).username == "testuser2"


async def test_signing_out_without_a_code(standin):
    """It leads back to the form for the code, where nobody is signed in."""
    person = Person(standin)
    await person.log_in()
    assert "Signed in as testuser1" in person.page.text
    page = await person.press("Sign out")
    assert (person.seen[-2].status_code, person.seen[-2].headers["location"]) == (303, "/device")
    assert (page.heading, "Signed in" in page.text) == ("Connect a device", False)


@pytest.mark.parametrize("query", ["user_code=%C3", "user_code=%", "user_code=a&user_code=b", "&".join(["a=b"] * 101)])
async def test_a_damaged_link(standin, query):
    """The form, with a sentence on the link; nothing was guessed."""
    page = await Person(standin).open(f"/device?{query}")
    assert (page.status, page.heading, page.fields) == (400, "Connect a device", {"user_code": ""})
    assert page.alert == "The link that brought you here is damaged. Type the code that your device shows."
    assert (await standin.rows())["oauth_failures"] == []


async def test_a_client_that_is_no_longer_configured(tmp_path):
    """The pages name it by its id; a person may still decide."""
    database = f"sqlite:///{tmp_path / 'tms.db'}"
    async with steered(database=database, oauth={"clients": [{"client_id": "gone", "client_name": "Gone"}]}) as standin:
        flow = await standin.begin("gone")
    async with steered(database=database) as standin:
        person = Person(standin)
        await person.log_in()
        assert "gone" in (await person.enter(flow["user_code"])).text
        assert (await person.press("Deny")).text.startswith("TMS stand-in Device denied gone got no access.")


async def test_the_device_code_is_nowhere(capfd):
    """Not in a page, an address, a header, a cookie or a log line, whoever walks where (rows UI-05, UI-06, SEC-10)."""
    async with steered() as standin:
        flow = await standin.begin()
        assert flow["user_code"] not in flow["verification_uri"]
        await standin.poll(flow)
        person = Person(standin)
        await person.enter(WRONG)
        await person.open(flow["verification_uri_complete"])
        await person.press("Sign in", username="testuser1", password="wr0ng-pass")
        await person.press("Sign in", username="testuser1", password="password1")
        await person.press("Approve")
        await person.enter(flow["user_code"])
        tokens = (await standin.poll(flow)).json()
        seen = [f"{answer.url} {answer.headers} {answer.text}" for answer in person.seen]
    log = "".join(capfd.readouterr())
    assert len(seen) == 8
    secrets = [flow["device_code"], tokens["access_token"], tokens["refresh_token"], tokens["id_token"]]
    assert [secret for secret in secrets if any(secret in text for text in [*seen, log])] == []
    private = ["wr0ng-pass", flow["user_code"], person.http.cookies["standin_session"]]
    assert "POST /device/decision 200" in log
    assert [secret for secret in private if secret in log.partition("For the load suite")[2]] == []
    assert [text for text in seen if "wr0ng-pass" in text] == []


async def test_a_device_that_calls_itself_something_hostile(standin):
    """What a device tells of itself is shown as text, cut to a line's length (row UI-12)."""
    agent = "<script>alert(1)</script>" + "x" * 500
    asked = {"client_id": PUBLIC}
    answer = await standin.post("/oauth2/device_authorization", headers={"user-agent": agent}, **asked)
    person = Person(standin)
    await person.log_in()
    page = await person.enter(answer.json()["user_code"])
    assert "<script>alert(1)</script>xxx" in page.text
    assert ("<script" in page.answer.text, "x" * 201 in page.text) == (False, False)


async def test_a_form_that_says_the_decision_twice(standin):
    """It is refused whole: nobody can tell which one was meant."""
    flow = await standin.begin()
    person = Person(standin)
    await person.log_in()
    body = f"csrf_token={person.page.token}&user_code={flow['user_code']}&decision=deny&decision=approve"
    answer = await person.http.post("/device/decision", content=body, headers={"content-type": FORM})
    assert (answer.status_code, Page(answer).alert) == (400, "The field decision is there more than once.")
    assert (await standin.row(flow)).status == "pending"
    assert (await standin.rows(*UNSEEN))["device_polls"] == []

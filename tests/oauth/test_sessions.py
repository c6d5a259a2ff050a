"""The session cookie and the token of the forms: what a browser is handed, and what is believed when it comes back."""

import re

import pytest

from tests.oauth.driver import steered
from tests.oauth.forms import Person

NAME, SECURE_NAME = "standin_session", "__Host-standin_session"


def cookies(page):
    """Return the Set-Cookie headers of a page."""
    return page.answer.headers.get_list("set-cookie")


async def test_the_cookie_over_http(standin):
    """HttpOnly and SameSite, gone with the browser, for no other host."""
    [cookie] = cookies(await Person(standin).open("/device"))
    assert re.fullmatch(r"standin_session=[A-Za-z0-9_-]{32}; Path=/; HttpOnly; SameSite=Lax", cookie)


async def test_the_cookie_over_https(standin):
    """Secure too, under a name of its own: a browser would not let plain http replace it."""
    person = Person(standin, base="https://standin")
    [cookie] = cookies(await person.open("/device"))
    assert re.fullmatch(r"__Host-standin_session=[A-Za-z0-9_-]{32}; Path=/; HttpOnly; SameSite=Lax; Secure", cookie)
    assert (await person.log_in()).heading == "Connect a device"


async def test_the_cookie_is_set_once(standin):
    """A browser that has it is not given it again, but at the login."""
    person = Person(standin)
    await person.open("/device")
    assert cookies(await person.open("/device")) == []
    assert cookies(await person.enter("BCDF-GHJK")) == []
    assert len(cookies(await person.log_in())) == 1
    assert cookies(await person.open("/device")) == []


@pytest.mark.parametrize("value", ["", "short", "a" * 31, "a" * 33, "a" * 31 + "!", "a" * 5000])
async def test_a_cookie_of_no_use(standin, value):
    """It is replaced."""
    answer = await standin.http.get("/device", headers={"cookie": f"{NAME}={value}"})
    assert len(answer.headers.get_list("set-cookie")) == 1


async def test_cookies_of_other_programs(standin):
    """Whatever other servers on this host have set, the session is found."""
    person = Person(standin)
    await person.log_in()
    session = person.http.cookies[NAME]
    for others in ('a={"b":1}', 'a b=1; "', "x=1, y=2", "=; ;"):
        answer = await standin.http.get("/device", headers={"cookie": f"{others}; {NAME}={session}"})
        assert "Signed in as" in answer.text, others


async def test_a_login_over_https_is_none_over_http(standin):
    """The two have cookies of their own."""
    person = Person(standin, base="https://standin")
    await person.log_in()
    session = person.http.cookies[SECURE_NAME]
    answer = await standin.http.get("/device", headers={"cookie": f"{SECURE_NAME}={session}"})
    assert "Signed in as" not in answer.text


async def test_a_login_ends_after_eight_hours(standin):
    """The page shows nobody signed in; the next login counts from its own instant."""
    person = Person(standin)
    await person.log_in()
    standin.advance(8 * 3600 - 1)
    assert "Signed in as testuser1" in (await person.open("/device")).text
    standin.advance(1)
    assert "Signed in" not in (await person.open("/device")).text
    await person.log_in("testuser2", "password2")
    assert "Signed in as testuser2" in (await person.open("/device")).text


async def test_a_login_is_stored_as_a_hash(standin):
    """Who reads the database has no session to use."""
    person = Person(standin)
    await person.log_in()
    [row] = (await standin.rows())["oauth_sessions"]
    assert row.username == "testuser1"
    assert person.http.cookies[NAME] not in str(row)


async def test_signing_out_ends_the_session_for_all_who_have_it(standin):
    """A copy of the cookie is worth nothing afterwards."""
    person, copy = Person(standin), Person(standin)
    await person.log_in()
    copy.http.cookies[NAME] = person.http.cookies[NAME]
    assert "Signed in as testuser1" in (await copy.open("/device")).text
    await person.press("Sign out")
    assert "Signed in" not in (await copy.open("/device")).text
    assert (await standin.rows())["oauth_sessions"] == []


async def test_tokens_of_forms(standin):
    """One for each session, the same on all its pages, and no part of the session itself."""
    person, other = Person(standin), Person(standin)
    tokens = {(await person.open(path)).token for path in ("/device", "/device/login", "/device/simulator")}
    assert len(tokens) == 1
    assert (await other.open("/device")).token not in tokens
    assert person.http.cookies[NAME] not in tokens.pop()


async def test_two_processes_on_one_database(tmp_path):
    """A form of the one is taken by the other, login and all; so it is after a restart."""
    database = f"sqlite:///{tmp_path / 'tms.db'}"
    async with steered(database=database) as first, steered(database=database) as second:
        flow = await first.begin()
        person, same = Person(first), Person(second)
        await person.log_in()
        await person.enter(flow["user_code"])
        same.http.cookies, same.page = person.http.cookies, person.page
        assert (await same.press("Approve")).heading == "Device approved"
        assert (await first.poll(flow)).status_code == 200

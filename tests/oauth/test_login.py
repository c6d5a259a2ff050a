"""The login step: whose password is right, what a wrong one is told, and when nobody is let in any more."""

import asyncio

from tests.oauth.driver import steered
from tests.oauth.forms import Person

WRONG = "The username or the password is wrong."
HINT = "Seeded users: testuser1 / password1 and testuser2 / password2."


async def fail(person, times, username="testuser1"):
    """Type so many wrong passwords."""
    for _ in range(times):
        page = await person.log_in(username, "wrong")
        assert (page.status, page.alert) == (400, WRONG)


async def test_the_login_page(standin):
    """Two empty fields, and whose passwords are known."""
    page = await Person(standin).open("/device/login")
    assert (page.status, page.heading, page.alert) == (200, "Sign in", "")
    assert (page.forms[0].action, page.fields) == ("/device/login", {"username": "", "password": ""})
    assert HINT in page.text


async def test_a_right_password(standin):
    """It leads on to the code where none was typed yet."""
    page = await Person(standin).log_in("testuser2", "password2")
    assert (page.status, page.heading, page.fields) == (200, "Connect a device", {"user_code": ""})
    assert "Signed in as testuser2" in page.text


async def test_a_wrong_password(standin):
    """The form again with the sentence and the name, never the password (row UI-07's rule)."""
    page = await Person(standin).log_in("testuser1", "wr0ng")
    assert (page.status, page.heading, page.alert) == (400, "Sign in", WRONG)
    assert page.fields == {"username": "testuser1", "password": ""}
    assert "wr0ng" not in page.answer.text
    assert (await standin.rows())["oauth_sessions"] == []


async def test_the_code_survives_a_wrong_password(standin):
    """The next try leads to the question."""
    flow = await standin.begin()
    person = Person(standin)
    await person.enter(flow["user_code"])
    await person.press("Sign in", username="testuser1", password="wrong")
    assert (person.page.status, person.page.fields["user_code"]) == (400, flow["user_code"])
    assert "to continue to device-public" in person.page.text
    await person.press("Sign in", password="password1")
    assert person.page.heading == "Approve this device?"


async def test_an_unknown_user(standin):
    """The same sentence, so that nobody learns who exists."""
    page = await Person(standin).log_in("nobody", "password1")
    assert (page.status, page.alert, page.fields["username"]) == (400, WRONG, "nobody")


async def test_nothing_typed(standin):
    """It is no try, and is not counted."""
    person = Person(standin)
    for username, password in [("", ""), ("testuser1", ""), ("", "password1")] * 3:
        page = await person.log_in(username, password)
        assert (page.status, page.alert) == (400, "Type your username and your password.")
        assert page.fields["username"] == username
    assert (await person.log_in()).heading == "Connect a device"


async def test_five_wrong_passwords_of_one_address(standin):
    """Then the right one is refused too, of every user, until five minutes are over (rows SEC-01, OA-19)."""
    await fail(Person(standin), 3)
    await fail(Person(standin), 2, "testuser2")
    standin.advance(290)
    for password in ("password1", "wrong"):
        page = await Person(standin).log_in("testuser1", password)
        assert (page.status, page.heading) == (429, "Sign in")
        assert page.alert == "Too many wrong passwords. Try again in 11 seconds."
        assert page.answer.headers["retry-after"] == "11"
    assert (await standin.rows())["oauth_sessions"] == []
    assert (await Person(standin, address="192.0.2.7").log_in()).status == 200
    standin.advance(10)
    assert (await Person(standin).log_in()).status == 200


async def test_five_wrong_passwords_of_one_session(standin):
    """Changing the address does not help."""
    person = Person(standin)
    await person.open("/device")
    for host in range(6):
        elsewhere = Person(standin, address=f"192.0.2.{host}")
        elsewhere.http.cookies["standin_session"] = person.http.cookies["standin_session"]
        page = await elsewhere.log_in("testuser1", "wrong" if host < 5 else "password1")
        assert page.status == (400 if host < 5 else 429)


async def test_a_success_wipes_nothing(standin):
    """Wrong passwords before and after a right one count together (row SEC-11)."""
    await fail(Person(standin), 4)
    assert (await Person(standin).log_in()).status == 200
    await fail(Person(standin), 1)
    assert (await Person(standin).log_in()).status == 429


async def test_codes_and_passwords_are_counted_apart(standin):
    """Who mistypes a code may still log in."""
    person = Person(standin)
    for _ in range(5):
        await person.enter("BCDF-GHJK")
    assert (await person.enter("BCDF-GHJK")).status == 429
    assert (await person.log_in()).status == 200


async def test_passwords_that_race(standin):
    """Twenty at once are no more than five tries."""
    people = [Person(standin) for _ in range(20)]
    for person in people:
        await person.open("/device/login")
    tries = [person.press("Sign in", username="testuser1", password="wrong") for person in people]
    pages = await asyncio.gather(*tries)
    assert sorted(page.status for page in pages) == [400] * 5 + [429] * 15


async def test_a_login_makes_a_new_session(standin):
    """The one before may be known to others, and stays without login (session fixation)."""
    person = Person(standin)
    await person.open("/device")
    before = person.http.cookies["standin_session"]
    await person.log_in()
    assert person.http.cookies["standin_session"] != before
    other = Person(standin)
    other.http.cookies["standin_session"] = before
    assert "Signed in" not in (await other.open("/device")).text


async def test_users_of_the_configuration():
    """They log in; the hint stands on the page of the standard seed alone."""
    async with steered(seed="empty", oauth={"users": [{"username": "alice", "password": "secret"}]}) as standin:
        person = Person(standin)
        assert HINT not in (await person.open("/device/login")).text
        assert "Signed in as alice" in (await person.log_in("alice", "secret")).text
        assert (await Person(standin).log_in("testuser1", "password1")).alert == WRONG

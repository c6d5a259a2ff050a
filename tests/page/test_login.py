"""Who sees the page where there is a token: whoever has typed it, and no other site."""

import pytest

from app.page.login import COOKIE, cookie_value, has_cookie, path_of
from tests.control.conftest import problem
from tests.control.test_access import FOREIGN, MISSING
from tests.page.conftest import DO, PAGE, alerts, do, done

LOGIN = "/_standin/page/login"
TOKEN = "t0ken"


@pytest.fixture
async def locked(standin_for):
    """Return a stand-in with a token."""
    return await standin_for(control_token=TOKEN)


async def sign_in(standin, token=TOKEN):
    """Post the form."""
    return await standin.http.post(LOGIN, data={"token": token}, headers={"origin": "http://standin"})


def test_the_cookie_is_not_the_token():
    """Whoever reads it has no bearer token, and another token makes another cookie."""
    value = cookie_value(TOKEN)
    assert TOKEN not in value
    assert len({value, cookie_value("other")}) == 2
    assert value == cookie_value(TOKEN)


@pytest.mark.parametrize(
    ("header", "good"),
    [
        (f"{COOKIE}={cookie_value(TOKEN)}", True),
        (f"a=b; {COOKIE}={cookie_value(TOKEN)}; c=d", True),
        (f"{COOKIE}={cookie_value('other')}", False),
        (f"{COOKIE}={TOKEN}", False),
        (f"a/b=1; {COOKIE}={cookie_value(TOKEN)}", True),
        (f"{COOKIE}=", False),
        (f"other={cookie_value(TOKEN)}", False),
        ("=;;[]{}", False),
        ("\u00e9=1", False),
    ],
)
def test_the_cookie_is_looked_for(header, good):
    """Among others, and whatever else the header holds."""
    assert has_cookie({"headers": [(b"cookie", header.encode("latin-1"))]}, TOKEN) is good


def test_no_cookie_at_all():
    """Is not enough."""
    assert not has_cookie({"headers": [(b"host", b"standin")]}, TOKEN)
    assert path_of({"path": "/_standin/events", "root_path": "/_standin"}) == "/events"


async def test_a_token_typed_opens_the_page(locked):
    """The form, a cookie that no script reads and no other site sends, the page, its sections and its forms."""
    answer = await locked.http.get(PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, LOGIN)
    answer = await locked.http.get(LOGIN)
    assert (answer.status_code, alerts(answer)) == (200, [])
    assert 'name="token" type="password"' in answer.text
    answer = await sign_in(locked)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    flags = answer.headers["set-cookie"].partition("; ")[2]
    assert flags == "HttpOnly; Path=/_standin; SameSite=strict"
    assert (await locked.http.get(PAGE)).status_code == 200
    assert (await locked.http.get("/_standin/page/sections/clock")).status_code == 200
    done(await do(locked, "mode", name="strict", value="true"), "strict is true now.", "modes")


async def test_the_cookie_is_for_the_page_alone(locked):
    """The calls of the control plane still ask for the token."""
    await sign_in(locked)
    for path in ("/_standin/settings", "/_standin/records?table=tenants", "/_standin/openapi.json", "/_standin/reset"):
        answer = await locked.http.get(path)
        problem(answer, 401, "Unauthorized", MISSING)


async def test_signing_out(locked):
    """The cookie is gone, and the page with it."""
    await sign_in(locked)
    answer = await locked.http.post("/_standin/page/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, LOGIN)
    assert (await locked.http.get(PAGE)).status_code == 303


@pytest.mark.parametrize("token", ["", "T0ken", "t0ken ", "t\u00f6ken"])
async def test_a_wrong_token(locked, token):
    """The form again with a sentence, no cookie, and the token is not repeated."""
    answer = await sign_in(locked, token)
    assert (answer.status_code, alerts(answer)) == (401, ["This is not the token of standin.control_token."])
    assert "set-cookie" not in answer.headers
    assert not token or token not in answer.text
    assert (await locked.http.get(PAGE)).status_code == 303


async def test_what_is_there_without_a_login(locked):
    """The form's own files, and nothing else; a form in a browser leads to the login, a script gets the problem."""
    assert (await locked.http.get("/_standin/page/static/page.css")).status_code == 200
    for path in ("/_standin/events", "/_standin/page/sections/clock", f"{DO}/reset"):
        problem(await locked.http.get(path), 401, "Unauthorized", MISSING)
    browser = {"sec-fetch-mode": "navigate", "origin": "http://standin"}
    answer = await locked.http.post(f"{DO}/mode", data={"name": "strict", "value": "true"}, headers=browser)
    assert (answer.status_code, answer.headers["location"]) == (303, LOGIN)
    assert not locked.parts.modes.strict


async def test_the_bearer_token_opens_the_page_too(locked):
    """And a wrong one does not."""
    for token, status in ((TOKEN, 200), ("other", 401)):
        answer = await locked.http.get(PAGE, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == status


async def test_without_a_token_there_is_no_login(standin):
    """The page is open; the form, if somebody finds it, leads there without a cookie."""
    answer = await standin.http.get(PAGE)
    assert (answer.status_code, "Sign out" in answer.text) == (200, False)
    answer = await sign_in(standin, "whatever")
    assert (answer.status_code, answer.headers["location"], "set-cookie" in answer.headers) == (303, PAGE, False)


@pytest.mark.parametrize(
    ("method", "path", "headers", "passes"),
    [
        ("POST", f"{DO}/reset", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, False),
        ("POST", f"{DO}/reset", {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"}, False),
        ("POST", f"{DO}/reset", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),
        ("POST", f"{DO}/reset", {"origin": "http://evil.example", "sec-fetch-site": "same-origin"}, False),
        ("POST", f"{DO}/reset", {"origin": "null", "sec-fetch-site": "cross-site"}, False),
        ("GET", "/_standin/settings", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),
        ("GET", "/_standin/events", {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, False),
        ("GET", PAGE, {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),
        ("GET", PAGE, {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, True),
        ("GET", "/_standin/settings", {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, True),
    ],
)
async def test_what_a_browser_says_of_the_site(standin, method, path, headers, passes):
    """Another site's form is refused without an Origin too; a link may lead to the page."""
    flow = await standin.begin()
    before = await standin.rows()
    answer = await standin.http.request(method, path, headers=headers)
    if passes:
        assert answer.status_code == 200
    else:
        problem(answer, 403, "Forbidden", FOREIGN)
        assert (await standin.rows(), flow["user_code"] != "") == (before, True)


async def test_the_address_without_a_slash(standin):
    """Leads to the page."""
    answer = await standin.http.get("/_standin")
    assert (answer.status_code, answer.headers["location"]) == (307, PAGE)

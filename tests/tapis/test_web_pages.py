"""Login, authorize and logout (contract tapis 2.3, 2.8)."""

import pytest

from tests.tapis.driver import CLI, OTHERS, TENANTS, errors, fields, heading, log_in, make_client, moved, refused

SEEDED = "Seeded users: testuser1 / password1 and testuser2 / password2."
CALLBACK = "https://app.example/cb"
AUTHORIZE, LOGIN, LOGOUT = "/v3/oauth2/authorize", "/v3/oauth2/login", "/v3/oauth2/logout"
ASKED = {"client_id": "web", "redirect_uri": CALLBACK, "response_type": "code", "state": "s&1"}
ENCODED = "https%3A%2F%2Fapp.example%2Fcb"


@pytest.fixture
async def web(standin):
    """Return a stand-in with a web application."""
    await make_client(standin, client_id="web", client_key="k", callback_url=CALLBACK, display_name="The <App>")
    return standin


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"client_id": None}, "Required query parameter client_id missing."),
        ({"client_id": ""}, "Required query parameter client_id missing."),
        ({"client_id": "zz"}, "Invalid client."),
        ({"response_type": None}, "Required query parameter response_type missing or not supported."),
        ({"response_type": "x"}, "Required query parameter response_type missing or not supported."),
        ({"response_type": "device_code"}, "Required query parameter response_type missing or not supported."),
        ({"redirect_uri": None}, "Required query parameter redirect_uri missing."),
        (
            {"redirect_uri": CALLBACK + "/"},
            "redirect_uri query parameter does not match the registered callback_url for the client.",
        ),
    ],
)
@pytest.mark.parametrize("known", [False, True])
async def test_what_a_web_application_must_ask(web, known, changed, message):
    """The checks in their order."""
    if known:
        await log_in(web)
    query = {name: value for name, value in {**ASKED, **changed}.items() if value is not None}
    refused(await web.http.get(AUTHORIZE, params=query), message)


async def test_an_unknown_client_ends_the_session(web):
    """At both pages (contract tapis 2.3, steps 2 and 3)."""
    for path in (AUTHORIZE, LOGIN):
        await log_in(web)
        refused(await web.http.get(path, params={"client_id": "zz"}), "Invalid client.")
        answer = await web.http.get(f"/v3/oauth2/device?client_id={CLI}")
        moved(answer, f"{AUTHORIZE}?client_id={CLI}")
    refused(await web.http.get(LOGIN), "Required query parameter client_id missing.")


async def test_the_way_to_the_consent_and_back(web):
    """Login, consent without a box for days, the registered callback."""
    answer = await web.http.get(AUTHORIZE, params=ASKED)
    moved(answer, f"{LOGIN}?client_id=web&redirect_uri={ENCODED}&state=s%261&response_type=code")
    url = answer.headers["location"]
    page = await web.http.get(url)
    hidden = {
        "client_id": "web",
        "client_redirect_uri": CALLBACK,
        "client_display_name": "The <App>",
        "client_state": "s&1",
        "client_response_type": "code",
    }
    assert (heading(page), fields(page)) == ("Log In", hidden)
    answer = await web.http.post(url, data={**hidden, "username": "testuser1", "password": "password1"})
    about = "client_display_name=The+%3CApp%3E&response_type=code"
    moved(answer, f"{AUTHORIZE}?client_id=web&redirect_uri={ENCODED}&state=s%261&{about}")
    page = await web.http.get(answer.headers["location"])
    assert (heading(page), fields(page), fields(page, "text")) == ("Connect to Tapis", hidden, {})
    assert "The &lt;App&gt; wants to use Tapis" in page.text
    answer = await web.http.post(AUTHORIZE, data={**fields(page), "approve": "true"})
    code = answer.headers["location"].partition("?code=")[2].partition("&")[0]
    moved(answer, f"{CALLBACK}?code={code}&state=s%261")
    assert len(code) == 40 and code.isalnum()


async def test_a_device_login_does_not_disturb_it(web):
    """A web application's own response type counts."""
    await web.http.get(f"/v3/oauth2/device?client_id={CLI}")
    query = {**ASKED, "state": "x"}
    moved(
        await web.http.get(AUTHORIZE, params=query),
        f"{LOGIN}?client_id=web&redirect_uri={ENCODED}&state=x&response_type=code",
    )


@pytest.mark.parametrize(
    ("username", "password", "error"),
    [
        ("", "password1", "Username is required."),
        ("testuser1", "", "Password is required."),
        ("", "", "Username is required."),
        ("testuser1", "s3cr3t", "Invalid username/password combination."),
        ("nobody", "password1", "Invalid username/password combination."),
        ("Testuser1", "password1", "Invalid username/password combination."),
    ],
)
async def test_a_login_that_fails(web, username, password, error):
    """The page again, with the error; nobody is logged in, and no password comes back."""
    page = await log_in(
        web, username=username, password=password, client_id="web", client_state="s", client_response_type="code"
    )
    assert (heading(page), errors(page)) == ("Log In", [f"Error: {error}"])
    told = page.text.replace(SEEDED, "")
    assert "s3cr3t" not in told and "password1" not in told
    expected = {
        "client_id": "web",
        "client_display_name": "The <App>",
        "client_state": "s",
        "client_response_type": "code",
    }
    assert fields(page) == {**expected, "client_redirect_uri": "None"}
    assert (await web.http.get(f"/v3/oauth2/device?client_id={CLI}")).status_code == 302


async def test_a_login_without_a_client(web):
    """The next stop is the one that has always been there (contract tapis 2.8)."""
    moved(await log_in(web), f"{AUTHORIZE}?response_type=code")
    page = await log_in(web, password="no")
    assert (heading(page), fields(page)["client_id"]) == ("Log In", "None")


async def test_the_logout(web):
    """Only the button logs out."""
    await log_in(web)
    page = await web.http.get(LOGOUT)
    assert heading(page) == "Log Out"
    assert "Are you sure you want to log out?" in page.text
    moved(await web.http.post(LOGOUT, data={}), "/v3/oauth2/webapp")
    assert heading(await web.http.get(f"/v3/oauth2/device?client_id={CLI}")) == "Enter User Code"
    moved(await web.http.post(LOGOUT, data={"logout": "true"}), "/v3/oauth2/webapp")
    assert (await web.http.get(f"/v3/oauth2/device?client_id={CLI}")).status_code == 302


async def test_the_logout_that_goes_on(web):
    """To https alone; a line break ends no header."""
    await log_in(web)
    moved(await web.http.get(LOGOUT, params={"redirect_url": "https://a.example/x?y=1"}), "https://a.example/x?y=1")
    assert (await web.http.get(f"/v3/oauth2/device?client_id={CLI}")).status_code == 302
    moved(await web.http.get(f"{LOGOUT}?redirect_url=https://a/%0d%0ax:y%C3%A9"), "https://a/%0D%0Ax:y%C3%A9")
    assert heading(await web.http.get(LOGOUT, params={"redirect_url": "http://a"})) == "Log Out"


@pytest.mark.parametrize(
    ("settings", "path", "told"),
    [
        ({}, f"{LOGIN}?client_id=web", True),
        ({"seed": "empty"}, f"{LOGIN}?client_id=web", False),
        (TENANTS, f"{OTHERS}{LOGIN}?client_id=othercli", False),
    ],
    ids=["standard seed", "empty seed", "a tenant with its own users"],
)
async def test_the_login_names_the_seeded_users(standin_for, settings, path, told):
    """Only where they can log in."""
    standin = await standin_for(**settings, oauth={"clients": [{"client_id": "web"}]})
    page = await standin.http.get(path)
    assert heading(page) == "Log In"
    assert (SEEDED in page.text) is told

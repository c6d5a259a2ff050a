"""POST /v3/oauth2/authorize: the decision (contract tapis 2.3 step 8, 2.8)."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from app.tapis.signatures import claims_of
from tests.oauth.driver import UNSEEN
from tests.tapis.driver import (
    CLI,
    bearing,
    begin,
    consent,
    enter,
    errors,
    fields,
    heading,
    log_in,
    make_client,
    moved,
    poll,
    refused,
)  # fmt: skip

GONE = "The device code is not waiting for a consent any more."
CALLBACK = "https://app.example/cb"
MONTH = 2_592_000


@pytest.fixture
async def flow(standin):
    """Return a flow whose code testuser1 has entered."""
    flow = await begin(standin)
    await log_in(standin)
    await enter(standin, flow)
    return flow


@pytest.mark.parametrize(
    ("days", "seconds"),
    [
        ("1", 86_400), (" 5 ", 432_000), ("100000", 8_640_000_000), (None, MONTH), ("", MONTH), (" ", MONTH),
        ("0", MONTH), ("-3", MONTH), ("30", MONTH),
    ],
)  # fmt: skip
async def test_the_days(standin, flow, days, seconds):
    """Days become seconds; what is no positive number leaves the default."""
    assert heading(await consent(standin, flow, ttl=days, always_allow="true")).startswith("Congrats!")
    found = (await poll(standin, flow)).json()["result"]["access_token"]
    assert found["expires_in"] == seconds
    assert claims_of(found["access_token"])["exp"] == standin.now + seconds


@pytest.mark.parametrize("days", ["abc", "1.5", "  ", "9" * 20, "9" * 5_000])
async def test_what_is_no_number_of_days(standin, flow, days):
    """The page again; nothing changes, and the consent may still come."""
    before = await standin.rows()
    page = await consent(standin, flow, ttl=days)
    assert (heading(page), errors(page)) == ("Connect to Tapis", ["Error: Please enter an integer"])
    assert fields(page)["user_code"] == flow["user_code"]
    assert await standin.rows() == before
    assert heading(await consent(standin, flow)).startswith("Congrats!")


@pytest.mark.parametrize("approve", [None, "", "false"])
async def test_without_approval(standin, flow, approve):
    """The page again; there is no denial: the code stays entered."""
    before = await standin.rows()
    page = await consent(standin, flow, approve=approve)
    told = f"Error: To proceed with authorization application {CLI}, you must approve the request."
    assert (heading(page), errors(page), fields(page, "text")) == ("Connect to Tapis", [told], {"ttl": "30"})
    assert await standin.rows() == before


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"client_id": None}, "client_id missing."),
        ({"client_id": ""}, "client_id missing."),
        ({"client_id": "zz"}, "Invalid client: zz"),
        ({"client_response_type": "x"}, "Unsupported response type: x"),
        ({"client_response_type": None}, "Unsupported response type: None"),
        ({"user_code": "AAAAaaaa"}, GONE),
        ({"user_code": ""}, GONE),
        ({"client_id": "device-public"}, GONE),
    ],
)
async def test_a_refusal(standin, flow, changed, message):
    """A 400, also where the real service fails with a 500, or lets another client's consent pass."""
    before = await standin.rows()
    refused(await consent(standin, flow, **changed), message)
    assert await standin.rows() == before


async def test_who_may_consent(standin, flow):
    """Who entered the code, nobody else: a deviation on purpose (contract tapis 6, 10)."""
    standin.http.cookies.clear()
    before = await standin.rows()
    refused(await consent(standin, flow), "username missing from session. Please login to continue.")
    await log_in(standin, username="testuser2", password="password2")
    refused(await consent(standin, flow), GONE)
    assert await standin.rows() == before


async def test_when_it_may_come(standin, flow):
    """Not before the code is entered, not twice, not when the token is fetched."""
    early = await begin(standin)
    refused(await consent(standin, early), GONE)
    await consent(standin, flow, ttl="1")
    before = await standin.rows()
    refused(await consent(standin, flow, ttl="2"), GONE)
    assert await standin.rows() == before
    assert (await poll(standin, flow)).json()["result"]["access_token"]["expires_in"] == 86_400
    refused(await consent(standin, flow), GONE)


async def test_a_consent_that_comes_second(standin, flow):
    """Between its reading and its writing somebody was faster."""
    one = standin.parts.store.one

    async def one_and_gone(statement, **parameters):
        found = await one(statement, **parameters)
        if "user_code" in parameters:
            standin.parts.modes.race = True
            await poll(standin, flow)
        return found

    standin.parts.store.one = one_and_gone
    refused(await consent(standin, flow), GONE)


async def test_the_session_forgets_the_device(standin, flow):
    """`device_login` leaves it: the next consent page is a web application's."""
    page = await standin.http.get(f"/v3/oauth2/authorize?client_id={CLI}&user_code={flow['user_code']}")
    assert heading(page) == "Connect to Tapis"
    await consent(standin, flow)
    answer = await standin.http.get(f"/v3/oauth2/authorize?client_id={CLI}")
    refused(answer, "Required query parameter response_type missing or not supported.")


async def test_a_code_for_a_web_application(standin):
    """To the registered callback, whatever the form says; no state is the text None."""
    await make_client(standin, client_id="web", callback_url=CALLBACK)
    await log_in(standin)
    form = {
        "client_id": "web",
        "client_response_type": "code",
        "approve": "true",
        "client_redirect_uri": "https://evil",
    }
    answer = await standin.http.post("/v3/oauth2/authorize", data=form)
    code = answer.headers["location"].partition("?code=")[2].partition("&")[0]
    moved(answer, f"{CALLBACK}?code={code}&state=None")
    assert code not in str(await standin.rows(*UNSEEN))


async def test_a_token_for_a_web_application(standin):
    """The implicit grant, in the query; no refresh token, and the token is good."""
    await make_client(standin, client_id="web", callback_url=CALLBACK)
    await log_in(standin)
    form = {"client_id": "web", "client_response_type": "token", "approve": "true", "client_state": "s"}
    answer = await standin.http.post("/v3/oauth2/authorize", data=form)
    location = urlsplit(answer.headers["location"])
    told = dict(parse_qsl(location.query))
    assert (answer.status_code, location._replace(query="").geturl()) == (302, CALLBACK)
    token = told.pop("access_token")
    assert told == {"state": "s", "expires_in": "14400", "token_type": "Bearer"}
    claims = claims_of(token)
    assert (claims["tapis/grant_type"], claims["tapis/client_id"]) == ("implicit", "web")
    assert "tapis/refresh_count" not in claims  # It stands beside a refresh token alone (contract tapis 3).
    answer = await standin.http.get("/v3/oauth2/userinfo", headers=bearing(token))
    assert answer.json()["result"]["username"] == "testuser1"


@pytest.mark.parametrize("response_type", ["code", "token"])
@pytest.mark.parametrize("client_id", ["bare", CLI])
async def test_a_client_without_a_callback(standin, client_id, response_type):
    """There is nowhere to send the browser: nothing is granted."""
    await make_client(standin, client_id="bare")
    await log_in(standin)
    before = await standin.rows()
    form = {"client_id": client_id, "client_response_type": response_type, "approve": "true"}
    refused(await standin.http.post("/v3/oauth2/authorize", data=form), "The client has no callback_url.")
    assert await standin.rows() == before


async def test_a_web_application_without_approval(standin):
    """The page again, without days, its fields kept."""
    await make_client(standin, client_id="web", callback_url=CALLBACK)
    await log_in(standin)
    form = {"client_id": "web", "client_response_type": "code", "client_state": "s"}
    page = await standin.http.post("/v3/oauth2/authorize", data=form)
    assert errors(page) == ["Error: To proceed with authorization application web, you must approve the request."]
    assert (fields(page)["client_state"], fields(page, "text")) == ("s", {})

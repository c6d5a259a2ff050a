"""The pages of the device flow (contract tapis 2.3): the whole walk, and the errors of steps 1, 5 and 6."""

import pytest

from tests.control.conftest import decide
from tests.tapis.driver import (
    CLI,
    OTHERS,
    TENANTS,
    begin,
    consent,
    enter,
    errors,
    fields,
    heading,
    log_in,
    moved,
    poll,
    refused,
)  # fmt: skip

DEVICE = "/v3/oauth2/device"
UNSET = dict.fromkeys(("client_redirect_uri", "client_state"), "None")
EMPTY = dict.fromkeys(
    ["client_id", "client_redirect_uri", "client_display_name", "client_state", "client_response_type"], ""
)


async def test_the_whole_walk(standin):
    """The eight steps, each form sent back as it came."""
    flow = await begin(standin)
    answer = await standin.http.get(f"{DEVICE}?client_id={CLI}")
    moved(answer, f"/v3/oauth2/authorize?client_id={CLI}")
    answer = await standin.http.get(answer.headers["location"])
    moved(answer, f"/v3/oauth2/login?client_id={CLI}&response_type=device_code")

    url = answer.headers["location"]
    page = await standin.http.get(url)
    assert heading(page) == "Log In"
    assert f"to continue to the {CLI}" in page.text
    hidden = fields(page)
    about = {"client_id": CLI, "client_display_name": CLI, "client_response_type": "device_code"}
    assert hidden == {**UNSET, **about}
    assert 'action=""' in page.text
    answer = await standin.http.post(url, data={**hidden, "username": "testuser1", "password": "password1"})
    where = f"client_id={CLI}&redirect_uri=None&state=None&client_display_name={CLI}&response_type=device_code"
    moved(answer, f"{DEVICE}?{where}")

    url = answer.headers["location"]
    page = await standin.http.get(url)
    assert (heading(page), fields(page), errors(page)) == ("Enter User Code", EMPTY, [])
    answer = await standin.http.post(url, data={**fields(page), "user_code": flow["user_code"]})
    where = f"client_id={CLI}&client_display_name={CLI}&response_type=device_code&user_code={flow['user_code']}"
    moved(answer, f"/v3/oauth2/authorize?{where}")

    url = answer.headers["location"]
    page = await standin.http.get(url)
    assert (heading(page), fields(page, "text")) == ("Connect to Tapis", {"ttl": "30"})
    wants = f"The {CLI} wants to use Tapis (TACC APIs) service to grant actions on behalf of testuser1."
    assert wants in page.text
    assert fields(page) == {**UNSET, **about, "user_code": flow["user_code"]}
    answer = await standin.http.post(url, data={**fields(page), "ttl": "3", "approve": "true"})
    assert heading(answer) == "Congrats! Device Code entered successfully. Please return to your application"
    made = (await poll(standin, flow)).json()["result"]["access_token"]
    assert made["expires_in"] == 3 * 86_400


@pytest.mark.parametrize("known", [False, True])
async def test_no_client(standin, known):
    """Step 1, logged in or not."""
    if known:
        await log_in(standin)
    page = await standin.http.get(DEVICE)
    assert (heading(page), errors(page)) == ("Enter User Code", ["Error: Invalid URL: client_id must be passed."])


async def test_a_code_that_is_none(standin_for):
    """Unknown, in other letters, another tenant's, the other dialect's, none, gone: nothing changes."""
    standin = await standin_for(**TENANTS)
    flow, denied, redeemed, rfc = (
        await begin(standin),
        await begin(standin),
        await begin(standin),
        await standin.begin(),
    )
    foreign = await begin(standin, "othercli", OTHERS)
    await decide(standin, denied, action="deny")
    await decide(standin, redeemed, action="approve", username="testuser1")
    await poll(standin, redeemed)
    await log_in(standin)
    before = await standin.rows()
    codes = ["", "AAAAaaaa", flow["user_code"].swapcase(), rfc["user_code"]]
    codes += [rfc["user_code"].replace("-", ""), denied["user_code"], redeemed["user_code"], foreign["user_code"]]
    for code in codes:
        refused(await enter(standin, {"user_code": code}), "Invalid code.")
    refused(await standin.http.post(DEVICE), "Invalid code.")
    answer = await standin.http.post(DEVICE, data={"user_code": "a\0"})
    refused(answer, "Invalid POST data: [DataError(a text holds a NUL)].")
    answer = await standin.raw(DEVICE, b"user_code=%zz")
    refused(answer, "Invalid POST data: [A percent sign is not followed by two hex digits].")
    refused(await standin.http.get(f"{DEVICE}?client_id=%00"), "Invalid GET data: [DataError(a text holds a NUL)]")
    assert await standin.rows() == before


@pytest.mark.parametrize("approved", [False, True])
async def test_a_code_that_was_entered(standin, approved):
    """Whatever came of it, by whomever."""
    flow = await begin(standin)
    await log_in(standin)
    await enter(standin, flow)
    if approved:
        await consent(standin, flow)
    await log_in(standin, username="testuser2", password="password2")
    before = await standin.rows()
    page = await enter(standin, flow)
    assert (heading(page), errors(page)) == ("Enter User Code", ["Error: Code not eligible to be entered"])
    assert await standin.rows() == before


async def test_an_expired_code_may_be_entered(standin):
    """It fails at its redemption."""
    flow = await begin(standin)
    standin.advance(5_000)
    await log_in(standin)
    await enter(standin, flow)
    await consent(standin, flow)
    refused(await poll(standin, flow), "device code has expired and is now deleted.")


async def test_who_has_not_logged_in(standin):
    """The way to the login, in place of the accidental 500; the code is not entered."""
    flow = await begin(standin)
    before = await standin.rows()
    answer = await standin.http.post(f"{DEVICE}?client_id={CLI}", data={"user_code": flow["user_code"]})
    moved(answer, f"/v3/oauth2/login?client_id={CLI}&response_type=device_code")
    page = await enter(standin, flow)
    assert (heading(page), errors(page)) == ("Enter User Code", ["Error: Invalid URL: client_id must be passed."])
    assert await standin.rows("oauth_secrets") == {
        name: rows for name, rows in before.items() if name != "oauth_secrets"
    }


async def test_a_parameter_that_is_there_twice(standin):
    """The first one counts, as in Flask."""
    answer = await standin.http.get(f"{DEVICE}?client_id={CLI}&client_id=zz")
    moved(answer, f"/v3/oauth2/authorize?client_id={CLI}")
    flow = await begin(standin)
    await log_in(standin)
    form = f"user_code={flow['user_code']}&user_code=AAAAaaaa"
    where = f"client_id={CLI}&client_display_name={CLI}&response_type=device_code&user_code={flow['user_code']}"
    moved(await standin.raw(DEVICE, form.encode()), f"/v3/oauth2/authorize?{where}")


async def test_the_client_of_the_code_counts(standin_for):
    """The consent is for the code's own client, one that the tenant does not know by its id."""
    standin = await standin_for(**TENANTS)
    flow = await begin(standin, "othercli")
    await log_in(standin)
    answer = await standin.http.post(f"{DEVICE}?client_id={CLI}", data={"user_code": flow["user_code"]})
    where = f"client_id=othercli&client_display_name=othercli&response_type=device_code&user_code={flow['user_code']}"
    moved(answer, f"/v3/oauth2/authorize?{where}")

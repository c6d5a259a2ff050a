"""POST /v3/oauth2/tokens: every error of contract tapis 2.4 in its order, and what each grant hands out."""

import asyncio

import pytest

from app.tapis import token_request
from app.tapis.signatures import claims_of, signed
from tests.oauth.driver import FORM
from tests.oauth.driver import refused as refused_by_rfc
from tests.tapis.driver import (
    CLI,
    NOT_VALID,
    OTHERS,
    PASSWORD,
    TENANTS,
    access,
    ask,
    basic,
    bearing,
    begin,
    log_in,
    make_client,
    poll,
    refused,
    result_of,
    tokens,
)  # fmt: skip

PATH = "/v3/oauth2/tokens"
MYCID = basic("mycid", "mykey")
CALLBACK = "https://app.example/cb"
WRONG = "Invalid username/password combination."
NO_PASSWORD = "Missing required payload data; username and password are required for the password grant type."


def no_client(client_id, key="***"):
    """Return the words of row 7; the key is not repeated, a deviation on purpose."""
    return f"Invalid client credentials: {client_id}, {key}. session: <SecureCookieSession {{}}>"


@pytest.fixture
async def web(standin):
    """Return a stand-in with a client that has a callback."""
    await make_client(standin, client_id="mycid", client_key="mykey", callback_url=CALLBACK)
    return standin


async def code_of(standin):
    """Return an authorization code of the client mycid."""
    await log_in(standin, client_id="mycid")
    form = {"client_id": "mycid", "client_response_type": "code", "approve": "true", "client_state": "s"}
    answer = await standin.http.post("/v3/oauth2/authorize", data=form)
    return answer.headers["location"].partition("code=")[2].partition("&")[0]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "Missing the required grant_type parameter."),
        ({"grant_type": ""}, "Missing the required grant_type parameter."),
        ({"grant_type": "password"}, NO_PASSWORD),
        ({"grant_type": "password", "username": "testuser1"}, NO_PASSWORD),
        ({"grant_type": "password", "password": "password1"}, NO_PASSWORD),
        ({**PASSWORD, "password": "wrong-one"}, WRONG),
        ({**PASSWORD, "username": "nobody"}, WRONG),
        ({**PASSWORD, "username": "Testuser1"}, WRONG),
        ({**PASSWORD, "username": "testuser1 "}, WRONG),
        ({**PASSWORD, "client_id": "mycid"}, no_client("mycid", None)),
        ({**PASSWORD, "client_id": "mycid", "client_key": "s3cr3t"}, no_client("mycid")),
        ({**PASSWORD, "client_id": CLI, "client_key": ""}, no_client(CLI, None)),
        ({**PASSWORD, "client_id": CLI, "client_key": "x"}, no_client(CLI)),
        ({**PASSWORD, "username": "a\0"}, "Invalid POST data: [DataError(a text holds a NUL)]."),
        ({**PASSWORD, "client_id": "no", "client_secret": "s3cr3t"}, no_client("no")),
        ({**PASSWORD, "client_key": "s3cr3t"}, no_client(None)),
        ({"grant_type": "password", "client_id": "no"}, no_client("no", None)),
        ({"grant_type": "implicit"}, no_client(None, None)),
        ({"grant_type": "refresh_token"}, no_client(None, None)),
        ({"grant_type": "authorization_code"}, no_client(None, None)),
        ({"grant_type": "device_code"}, "Required client_id parameter missing."),
        ({"grant_type": "device_code", "device_code": "x"}, "Required client_id parameter missing."),
        ({"grant_type": "device_code", "client_id": CLI}, "Required device_code parameter missing."),
        ({"grant_type": "device_code", "client_id": CLI, "device_code": "x"}, NOT_VALID),
    ],
)
async def test_a_refusal(standin, members, message):
    """In the documented words; nothing is stored, no secret comes back."""
    before = await standin.rows()
    answer = await ask(standin, **members)
    refused(answer, message)
    assert "s3cr3t" not in answer.text
    assert await standin.rows() == before


@pytest.mark.parametrize("grant_type", ["client_credentials", "urn:ietf:params:oauth:grant-type:device_code"])
async def test_an_unknown_grant(standin, grant_type):
    """The URN of RFC 8628 is unknown too."""
    refused(
        await ask(standin, grant_type=grant_type),
        f"Invalid grant_type ({grant_type}); this grant type is not allowed for this tenant. Allowable grant types: "
        "['password', 'implicit', 'authorization_code', 'refresh_token', 'device_code']",
    )


@pytest.mark.parametrize(
    ("kind", "shown"),
    [(None, ""), ("text/plain", "text/plain"), ("multipart/form-data; boundary=x", "multipart/form-data")],
)
async def test_another_media_type(standin, kind, shown):
    """Also none at all, where the real service fails with a 500 (contract tapis 6, 10)."""
    refused(
        await standin.raw(PATH, b'{"grant_type": "password"}', kind),
        f"Invalid POST data: [MediaTypeNotFound(mimetype='{shown}', availableMimetypes=['application/json', '{FORM}'])].",
    )


async def test_a_form(web):
    """It is read too, but for the device code (contract tapis 2.4.1)."""
    answer = await web.http.post(PATH, data={**PASSWORD, "unknown": "x"})
    assert list(result_of(answer, "Token created successfully.")) == ["access_token"]
    flow = await begin(web)
    form = {"grant_type": "device_code", "client_id": CLI, "device_code": flow["device_code"]}
    refused(await web.http.post(PATH, data=form), "Required device_code parameter missing.")
    answer = await web.raw(PATH, b"grant_type=%zz")
    refused(answer, "Invalid POST data: [A percent sign is not followed by two hex digits].")


async def test_where_a_client_shows_itself(web):
    """In a Basic header, or in the body under either name; garbage in Authorization counts as no header."""
    shown = [
        (MYCID, {}),
        (MYCID, {"client_id": "x", "client_key": "y"}),
        ({}, {"client_id": "mycid", "client_key": "mykey"}),
        ({}, {"client_id": "mycid", "client_secret": "mykey"}),
        *[
            ({"authorization": garbage}, {"client_id": "mycid", "client_key": "mykey"})
            for garbage in ("Bearer x", "Basic", "Basic !!", "Basic /w==", "Basic bm9jb2xvbg==", "x")
        ],
    ]
    for headers, members in shown:
        result = await tokens(web, headers=headers, **members)
        assert claims_of(result["access_token"]["access_token"])["tapis/client_id"] == "mycid"
        assert list(result) == ["access_token", "refresh_token"]
    refused(await ask(web, headers=basic("mycid", "s3cr3t"), **PASSWORD), no_client("mycid"))
    refused(await ask(web, headers=basic("", ""), **PASSWORD), no_client(""))


async def test_an_inactive_client_keeps_working(web):
    """The flag is not looked at."""
    await web.http.delete("/v3/oauth2/clients/mycid", headers=bearing(await access(web)))
    assert list(await tokens(web, headers=MYCID)) == ["access_token", "refresh_token"]


async def test_a_listed_grant_that_is_not_handled(web):
    """The last row of the table."""
    refused(await ask(web, headers=MYCID, grant_type="implicit"), "Invalid grant_type")


async def test_a_refresh(web):
    """New tokens with the tenant's lifetime and one more on the count; the old one stays good (no rotation)."""
    first = await tokens(web, headers=MYCID)
    old = first["refresh_token"]["refresh_token"]
    for _ in range(2):
        made = await tokens(web, headers=MYCID, grant_type="refresh_token", refresh_token=old)
        claims = claims_of(made["access_token"]["access_token"])
        assert (claims["tapis/grant_type"], claims["tapis/refresh_count"]) == ("refresh_token", 1)
        assert (claims["tapis/username"], claims["tapis/client_id"]) == ("testuser1", "mycid")
        assert made["access_token"]["expires_in"] == 14_400
    newest = await tokens(
        web,
        grant_type="refresh_token",
        refresh_token=made["refresh_token"]["refresh_token"],
        client_id="mycid",
        client_key="mykey",
    )
    assert claims_of(newest["access_token"]["access_token"])["tapis/refresh_count"] == 2


async def test_a_refresh_after_a_reset(web):
    """The tenant has no key then, and none is made to look at a token: it is refused, and everybody is served on."""
    first = await tokens(web, headers=MYCID)
    old = first["refresh_token"]["refresh_token"]
    (await web.http.post("/_standin/reset")).raise_for_status()
    assert (await web.rows())["oauth_signing_keys"] == []
    async with asyncio.timeout(30):
        seeded = basic("testclient1", "secret1")
        refused(await ask(web, headers=seeded, grant_type="refresh_token", refresh_token=old), "Invalid refresh_token.")
        assert (await web.rows())["oauth_signing_keys"] == []
        assert list(await tokens(web, **PASSWORD)) == ["access_token"]


async def test_refusals_of_a_refresh(web):
    """Rows b to f; nothing is stored."""
    await make_client(web, client_id="second", client_key="key2")
    made = await tokens(web, headers=MYCID)
    refresh, short = made["refresh_token"]["refresh_token"], made["access_token"]["access_token"]
    bare = {name: value for name, value in claims_of(refresh).items() if name != "tapis/access_token"}
    [bare] = await signed(web.parts.signing, "tapis/dev", [bare])
    before = await web.rows()
    for token, message in (
        (None, "Required refresh_token parameter missing."),
        ("", "Required refresh_token parameter missing."),
        ("garbage", "Invalid refresh_token."),
        (refresh[:-6] + "AAAAAA", "Invalid refresh_token."),
        (
            short,
            (
                "Invalid token type. The refresh_token grant type required a token of type refresh. "
                "Instead a token of type access was passed."
            ),
        ),
        (bare, "Invalid refresh_token format; this token was missing the access_token claim."),
    ):
        members = {} if token is None else {"refresh_token": token}
        refused(await ask(web, headers=MYCID, grant_type="refresh_token", **members), message)
    refused(
        await ask(web, headers=basic("mycid", "no"), grant_type="refresh_token", refresh_token=refresh),
        no_client("mycid"),
    )
    refused(
        await ask(web, headers=basic("second", "key2"), grant_type="refresh_token", refresh_token=refresh),
        "client_id from header (second) does not match the client_id in the token claim (mycid).",
    )
    assert await web.rows() == before
    web.advance(31_536_000)
    refused(await ask(web, headers=MYCID, grant_type="refresh_token", refresh_token=refresh), "Invalid refresh_token.")


async def test_an_authorization_code(web):
    """Forty characters, one use, a token with the callback in it, kept by its refreshes."""
    code = await code_of(web)
    assert len(code) == 40 and code.isalnum()
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    made = await tokens(web, headers=MYCID, **asked)
    claims = claims_of(made["access_token"]["access_token"])
    assert (claims["tapis/grant_type"], claims["tapis/redirect_uri"]) == ("authorization_code", CALLBACK)
    assert (claims["tapis/username"], made["access_token"]["expires_in"]) == ("testuser1", 14_400)
    refused(await ask(web, headers=MYCID, **asked), "authorization code not valid.")
    token = made["refresh_token"]["refresh_token"]
    again = await tokens(web, headers=MYCID, grant_type="refresh_token", refresh_token=token)
    assert claims_of(again["access_token"]["access_token"])["tapis/redirect_uri"] == CALLBACK


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"redirect_uri": ""}, "Required redirect_uri parameter missing."),
        (
            {"redirect_uri": "https://x"},
            "Invalid redirect_uri parameter: does not match callback URL registered with client.",
        ),
        ({"code": ""}, "Required authorization_code parameter missing."),
        ({"code": "unknown"}, "authorization code not valid."),
    ],
)
async def test_refusals_of_an_authorization_code(web, changed, message):
    """Rows b to e; the code stays good."""
    asked = {"grant_type": "authorization_code", "code": await code_of(web), "redirect_uri": CALLBACK}
    before = await web.rows()
    refused(await ask(web, headers=MYCID, **{**asked, **changed}), message)
    refused(await ask(web, headers=basic("mycid", "no"), **asked), no_client("mycid"))
    assert await web.rows() == before
    await tokens(web, headers=MYCID, **asked)


async def test_a_code_of_another_client(web):
    """It is not valid, and not used up."""
    await make_client(web, client_id="second", client_key="key2", callback_url=CALLBACK)
    asked = {"grant_type": "authorization_code", "code": await code_of(web), "redirect_uri": CALLBACK}
    refused(await ask(web, headers=basic("second", "key2"), **asked), "authorization code not valid.")
    await tokens(web, headers=MYCID, **asked)


@pytest.mark.parametrize(("seconds", "good"), [(606, True), (606.001, False)])
async def test_the_age_of_a_code(web, seconds, good):
    """Ten minutes and six seconds of grace."""
    asked = {"grant_type": "authorization_code", "code": await code_of(web), "redirect_uri": CALLBACK}
    web.advance(seconds)
    if good:
        await tokens(web, headers=MYCID, **asked)
    else:
        refused(await ask(web, headers=MYCID, **asked), "authorization code has expired.")


async def test_of_racing_uses_of_a_code_one_wins(standin_for, tmp_path):
    """Twenty at once, on disk."""
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    await make_client(standin, client_id="mycid", client_key="mykey", callback_url=CALLBACK)
    asked = {"grant_type": "authorization_code", "code": await code_of(standin), "redirect_uri": CALLBACK}
    answers = await asyncio.gather(*(ask(standin, headers=MYCID, **asked) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19


async def test_a_use_of_a_code_that_comes_second(web, monkeypatch):
    """Between its reading and its writing another process was faster: no token."""
    asked = {"grant_type": "authorization_code", "code": await code_of(web), "redirect_uri": CALLBACK}
    use_code = token_request.use_code

    async def use_after_another(transaction, code_hash, grant_id):
        assert await use_code(transaction, code_hash, grant_id)
        return await use_code(transaction, code_hash, grant_id)

    before = await web.rows()
    monkeypatch.setattr(token_request, "use_code", use_after_another)
    refused(await ask(web, headers=MYCID, **asked), "authorization code not valid.")
    assert await web.rows() == before


async def test_the_users_and_clients_of_a_tenant(standin_for):
    """Each tenant has its own: what is right in one is wrong in the other."""
    standin = await standin_for(**TENANTS)
    carol = {"username": "carol", "password": "carolpass"}
    made = await tokens(standin, OTHERS, basic("othercli", "otherkey"), **carol)
    claims = claims_of(made["access_token"]["access_token"])
    assert (claims["iss"], claims["sub"]) == ("http://standin/tenants/other/v3/tokens", "carol@other")
    refused(await ask(standin, **{**PASSWORD, **carol}), WRONG)
    refused(await ask(standin, OTHERS, **PASSWORD), WRONG)
    refused(await ask(standin, "", basic("othercli", "otherkey"), **PASSWORD), no_client("othercli"))
    refresh = {"grant_type": "refresh_token", "refresh_token": made["refresh_token"]["refresh_token"]}
    await make_client(standin, client_id="mycid", client_key="mykey")
    refused(await ask(standin, "", MYCID, **refresh), "Invalid refresh_token.")
    await tokens(standin, OTHERS, basic("othercli", "otherkey"), **refresh)


async def test_the_two_dialects_do_not_take_each_others_codes(standin):
    """A device code is good where it was made."""
    tapis, rfc = await begin(standin), await standin.begin()
    before = await standin.rows("oauth_failures")
    refused(await poll(standin, rfc, "device-public"), NOT_VALID)
    refused_by_rfc(await standin.poll(tapis, CLI), 400, "invalid_grant")
    assert await standin.rows("oauth_failures") == before

"""POST /v3/oauth2/tokens/revoke (contract tapis 2.5)."""

import pytest

from app.tapis.signatures import claims_of
from tests.oauth.driver import FORM
from tests.tapis.driver import OTHERS, TENANTS, access, ask, basic, bearing, make_client, refused, tokens, told

PATH = "/v3/oauth2/tokens/revoke"
PREFIX = "Invalid POST data; could not validate the token: debug data: "


async def revoke(standin, token, base=""):
    """Revoke a token; the header's token is ignored."""
    return await standin.http.post(f"{base}{PATH}", json={"token": token}, headers=bearing("garbage"))


async def test_an_access_token(standin):
    """It is refused from then on, and its revocation may be repeated; others stay."""
    token, other = await access(standin), await access(standin)
    for _ in range(2):
        told(await revoke(standin, token), f"Token {claims_of(token)['jti']} has been revoked.")
    refused(await standin.http.get("/v3/oauth2/userinfo", headers=bearing(token)), "Invalid Tapis token.")
    assert (await standin.http.get("/v3/oauth2/userinfo", headers=bearing(other))).status_code == 200


async def test_a_refresh_token(standin):
    """It gets no more tokens; its access token stays."""
    await make_client(standin, client_id="mycid", client_key="mykey")
    made = await tokens(standin, headers=basic("mycid", "mykey"))
    token = made["refresh_token"]["refresh_token"]
    for _ in range(2):
        told(await revoke(standin, token), f"Token {claims_of(token)['jti']} has been revoked.")
    answer = await ask(standin, headers=basic("mycid", "mykey"), grant_type="refresh_token", refresh_token=token)
    refused(answer, "Invalid refresh_token.")
    headers = bearing(made["access_token"]["access_token"])
    assert (await standin.http.get("/v3/oauth2/userinfo", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("sent", "kind", "message"),
    [
        ("token=x", FORM, "Unable to parse message payload; is it JSON?"),
        ("", "application/json", "Unable to parse message payload; is it JSON?"),
        ("[]", "application/json", "Unable to parse message payload; is it JSON?"),
        ("[" * 5_000, "application/json", "Unable to parse message payload; is it JSON?"),
        ("{}", "application/json", "Invalid POST data; the token is missing."),
        ('{"token": 5}', "application/json", "Invalid POST data; the token is missing."),
        ('{"token": ""}', "application/json", "No Tapis access token found in the request."),
        ('{"token": "x"}', "application/json", f"{PREFIX}Could not parse the Tapis access token.."),
    ],
)
async def test_a_refusal(standin, sent, kind, message):
    """A 400 also where the real service fails with a 500; nothing changes."""
    before = await standin.rows()
    refused(await standin.raw(PATH, sent.encode(), kind), message)
    assert await standin.rows() == before


async def test_a_token_that_is_not_good(standin_for):
    """Expired, wrongly signed, another tenant's: told in the words of the check."""
    standin = await standin_for(**TENANTS)
    token = await access(standin)
    before = await standin.rows("oauth_signing_keys")
    refused(await revoke(standin, token[:-6] + "AAAAAA"), f"{PREFIX}Invalid Tapis token..")
    refused(
        await revoke(standin, token, OTHERS),
        f"{PREFIX}The tenant_id claim in the token, dev does not match the URL tenant, other..",
    )
    standin.advance(14_400)
    refused(await revoke(standin, token), f"{PREFIX}Invalid Tapis token..")
    assert await standin.rows("oauth_signing_keys") == before

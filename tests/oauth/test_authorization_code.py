"""The authorization code grant with PKCE (RFC 6749 4.1.3, RFC 7636): what a code is good for, and how often."""

import base64
import hashlib

import pytest
from authlib.oauth2.rfc6749 import InvalidGrantError

from app.oauth.authorization_code import AuthorizationCode, StoredCode
from app.oauth.exchange import Exchange
from app.oauth.issuers import Issuer
from app.oauth.server import in_transaction
from tests.oauth.driver import BASE, CONFIDENTIAL, EVERY_SCOPE, PUBLIC, SECRET, UNSEEN, basic, refused, unique

BACK = "http://localhost:1/back"
VERIFIER = "a-verifier-of-at-least-forty-three-characters.~"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": PUBLIC,
    "redirect_uri": BACK,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def code_for(standin, issuer="", **changed):
    """Walk through the pages and return the code."""
    asked = {name: value for name, value in {**ASKED, **changed}.items() if value is not None}
    return (await standin.authorized(issuer=issuer, **asked))["code"]


async def redeemed(standin, code, issuer="", **changed):
    """Exchange a code."""
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    sent = {"client_id": PUBLIC, "code_verifier": VERIFIER, **asked, **changed}
    return await standin.post("/oauth2/token", issuer=issuer, **sent)


async def test_a_code_is_exchanged(standin):
    """The members of RFC 6749 5.1, and the nonce of the request in the id_token (row ID-03)."""
    answer = await redeemed(standin, await code_for(standin, nonce="n-1", state="s"))
    body = unique(answer.text)
    assert body == {
        "access_token": body["access_token"],
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": body["refresh_token"],
        "scope": EVERY_SCOPE,
        "id_token": body["id_token"],
    }
    assert (await standin.verified(body["id_token"]))[1]["nonce"] == "n-1"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")


async def test_the_way_back(standin):
    """The code, the state as it was, and who issued it (RFC 6749 4.1.2, RFC 9207)."""
    back = await standin.authorized(**ASKED, state="a b&c=é")
    assert back == {"code": back["code"], "state": "a b&c=é", "iss": BASE}
    assert len(back["code"]) == 43


async def test_the_way_back_of_a_denial(standin):
    """The error of RFC 6749 4.1.2.1, and no code is stored."""
    back = await standin.authorized(decision="deny", **ASKED, state="s")
    assert {name: back[name] for name in ("error", "state", "iss")} == {
        "error": "access_denied",
        "state": "s",
        "iss": BASE,
    }
    assert (await standin.rows())["oauth_authorization_codes"] == []


async def test_scope_and_resource_are_granted_as_asked(standin):
    """Both stand in the access token (rows AT-05, AT-06)."""
    code = await code_for(standin, scope="profile", resource="https://api.example/")
    tokens = (await redeemed(standin, code)).json()
    _, claims = await standin.verified(tokens["access_token"])
    assert (tokens["scope"], claims["scope"], claims["aud"]) == ("profile", "profile", "https://api.example/")


async def test_a_replayed_code_takes_its_tokens_along(standin):
    """RFC 6749 4.1.2: the second use is refused, and what the first one got is revoked."""
    code = await code_for(standin)
    tokens = (await redeemed(standin, code)).json()
    refused(await redeemed(standin, code), 400, "invalid_grant")
    assert await standin.introspect(tokens["access_token"]) == {"active": False}
    refused(await standin.refresh(tokens), 400, "invalid_grant")


async def test_a_code_lives_for_a_minute(standin):
    """RFC 6749 4.1.2 allows ten."""
    late, in_time = await code_for(standin), await code_for(standin)
    standin.advance(59.9)
    assert (await redeemed(standin, in_time)).status_code == 200
    standin.advance(0.1)
    before = await standin.rows()
    refused(await redeemed(standin, late), 400, "invalid_grant")
    assert await standin.rows() == before


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": ""}, "invalid_request"),
        ({"code": None}, "invalid_request"),
        ({"redirect_uri": "http://localhost:2/back"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"client_id": "tapis_cli"}, "invalid_grant"),
        ({"client_id": CONFIDENTIAL, "client_secret": SECRET}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"code_verifier": VERIFIER[::-1]}, "invalid_grant"),
        ({"code_verifier": CHALLENGE}, "invalid_grant"),
        ({"issuer": "a"}, "invalid_grant"),
    ],
)
async def test_a_wrong_exchange(standin, changed, error):
    """Whatever does not fit: the RFC's error, nothing changed, and the code is still good."""
    code = await code_for(standin)
    before = await standin.rows(*UNSEEN)
    refused(await redeemed(standin, **{"code": code, **changed}), 400, error)
    assert await standin.rows(*UNSEEN) == before
    assert (await redeemed(standin, code)).status_code == 200


async def test_a_confidential_client_may_do_without_a_challenge(standin):
    """A verifier that nobody asked for is refused then (RFC 9700 4.8)."""
    without = {"client_id": CONFIDENTIAL, "code_challenge": None, "code_challenge_method": None}
    code = await code_for(standin, **without)
    named = {"client_id": None, "headers": basic(CONFIDENTIAL, SECRET)}
    refused(await redeemed(standin, code, client_id=CONFIDENTIAL, code_verifier=None), 401, "invalid_client")
    refused(await redeemed(standin, code, **named), 400, "invalid_request")
    assert (await redeemed(standin, code, **named, code_verifier=None)).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "short"},
    ],
)
async def test_a_public_client_needs_a_challenge(standin, changed):
    """With S256, which every client can (RFC 9700 2.1.1); the error goes back to the client."""
    asked = {name: value for name, value in {**ASKED, **changed}.items() if value is not None}
    answer = await standin.http.get("/oauth2/authorize", params=asked)
    assert answer.status_code == 303
    assert "error=invalid_request" in answer.headers["location"]
    assert (await standin.rows())["oauth_authorization_codes"] == []


async def test_the_redirect_may_be_left_out_where_there_is_one(standin_for):
    """The registered one is taken, and need not be named at the exchange (RFC 6749 3.1.2.3, 4.1.3)."""
    standin = await standin_for(oauth={"clients": [{"client_id": "other", "redirect_uris": (BACK,)}]})
    code = await code_for(standin, client_id="other", redirect_uri=None)
    assert (await redeemed(standin, code, client_id="other", redirect_uri=None)).status_code == 200


async def test_a_code_is_stored_as_its_hash(standin):
    """Who reads the database learns nothing that can be used."""
    code = await code_for(standin)
    assert code not in str(await standin.rows())


async def test_a_client_that_may_not_use_codes(standin_for):
    """RFC 6749 5.2 (row OA-11)."""
    standin = await standin_for(oauth={"clients": [{"client_id": "other", "grant_types": ("refresh_token",)}]})
    refused(await redeemed(standin, "any", client_id="other"), 400, "unauthorized_client")


async def test_a_code_that_somebody_else_has_taken_meanwhile(standin):
    """What a request has read may be old: the database decides who is first."""
    await code_for(standin)
    (row,) = (await standin.rows())["oauth_authorization_codes"]

    def work(server):
        grant = AuthorizationCode(None, server)
        first = grant.authenticate_user(StoredCode(row))
        with pytest.raises(InvalidGrantError):
            grant.authenticate_user(StoredCode(row))
        return first

    exchange = Exchange(standin.parts, Issuer("", BASE), {"headers": []}, None)
    assert await in_transaction(exchange, work) == "testuser1"
    assert len((await standin.rows())["oauth_grants"]) == 1

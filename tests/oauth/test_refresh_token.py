"""The refresh token grant (RFC 6749 6): who may use it, for which scope, how often."""

import asyncio

import pytest

from tests.oauth.driver import CONFIDENTIAL, DEVICE_CODE, EVERY_SCOPE, PUBLIC, SECRET, UNSEEN, basic, refused, unique


async def test_a_refresh(standin):
    """New tokens of the same grant, all members of RFC 6749 5.1 (rows OA-17, OA-18, X-02)."""
    first = await standin.tokens()
    answer = await standin.refresh(first)
    second = unique(answer.text)
    assert second == {
        "access_token": second["access_token"],
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": second["refresh_token"],
        "scope": EVERY_SCOPE,
        "id_token": second["id_token"],
    }
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert not {first[name] for name in ("access_token", "refresh_token")} & set(second.values())
    assert len((await standin.rows())["oauth_grants"]) == 1
    assert (await standin.introspect(second["access_token"]))["active"] is True


async def test_a_refreshed_id_token(standin):
    """Issuer, subject, audience and the time of the login stay; the time of issue is new (row ID-05)."""
    first = await standin.tokens()
    standin.advance(1000)
    second = (await standin.refresh(first)).json()
    (_, before), (_, after) = [await standin.verified(tokens["id_token"]) for tokens in (first, second)]
    same = ("iss", "sub", "aud", "auth_time")
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    assert (before["iat"], after["iat"]) == (standin.now - 1000, standin.now)


async def test_a_narrower_scope(standin):
    """The new access token has less; the refresh token keeps the whole scope (row OA-17)."""
    tokens = await standin.tokens()
    narrow = (await standin.refresh(tokens, scope="email")).json()
    assert (narrow["scope"], "id_token" in narrow) == ("email", False)
    assert (await standin.introspect(narrow["access_token"]))["scope"] == "email"
    whole = (await standin.refresh(narrow)).json()
    assert whole["scope"] == EVERY_SCOPE


@pytest.mark.parametrize("scope", ["", " ", None])
async def test_no_scope_means_the_whole_one(standin, scope):
    """As RFC 6749 6 says."""
    assert (await standin.refresh(await standin.tokens(), scope=scope)).json()["scope"] == EVERY_SCOPE


async def test_the_scope_of_the_answer_is_a_list_of_words(standin):
    """One blank between them and none twice (RFC 6749 3.3)."""
    tokens = await standin.tokens()
    assert (await standin.refresh(tokens, scope="email  openid email ")).json()["scope"] == "email openid"


@pytest.mark.parametrize("scope", ["openid profile", "profile", "nonsense", "OPENID"])
async def test_a_wider_scope(standin, scope):
    """It is refused, and the refresh token can still be used (rows OA-12, OA-17)."""
    tokens = await standin.tokens(scope="openid")
    before = await standin.rows()
    refused(await standin.refresh(tokens, scope=scope), 400, "invalid_scope")
    assert await standin.rows() == before
    assert (await standin.refresh(tokens)).status_code == 200


async def test_reuse_ends_the_whole_grant(standin):
    """A used token that comes back takes along all that was issued, the thief's and the client's (row OA-18)."""
    first = await standin.tokens()
    second = (await standin.refresh(first)).json()
    refused(await standin.refresh(first), 400, "invalid_grant")
    refused(await standin.refresh(second), 400, "invalid_grant")
    for tokens in (first, second):
        assert await standin.introspect(tokens["access_token"]) == {"active": False}
        assert await standin.introspect(tokens["refresh_token"]) == {"active": False}
        assert (await standin.userinfo(tokens["access_token"])).status_code == 401


async def test_reuse_leaves_other_grants_alone(standin):
    """The same client and user may have several."""
    other, first = await standin.tokens(), await standin.tokens()
    await standin.refresh(first)
    refused(await standin.refresh(first), 400, "invalid_grant")
    assert (await standin.introspect(other["access_token"]))["active"] is True
    assert (await standin.refresh(other)).status_code == 200


async def test_two_refreshes_at_once(standin):
    """One wins; the other one is a reuse (row OA-18)."""
    tokens = await standin.tokens()
    answers = await asyncio.gather(*[standin.refresh(tokens) for _ in range(10)])
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 9]
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert await standin.introspect(won["access_token"]) == {"active": False}


async def test_without_rotation(standin_for):
    """The token is good again and again, and none comes along (row OA-18: switchable)."""
    standin = await standin_for(oauth={"rotate_refresh_tokens": False})
    tokens = await standin.tokens()
    answers = [(await standin.refresh(tokens)).json() for _ in range(3)]
    assert [set(answer) for answer in answers] == [
        {"access_token", "token_type", "expires_in", "scope", "id_token"}
    ] * 3
    assert (await standin.introspect(tokens["refresh_token"]))["active"] is True


async def test_another_client(standin):
    """The token is bound to its client, which keeps it (rows OA-17, TK-15)."""
    tokens = await standin.tokens()
    before = await standin.rows()
    for other in ("tapis_cli", CONFIDENTIAL):
        refused(await standin.refresh(tokens, other), 400, "invalid_grant")
    assert await standin.rows() == before
    assert (await standin.refresh(tokens)).status_code == 200


async def test_another_client_cannot_end_a_grant(standin):
    """A used token in foreign hands is no reuse by its client."""
    first = await standin.tokens()
    second = (await standin.refresh(first)).json()
    refused(await standin.refresh(first, "tapis_cli"), 400, "invalid_grant")
    assert (await standin.refresh(second)).status_code == 200


@pytest.mark.parametrize(("begun_at", "used_at"), [("a", "b"), ("a", ""), ("", "a")])
async def test_another_issuer(standin, begun_at, used_at):
    """A token of another issuer is unknown, and stays good where it belongs."""
    tokens = await standin.tokens(issuer=begun_at)
    before = await standin.rows(*UNSEEN)
    refused(await standin.refresh(tokens, issuer=used_at), 400, "invalid_grant")
    assert await standin.rows(*UNSEEN) == before
    assert (await standin.refresh(tokens, issuer=begun_at)).status_code == 200


async def test_what_is_no_refresh_token(standin):
    """Unknown, an access token, a device code, nothing."""
    flow, tokens = await standin.begin(), await standin.tokens()
    for text in ("unknown", tokens["access_token"], flow["device_code"], "é"):
        refused(await standin.refresh(text), 400, "invalid_grant")
    refused(await standin.refresh(""), 400, "invalid_request")
    assert (await standin.refresh(tokens)).status_code == 200


async def test_an_expired_refresh_token(standin_for):
    """In the second of its end, which introspection tells, not before; a refresh begins a new lifetime."""
    standin = await standin_for(oauth={"refresh_token_ttl": 60})
    first = await standin.tokens()
    standin.advance(59.7)
    second = (await standin.refresh(first)).json()
    standin.advance(59.1)
    refused(await standin.refresh(second), 400, "invalid_grant")


async def test_an_expired_token_that_was_used_ends_nothing(standin_for):
    """It is refused all the same."""
    standin = await standin_for(oauth={"refresh_token_ttl": 60})
    first = await standin.tokens()
    standin.advance(30)
    second = (await standin.refresh(first)).json()
    standin.advance(30)
    refused(await standin.refresh(first), 400, "invalid_grant")
    assert (await standin.refresh(second)).status_code == 200


async def test_a_confidential_client_authenticates(standin):
    """Without its secret or with a wrong one the token is not used up (row OA-17)."""
    tokens = await standin.tokens(CONFIDENTIAL)
    before = await standin.rows(*UNSEEN)
    refused(await standin.refresh(tokens, CONFIDENTIAL, client_secret=None), 401, "invalid_client")
    refused(await standin.refresh(tokens, CONFIDENTIAL, client_secret="wrong"), 401, "invalid_client")
    refused(await standin.refresh(tokens, None), 400, "invalid_request")
    assert await standin.rows(*UNSEEN) == before
    assert (await standin.refresh(tokens, None, headers=basic(CONFIDENTIAL, SECRET))).status_code == 200


async def test_a_client_that_may_not_refresh(standin_for):
    """It has no such token, and another's does not help it (row OA-11)."""
    standin = await standin_for(oauth={"clients": [{"client_id": "other", "grant_types": (DEVICE_CODE,)}]})
    tokens = await standin.tokens(PUBLIC)
    refused(await standin.refresh(tokens, "other"), 400, "unauthorized_client")
    assert (await standin.refresh(tokens)).status_code == 200


async def test_a_refresh_token_tells_nothing(standin):
    """256 random bits, stored as their hash alone."""
    tokens = await standin.tokens()
    assert len(tokens["refresh_token"]) == 43
    assert tokens["refresh_token"] not in str(await standin.rows())

"""Authlib's OAuth2Session, which polls when it is told to."""

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from tests.clients.drive import APPROVE, DENY, DEVICE_CODE, EXPIRE, SCOPE, TOKEN_MEMBERS, verified
from tests.clocks import standing_clock


@pytest.fixture
def public():
    """Return a session of a client without a secret."""
    with OAuth2Session("device-public", scope=SCOPE, token_endpoint_auth_method="none") as session:
        yield session


@pytest.fixture
def confidential():
    """Return a session of a client that authenticates by Basic."""
    with OAuth2Session("testclient1", "secret1", scope=SCOPE) as session:
        yield session


def ask(session, metadata):
    """Send the device authorization request, for which Authlib has no method of its own."""
    url, authentication = (
        metadata["device_authorization_endpoint"],
        session.client_auth(session.token_endpoint_auth_method),
    )
    answer = session.post(url, data={"scope": session.scope}, auth=authentication)
    answer.raise_for_status()
    return answer.json()


def poll(session, metadata, asked):
    """Ask for the tokens once."""
    return session.fetch_token(
        metadata["token_endpoint"], grant_type=DEVICE_CODE, device_code=asked["device_code"], scope=None
    )


def refused_poll(session, metadata, asked):
    """Poll once and return the error that the server answers."""
    with pytest.raises(OAuthError) as refused:
        poll(session, metadata, asked)
    return refused.value.error


def test_logs_in(public, metadata, control):
    """It waits, is approved, gets tokens whose signature holds, and reads the user's claims with them."""
    asked = ask(public, metadata)
    assert refused_poll(public, metadata, asked) == "authorization_pending"
    control.decide(asked["user_code"], APPROVE)

    token = poll(public, metadata, asked)

    assert token.keys() - {"expires_at"} == TOKEN_MEMBERS
    assert (token["token_type"], token["scope"]) == ("Bearer", SCOPE)
    assert verified(metadata, token["id_token"], "device-public")["sub"] == "testuser1"
    assert public.get(metadata["userinfo_endpoint"]).json()["sub"] == "testuser1"


def test_is_denied(public, metadata, control):
    """A denial reaches it, and stays."""
    asked = ask(public, metadata)
    control.decide(asked["user_code"], DENY)

    assert [refused_poll(public, metadata, asked) for _ in range(2)] == ["access_denied", "access_denied"]


def test_meets_an_expiry(public, metadata, control):
    """It is told that its code has expired, however often it asks."""
    asked = ask(public, metadata)
    control.decide(asked["user_code"], EXPIRE)

    assert [refused_poll(public, metadata, asked) for _ in range(2)] == ["expired_token", "expired_token"]


def test_is_slowed_down(public, metadata, control, http):
    """Its second poll comes at once and is too early; an approval ends the waiting all the same."""
    asked, answers = ask(public, metadata), ["authorization_pending", "slow_down"]
    with standing_clock(http):
        assert [refused_poll(public, metadata, asked) for _ in range(2)] == answers
    assert control.judged(asked["user_code"]) == ("hasty", answers)
    control.decide(asked["user_code"], APPROVE)

    assert poll(public, metadata, asked)["scope"] == SCOPE


def test_refreshes_introspects_and_revokes(confidential, metadata, control):
    """With a secret it refreshes, sees its token alive, revokes it and sees it dead; the old refresh token is none."""
    asked = ask(confidential, metadata)
    control.decide(asked["user_code"], APPROVE)
    first = poll(confidential, metadata, asked)

    second = confidential.refresh_token(metadata["token_endpoint"], refresh_token=first["refresh_token"])
    alive = introspected(confidential, metadata, second["access_token"])
    revocation = confidential.revoke_token(metadata["revocation_endpoint"], token=second["refresh_token"])
    dead = introspected(confidential, metadata, second["access_token"])

    assert first["refresh_token"] != second["refresh_token"]
    assert (alive["active"], alive["username"], alive["client_id"]) == (True, "testuser1", "testclient1")
    assert revocation.status_code == 200
    assert dead == {"active": False}
    with pytest.raises(OAuthError) as refused:
        confidential.refresh_token(metadata["token_endpoint"], refresh_token=second["refresh_token"])
    assert refused.value.error == "invalid_grant"


def introspected(session, metadata, token):
    """Return what the server says of a token."""
    return session.introspect_token(metadata["introspection_endpoint"], token=token).json()

"""oauthlib's DeviceClient under requests-oauthlib, which builds the requests and leaves the loop to its user."""

from urllib.parse import urlsplit

import pytest
from oauthlib.oauth2 import DeviceClient, InvalidGrantError, OAuth2Error
from requests_oauthlib import OAuth2Session

from tests.clients.drive import APPROVE, DENY, EXPIRE, SCOPE, TOKEN_MEMBERS, verified


@pytest.fixture
def session(monkeypatch):
    """Return a session of a public client that is allowed plain http, as its documentation tells for tests."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with OAuth2Session(client=DeviceClient("device-public", scope=SCOPE)) as session:
        yield session


def query_uri(session, metadata):
    """Return the device authorization request as DeviceClient builds it: its parameters stand in the URI."""
    return session._client.prepare_request_uri(metadata["device_authorization_endpoint"])


def ask(session, http, metadata):
    """Send the same request with its parameters in the body, where RFC 8628 3.1 wants them."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    query = urlsplit(query_uri(session, metadata)).query
    answer = http.post(metadata["device_authorization_endpoint"], content=query, headers=form)
    return answer.raise_for_status().json()


def poll(session, metadata, asked):
    """Ask for the tokens once."""
    return session.fetch_token(metadata["token_endpoint"], device_code=asked["device_code"], include_client_id=True)


def refused_poll(session, metadata, asked):
    """Poll once and return the error that the server answers."""
    with pytest.raises(OAuth2Error) as refused:
        poll(session, metadata, asked)
    return refused.value.error


def test_parameters_in_the_query_are_explained(session, http, metadata):
    """The request as DeviceClient builds it is refused in words that tell what to do, and no flow begins (X-13)."""
    before = http.get("/_standin/device").json()

    answer = http.post(query_uri(session, metadata))

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert "Parameters belong in the body" in answer.json()["error_description"]
    assert http.get("/_standin/device").json() == before


def test_logs_in(session, http, metadata, control):
    """It waits, is approved, gets the scope it has asked for, and reads the user's claims."""
    asked = ask(session, http, metadata)
    assert refused_poll(session, metadata, asked) == "authorization_pending"
    control.decide(asked["user_code"], APPROVE)

    token = poll(session, metadata, asked)

    assert token.keys() - {"expires_at"} == TOKEN_MEMBERS
    assert token["scope"] == SCOPE.split()
    assert verified(metadata, token["id_token"], "device-public")["sub"] == "testuser1"
    assert session.get(metadata["userinfo_endpoint"]).json()["sub"] == "testuser1"


def test_is_denied(session, http, metadata, control):
    """A denial reaches it."""
    asked = ask(session, http, metadata)
    control.decide(asked["user_code"], DENY)

    assert refused_poll(session, metadata, asked) == "access_denied"


def test_meets_an_expiry(session, http, metadata, control):
    """It is told that its code has expired."""
    asked = ask(session, http, metadata)
    control.decide(asked["user_code"], EXPIRE)

    assert refused_poll(session, metadata, asked) == "expired_token"


def test_refreshes_and_revokes(session, http, metadata, control):
    """It refreshes with rotation, and what it has revoked refreshes no more."""
    asked = ask(session, http, metadata)
    control.decide(asked["user_code"], APPROVE)
    first = poll(session, metadata, asked)["refresh_token"]

    second = session.refresh_token(metadata["token_endpoint"], first, client_id="device-public")["refresh_token"]
    uri, headers, body = session._client.prepare_token_revocation_request(
        metadata["revocation_endpoint"], second, "refresh_token", client_id="device-public"
    )
    revocation = http.post(uri, content=body, headers=headers)

    assert first != second
    assert revocation.status_code == 200
    with pytest.raises(InvalidGrantError):
        session.refresh_token(metadata["token_endpoint"], second, client_id="device-public")

"""requests-oauth2client with its own polling job."""

import pytest
from requests_oauth2client import (
    AccessDenied,
    DeviceAuthorizationPollingJob,
    ExpiredToken,
    InvalidGrant,
    OAuth2Client,
)

from tests.clients.drive import APPROVE, DENY, EXPIRE, PATIENT, SCOPE


def client_of(metadata, *credentials):
    """Return a client that is allowed plain http; its own discovery forgets the device authorization endpoint."""
    names = (
        "token_endpoint", "device_authorization_endpoint", "revocation_endpoint", "introspection_endpoint",
        "userinfo_endpoint", "jwks_uri", "issuer",
    )  # fmt: skip
    return OAuth2Client(
        **{name: metadata[name] for name in names},
        auth=credentials if len(credentials) == 2 else credentials[0],
        testing=True,
    )


@pytest.fixture
def client(metadata):
    """Return a client with a secret."""
    with client_of(metadata, "testclient1", "secret1") as client:
        yield client


def test_logs_in(client, control):
    """Its job polls after the interval, hears that it has to wait, polls again and has the tokens."""
    asked = client.authorize_device(scope=SCOPE)
    job = DeviceAuthorizationPollingJob(client, asked)
    assert job() is None
    control.decide(asked.user_code, APPROVE)

    token = job()

    assert (token.token_type, token.scope, token.id_token.sub) == ("Bearer", SCOPE, "testuser1")
    assert client.userinfo(token)["sub"] == "testuser1"
    assert control.judged(asked.user_code) == PATIENT


def test_slows_down(slowing, control):
    """Told so, its job waits five seconds longer from then on."""
    with client_of(slowing, "device-public") as client:
        job = DeviceAuthorizationPollingJob(client, asked := client.authorize_device(scope=SCOPE))

        assert job() is None
        assert job.interval == 1 + 5
    assert control.judged(asked.user_code) == ("correct", ["slow_down"])


def test_is_denied(client, control):
    """Its job ends with AccessDenied."""
    asked = client.authorize_device(scope=SCOPE)
    control.decide(asked.user_code, DENY)

    with pytest.raises(AccessDenied):
        DeviceAuthorizationPollingJob(client, asked)()


def test_meets_an_expiry(client, control):
    """Its job, which would poll for ever, ends with ExpiredToken because the server remembers the flow (X-07)."""
    asked = client.authorize_device(scope=SCOPE)
    control.decide(asked.user_code, EXPIRE)

    with pytest.raises(ExpiredToken):
        DeviceAuthorizationPollingJob(client, asked)()


def test_refreshes_introspects_and_revokes(client, control):
    """It refreshes, sees its token alive, revokes it and sees it dead; the revoked refresh token is none."""
    asked = client.authorize_device(scope=SCOPE)
    control.decide(asked.user_code, APPROVE)
    first = client.device_code(asked)

    second = client.refresh_token(first)
    alive = client.introspect_token(second.access_token)
    revoked = client.revoke_refresh_token(second)
    dead = client.introspect_token(second.access_token)

    assert first.refresh_token != second.refresh_token
    assert (alive["active"], alive["username"], alive["scope"]) == (True, "testuser1", SCOPE)
    assert revoked is True
    assert dead == {"active": False}
    with pytest.raises(InvalidGrant):
        client.refresh_token(second)


def test_a_public_client_logs_in(metadata, control):
    """A client id alone is enough."""
    with client_of(metadata, "device-public") as client:
        asked = client.authorize_device(scope=SCOPE)
        control.decide(asked.user_code, APPROVE)

        assert client.device_code(asked).scope == SCOPE

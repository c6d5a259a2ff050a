"""google-auth's Credentials, which begin with a refresh token."""

import httpx
import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials

from tests.clients.drive import APPROVE, DENY, DEVICE_CODE, EXPIRE, SCOPE

SECRET = {"client_id": "testclient1", "client_secret": "secret1"}


@pytest.fixture
def transport():
    """Return the library's transport over requests."""
    request = Request()
    yield request
    request.session.close()


@pytest.fixture
def asked(http, metadata):
    """Begin a device flow, for which the library has nothing."""
    return http.post(metadata["device_authorization_endpoint"], data={**SECRET, "scope": SCOPE}).json()


def poll(http: httpx.Client, metadata, asked):
    """Ask for the tokens once."""
    data = {**SECRET, "grant_type": DEVICE_CODE, "device_code": asked["device_code"]}
    return http.post(metadata["token_endpoint"], data=data).json()


def credentials(metadata, refresh_token):
    """Return credentials that have a refresh token alone."""
    uri, scopes = metadata["token_endpoint"], SCOPE.split()
    return Credentials(None, refresh_token=refresh_token, token_uri=uri, scopes=scopes, **SECRET)


def test_refreshes_with_rotation(http, metadata, control, asked, transport):
    """It takes over the new refresh token each time, so that it can refresh for ever."""
    control.decide(asked["user_code"], APPROVE)
    first = poll(http, metadata, asked)["refresh_token"]
    held = credentials(metadata, first)

    held.refresh(transport)
    second = held.refresh_token
    held.refresh(transport)

    assert len({first, second, held.refresh_token}) == 3
    assert held.valid
    assert held.granted_scopes == SCOPE.split()
    bearer = {"authorization": f"Bearer {held.token}"}
    assert http.get(metadata["userinfo_endpoint"], headers=bearer).json()["sub"] == "testuser1"


def test_a_reused_refresh_token_ends_the_family(http, metadata, control, asked, transport):
    """A copy that kept the old refresh token is refused, and then the one that rotated it is refused too (OA-18)."""
    control.decide(asked["user_code"], APPROVE)
    first = poll(http, metadata, asked)["refresh_token"]
    held, copy = credentials(metadata, first), credentials(metadata, first)
    held.refresh(transport)

    for refused in (copy, held):
        with pytest.raises(RefreshError) as error:
            refused.refresh(transport)
        assert error.value.args[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("decision", "error"), [(DENY, "access_denied"), (EXPIRE, "expired_token")], ids=["denied", "expired"]
)
def test_gets_no_refresh_token(http, metadata, control, asked, transport, decision, error):
    """A flow that was denied or has expired has none, and what a device holds instead is refused."""
    control.decide(asked["user_code"], decision)

    assert poll(http, metadata, asked)["error"] == error
    with pytest.raises(RefreshError) as refused:
        credentials(metadata, asked["device_code"]).refresh(transport)
    assert refused.value.args[1]["error"] == "invalid_grant"

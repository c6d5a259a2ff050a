"""MSAL with `oidc_authority`, which wants https and a path behind the host, and polls at once (X-06, X-09, X-10)."""

import msal
import pytest

from tests.clients.drive import APPROVE, DENY, EXPIRE, PATIENT, Control, http_client


@pytest.fixture
def control(tls_server):
    """Return the control plane of the server that speaks TLS."""
    with http_client(tls_server) as http:
        yield Control(http)


@pytest.fixture
def application(tls_server, issuer_path, monkeypatch):
    """Return an application that trusts the stand-in's authority; MSAL's discovery runs here."""
    # MSAL's own `verify=` would give way to this variable where a machine sets it.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls_server.authority))
    made = msal.PublicClientApplication("device-public", oidc_authority=tls_server.url + issuer_path)
    yield made
    made.http_client.close()


def log_in(application, control, decision):
    """Walk the flow as MSAL's users do, decided after the first poll; return what the blocking call returns, and the verdict."""
    flow = application.initiate_device_flow(scopes=["email"])
    with control.deciding(flow["user_code"], decision, polls=1):
        return application.acquire_token_by_device_flow(flow), control.judged_however_slow(flow["user_code"])


def test_logs_in_and_refreshes(application, control):
    """It gets an id_token that it accepts, keeps the account, and refreshes silently."""
    token, verdict = log_in(application, control, APPROVE)
    [account] = application.get_accounts()
    fresh = application.acquire_token_silent_with_error(["email"], account, force_refresh=True)

    assert verdict == PATIENT
    assert token["id_token_claims"]["sub"] == "testuser1"
    assert token["id_token_claims"]["iss"] == str(application.authority._oidc_authority_url)
    assert set(token["scope"].split()) == {"openid", "profile", "offline_access", "email"}
    assert token["token_source"] == fresh["token_source"] == "identity_provider"
    assert token["access_token"] != fresh["access_token"]


def test_is_denied(application, control):
    """A denial ends its loop."""
    refused, verdict = log_in(application, control, DENY)

    assert refused["error"] == "access_denied"
    assert verdict == ("correct", ["authorization_pending", "access_denied"])
    assert application.get_accounts() == []


def test_meets_an_expiry(application, control):
    """An expiry ends its loop before its own time is over."""
    refused, verdict = log_in(application, control, EXPIRE)

    assert refused["error"] == "expired_token"
    assert verdict == ("correct", ["authorization_pending", "expired_token"])
    assert application.get_accounts() == []


def test_plain_http_is_refused_by_the_client(server):
    """It refuses plain http itself, which is why the stand-in serves TLS."""
    with pytest.raises(ValueError, match="should consist of an https url"):
        msal.PublicClientApplication("device-public", oidc_authority=f"{server.url}/issuers/plain")

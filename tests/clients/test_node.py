"""openid-client, with a loop of its own, and oauth4webapi, the functions below it: both under Node."""

import pytest

from tests.clients.drive import APPROVE, DENY, EXPIRE, PATIENT, SCOPE, TOKEN_MEMBERS, Control, http_client, node

pytestmark = [pytest.mark.system("nodejs", "node"), pytest.mark.system("npm", "npm")]

PUBLIC = {"client_id": "device-public", "scope": SCOPE}
SECRET = {"client_id": "testclient1", "client_secret": "secret1", "scope": SCOPE}
ALIVE = {"active": True, "client_id": "testclient1", "username": "testuser1", "scope": SCOPE}
GONE = {"error": "invalid_grant", "status": 400}

both = pytest.mark.parametrize("script", ["openid_client.mjs", "oauth4webapi.mjs"])


@both
def test_a_public_client_logs_in(script, issuer, control):
    """By OpenID discovery below a named issuer: pending, approved, userinfo, refreshed, revoked."""
    with node(script, issuer=issuer, algorithm="oidc", **PUBLIC) as client:
        code = client.asked["user_code"]
        control.wait_for_polls(code, 1)
        control.decide(code, APPROVE)
        told = client.ended()

    assert control.judged_however_slow(code) == PATIENT
    assert told["tokens"].keys() == TOKEN_MEMBERS
    assert (told["tokens"]["token_type"], told["tokens"]["scope"]) == ("bearer", SCOPE)
    assert (told["claims"]["iss"], told["claims"]["aud"]) == (issuer, "device-public")
    assert told["claims"]["sub"] == told["userinfo"]["sub"] == "testuser1"
    assert told["refreshed"]["refresh_token"] != told["tokens"]["refresh_token"]
    assert told["afterwards"] == GONE


@both
def test_a_confidential_client_logs_in(script, server, control):
    """By RFC 8414 discovery at the issuer without a path: its token is introspected before and after revocation."""
    with node(script, issuer=server.url, algorithm="oauth2", **SECRET) as client:
        control.decide(client.asked["user_code"], APPROVE)
        told = client.ended()

    assert told["claims"]["iss"] == told["alive"]["iss"] == server.url
    assert {name: told["alive"][name] for name in ALIVE} == ALIVE
    assert told["dead"] == {"active": False}
    assert told["afterwards"] == GONE


def test_a_resource_server_accepts_the_access_token(issuer, control):
    """oauth4webapi validates it as RFC 9068 4 says, by RFC 8414 discovery with the issuer's path behind."""
    with node("oauth4webapi.mjs", issuer=issuer, algorithm="oauth2", **PUBLIC) as client:
        control.decide(client.asked["user_code"], APPROVE)
        access = client.ended()["access"]

    assert (access["iss"], access["aud"], access["sub"]) == (issuer, issuer, "testuser1")
    assert (access["client_id"], access["scope"]) == ("device-public", SCOPE)


@both
def test_is_denied(script, issuer, control):
    """A denial ends its loop."""
    with node(script, issuer=issuer, algorithm="oidc", **PUBLIC) as client:
        code = client.asked["user_code"]
        control.decide(code, DENY)

        assert client.ended() == {"error": "access_denied", "status": 400}
        verdict, answers = control.judged_however_slow(code)
        assert (verdict, answers) in [
            ("correct", [*waits, "access_denied"]) for waits in ([], ["authorization_pending"])
        ]


@both
def test_meets_an_expiry(script, issuer, control):
    """An expiry ends its loop before its own time is over."""
    with node(script, issuer=issuer, algorithm="oidc", **PUBLIC) as client:
        code = client.asked["user_code"]
        control.decide(code, EXPIRE)

        assert client.ended() == {"error": "expired_token", "status": 400}
        verdict, answers = control.judged_however_slow(code)
        assert (verdict, answers) in [
            ("correct", [*waits, "expired_token"]) for waits in ([], ["authorization_pending"])
        ]


@both
def test_logs_in_over_tls(script, tls_server, issuer_path):
    """Over https it needs no permission, only the authority that the stand-in has made."""
    trust = {"NODE_EXTRA_CA_CERTS": str(tls_server.authority)}
    issuer = tls_server.url + issuer_path
    with http_client(tls_server) as http, node(script, trust, issuer=issuer, algorithm="oidc", **PUBLIC) as client:
        Control(http).decide(client.asked["user_code"], APPROVE)

        assert client.ended()["claims"]["iss"] == issuer

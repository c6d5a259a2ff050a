"""The metadata (RFC 8414, RFC 8628 4, OpenID Connect Discovery 3), and that it promises nothing that does not work."""

import pytest

from tests.oauth.driver import BASE, CONFIDENTIAL, DEVICE_CODE, PUBLIC, SECRET, basic, prefix, unique

OAUTH, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
ADDRESSES = [
    (OAUTH, ""),
    (OPENID, ""),
    (f"{OAUTH}/issuers/a", "a"),
    (f"{OPENID}/issuers/a", "a"),
    (f"/issuers/a{OAUTH}", "a"),
    (f"/issuers/a{OPENID}", "a"),
]


def document(url):
    """Return the whole document of an issuer."""
    return {
        "issuer": url,
        "authorization_endpoint": f"{url}/oauth2/authorize",
        "token_endpoint": f"{url}/oauth2/token",
        "device_authorization_endpoint": f"{url}/oauth2/device_authorization",
        "revocation_endpoint": f"{url}/oauth2/revoke",
        "introspection_endpoint": f"{url}/oauth2/introspect",
        "userinfo_endpoint": f"{url}/oauth2/userinfo",
        "jwks_uri": f"{url}/oauth2/jwks",
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [DEVICE_CODE, "refresh_token", "authorization_code"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash"),
            *("preferred_username", "name", "email", "email_verified"),
        ],
    }


@pytest.mark.parametrize(("path", "issuer"), ADDRESSES)
async def test_the_document(standin, path, issuer):
    """Both documents, an issuer's path behind the well-known part and before it (rows MD-01 to MD-10, MD-13, X-11)."""
    answer = await standin.http.get(path)
    body = unique(answer.text)
    assert body == document(f"{BASE}{prefix(issuer)}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert [] not in body.values()


@pytest.mark.parametrize("host", ["standin", "standin:8080", "127.0.0.1:3000", "[::1]:3000", "STANDIN.example"])
async def test_the_issuer_follows_the_host(standin, host):
    """To the letter, without a slash more or less (rows MD-03, MD-12, X-08)."""
    for path, issuer in ADDRESSES:
        answer = await standin.http.get(path, headers={"host": host})
        assert answer.json() == document(f"http://{host}{prefix(issuer)}")


async def test_the_issuer_can_be_fixed(standin_for):
    """Whatever the Host says (row MD-12); tokens carry it too."""
    standin = await standin_for(oauth={"issuer": "https://login.example/base"})
    for headers in ({}, {"host": "other"}, {"host": "!"}):
        answer = await standin.http.get(OAUTH, headers=headers)
        assert answer.json() == document("https://login.example/base")
        answer = await standin.http.get(f"{OAUTH}/issuers/a", headers=headers)
        assert answer.json() == document("https://login.example/base/issuers/a")
    _, claims = await standin.verified((await standin.tokens())["id_token"])
    assert claims["iss"] == "https://login.example/base"


async def test_the_issuer_is_the_one_of_the_tokens(standin):
    """And of what the tokens are told to be by introspection (rows MD-03, ID-02)."""
    for issuer in ("", "a"):
        url = (await standin.http.get(f"{prefix(issuer)}{OPENID}")).json()["issuer"]
        tokens = await standin.tokens(issuer=issuer)
        for name in ("access_token", "id_token"):
            assert (await standin.verified(tokens[name], issuer))[1]["iss"] == url
        assert (await standin.introspect(tokens["access_token"], issuer=issuer))["iss"] == url


@pytest.mark.parametrize(
    "path", [f"{OAUTH}/", f"{OAUTH}/a", f"{OAUTH}/issuers", f"{OAUTH}/issuers/", f"{OAUTH}/issuers/a/b"]
)
async def test_an_address_that_is_none(standin, path):
    """Nothing is found there."""
    assert (await standin.http.get(path)).status_code == 404


@pytest.mark.parametrize("issuer", ["", "a"])
async def test_every_address_answers(standin, issuer):
    """As it is advertised: by the method of its RFC, and not with 404 or 5xx (rows MD-09, MD-11)."""
    told = (await standin.http.get(f"{prefix(issuer)}{OAUTH}")).json()
    by_get = ("authorization_endpoint", "userinfo_endpoint", "jwks_uri")
    found = {name: (await standin.http.get(told[name])).status_code for name in by_get}
    assert found == {"authorization_endpoint": 400, "userinfo_endpoint": 401, "jwks_uri": 200}
    by_post = [name for name in told if name.endswith("_endpoint") and name not in by_get]
    found = {name: (await standin.http.post(told[name])).status_code for name in by_post}
    assert found == {
        "token_endpoint": 400,
        "device_authorization_endpoint": 400,
        "revocation_endpoint": 400,
        "introspection_endpoint": 401,
    }


async def test_every_way_to_authenticate_works(standin):
    """Each method that is named, at each endpoint that names it (rows MD-08, MD-11, OA-05)."""
    told = (await standin.http.get(OAUTH)).json()
    tokens = await standin.tokens(CONFIDENTIAL)
    public = await standin.tokens(PUBLIC)
    shown = {
        "client_secret_basic": ({}, basic(CONFIDENTIAL, SECRET), tokens),
        "client_secret_post": ({"client_id": CONFIDENTIAL, "client_secret": SECRET}, {}, tokens),
        "none": ({"client_id": PUBLIC}, {}, public),
    }
    for method in told["introspection_endpoint_auth_methods_supported"]:
        form, headers, own = shown[method]
        answer = await standin.post("/oauth2/introspect", token=own["access_token"], headers=headers, **form)
        assert answer.json()["active"] is True
    for method in told["token_endpoint_auth_methods_supported"]:
        form, headers, own = shown[method]
        asked = {"grant_type": "refresh_token", "refresh_token": own["refresh_token"], **form}
        answer = await standin.post("/oauth2/token", headers=headers, **asked)
        assert answer.status_code == 200
        own["refresh_token"] = answer.json()["refresh_token"]
    for method in told["revocation_endpoint_auth_methods_supported"]:
        form, headers, own = shown[method]
        answer = await standin.post("/oauth2/revoke", token=own["access_token"], headers=headers, **form)
        assert answer.status_code == 200


async def test_every_grant_and_scope_works(standin):
    """Those of the device flow and of the refresh here, the code's in test_authorization_code.py (rows MD-05, MD-11)."""
    told = (await standin.http.get(OAUTH)).json()
    for scope in told["scopes_supported"]:
        assert (await standin.tokens(scope=scope))["scope"] == scope
    tokens = await standin.tokens(scope=" ".join(told["scopes_supported"]), nonce="n")
    assert (await standin.refresh(tokens)).status_code == 200
    _, claims = await standin.verified(tokens["id_token"])
    assert set(claims) == set(told["claims_supported"])

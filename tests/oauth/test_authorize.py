"""The authorization endpoint (RFC 6749 4.1, RFC 7636, RFC 9207, OpenID Connect Core 3.1.2): its pages and its redirects."""

import base64
import hashlib

import pytest

from tests.oauth.driver import CONFIDENTIAL, PUBLIC, SECRET, prefix, refused
from tests.oauth.forms import Page, Person, redirected

BACK = "http://127.0.0.1:8765/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B, as its challenge below
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ASKED = {
    "client_id": PUBLIC,
    "response_type": "code",
    "redirect_uri": BACK,
    "scope": "openid profile",
    "state": "a b&c",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
REGISTERED = {
    "clients": [{"client_id": "web", "client_name": "The web page", "redirect_uris": ["https://web.test/cb?a=b"]}]
}


def asked(**changed):
    """Return the parameters of a request; None leaves one out."""
    return {name: value for name, value in {**ASKED, **changed}.items() if value is not None}


async def consent(standin, **changed):
    """Return somebody who has logged in and looks at the consent page."""
    person = Person(standin)
    await person.open("/oauth2/authorize", **asked(**changed))
    page = await person.press("Sign in", username="testuser1", password="password1")
    assert (page.status, page.heading) == (200, "Approve this application?")
    return person


async def code_of(standin, **changed):
    """Return a new authorization code."""
    person = await consent(standin, **changed)
    return redirected(await person.press("Approve"))[1]["code"]


async def fetch(standin, code, issuer="", **changed):
    """Redeem a code."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": PUBLIC}
    return await standin.post("/oauth2/token", issuer=issuer, **{**form, "code_verifier": VERIFIER, **changed})


def test_the_challenge_is_the_verifiers():
    """As RFC 7636 4.2 makes it."""
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == CHALLENGE


async def test_the_whole_way(standin):
    """Login, consent, back with code, state and iss; the code with its verifier gets the tokens (RFC 6749 4.1)."""
    person = Person(standin)
    page = await person.open("/oauth2/authorize", **asked(nonce="n0nce"))
    assert (page.status, page.heading) == (200, "Sign in")
    assert "to continue to device-public" in page.text
    await person.press("Sign in", username="testuser1", password="password1")
    standin.advance(7)
    where, told = redirected(await person.press("Approve"))
    assert (where, told) == (BACK, {"code": told["code"], "state": "a b&c", "iss": "http://standin"})
    answer = await fetch(standin, told["code"])
    assert (answer.status_code, answer.json()["scope"]) == (200, "openid profile")
    _, claims = await standin.verified(answer.json()["id_token"])
    expected = ("testuser1", "n0nce", PUBLIC, standin.now - 7)
    assert (claims["sub"], claims["nonce"], claims["aud"], claims["auth_time"]) == expected


async def test_the_consent_page(standin):
    """Client, scopes, who is signed in, and where the browser goes; no word of devices."""
    person = await consent(standin, scope="openid email")
    assert person.page.text == (
        "TMS stand-in Approve this application? D device-public "
        "It wants to Know who you are openid See your email address email "
        "Whatever you choose, your browser goes on to 127.0.0.1:8765. "
        "Approve Deny Signed in as testuser1 Sign out A server for tests. Never enter a real password here."
    )


async def test_a_live_session_is_asked_for_consent_alone(standin):
    """And always, so that a GET gives no code away."""
    person = Person(standin)
    await person.log_in()
    page = await person.open("/oauth2/authorize", **asked())
    assert (page.status, page.heading) == (200, "Approve this application?")
    assert (await standin.rows())["oauth_authorization_codes"] == []


async def test_denied(standin):
    """Back with access_denied, state and iss, without a code (RFC 6749 4.1.2.1)."""
    person = await consent(standin)
    where, told = redirected(await person.press("Deny"))
    assert where == BACK
    assert told.pop("error_description")
    assert told == {"error": "access_denied", "state": "a b&c", "iss": "http://standin"}
    assert (await standin.rows())["oauth_authorization_codes"] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"redirect_uri": None},
        {"redirect_uri": "http://evil.example/cb"},
        {"redirect_uri": "https://127.0.0.1/cb"},
        {"redirect_uri": "http://127.0.0.1:9/cb#fragment"},
        {"redirect_uri": "http://localhost@evil.example/"},
        {"redirect_uri": "http://evil.example\\@localhost/"},
        {"redirect_uri": "http://localhost/\r\nX-Evil: 1"},
        {"redirect_uri": 'http://localhost/"'},
        {"redirect_uri": "http://localhost/ä"},
        {"redirect_uri": "http://[::1/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "my.app:/cb"},
        {"redirect_uri": "//127.0.0.1/cb"},
        {"response_type": 'to"ken'},
    ],
)
async def test_nobody_is_sent_where_it_is_not_safe(standin, changed):
    """A page of status 400, for strangers and for people with a session, and no redirect (RFC 6749 4.1.2.1)."""
    stranger, known = Person(standin), Person(standin)
    await known.log_in()
    for person in (stranger, known):
        page = await person.open("/oauth2/authorize", **asked(**changed))
        assert (page.status, "location" in page.answer.headers) == (400, False)
        assert page.alert.endswith(".")
        assert not page.alert.endswith("..")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"scope": "openid everything"}, "invalid_scope"),
        ({"scope": "OPENID"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"resource": "no-uri"}, "invalid_target"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
    ],
)
async def test_errors_go_back_to_the_client(standin, changed, error):
    """With state and iss, before anybody is asked to log in (RFC 6749 4.1.2.1, RFC 7636 4.4.1, RFC 9700 2.1.1, RFC 9207)."""
    where, told = redirected(await Person(standin).open("/oauth2/authorize", **asked(**changed)))
    told.pop("error_description", None)
    assert (where, told) == (BACK, {"error": error, "state": "a b&c", "iss": "http://standin"})


async def test_errors_without_a_state(standin):
    """None is invented, and an empty one counts as absent."""
    for state in (None, ""):
        _, told = redirected(await Person(standin).open("/oauth2/authorize", **asked(state=state, scope="nope")))
        assert set(told) == {"error", "error_description", "iss"}


@pytest.mark.parametrize(
    "query",
    ["state=a&state=b", "client_id=a&client_id=b", "scope=%", "scope=%C3", "scope=%00", "&".join(["a=b"] * 101)],
)
async def test_a_query_that_cannot_be_read(standin, query):
    """A page of status 400 (RFC 6749 3.1)."""
    page = await Person(standin).open(f"/oauth2/authorize?{query}")
    assert (page.status, page.heading) == (400, "This did not work")


async def test_prompt_none_with_a_session(standin):
    """Consent is always asked for, so the client is told so; with a login that is too old, of that."""
    person = Person(standin)
    await person.log_in()
    standin.advance(60)
    for max_age, error in [("60", "consent_required"), ("59", "login_required")]:
        _, told = redirected(await person.open("/oauth2/authorize", **asked(prompt="none", max_age=max_age)))
        assert told["error"] == error


@pytest.mark.parametrize(
    ("changed", "heading"),
    [
        ({"prompt": "login"}, "Sign in"),
        ({"prompt": "consent login"}, "Sign in"),
        ({"prompt": "consent"}, "Approve this application?"),
        ({"max_age": "59"}, "Sign in"),
        ({"max_age": "0"}, "Sign in"),
        ({"max_age": "60"}, "Approve this application?"),
        ({"max_age": "-1"}, "Approve this application?"),
        ({"max_age": "soon"}, "Approve this application?"),
        ({"max_age": "9" * 5000}, "Approve this application?"),
    ],
)
async def test_who_has_to_log_in_again(standin, changed, heading):
    """A minute after the login: whoever the client asks to (OpenID Connect Core 3.1.2.1)."""
    person = Person(standin)
    await person.log_in()
    standin.advance(60)
    assert (await person.open("/oauth2/authorize", **asked(**changed))).heading == heading


@pytest.mark.parametrize("changed", [{"prompt": "login"}, {"max_age": "0"}])
async def test_a_login_that_the_client_wanted(standin, changed):
    """It leads on to the consent, and its instant is in the token."""
    person = Person(standin)
    await person.log_in()
    standin.advance(60)
    await person.open("/oauth2/authorize", **asked(**changed))
    await person.press("Sign in", username="testuser2", password="password2")
    _, told = redirected(await person.press("Approve"))
    _, claims = await standin.verified((await fetch(standin, told["code"])).json()["id_token"])
    assert (claims["sub"], claims["auth_time"]) == ("testuser2", standin.now)


async def test_a_wrong_password(standin):
    """The login page again, with what was asked for kept, and the limit of all login pages."""
    person = Person(standin)
    await person.open("/oauth2/authorize", **asked())
    for status in [400] * 5 + [429]:
        page = await person.press("Sign in", username="testuser1", password="wrong")
        assert (page.status, page.fields["username"]) == (status, "testuser1")
    assert page.answer.headers["retry-after"] == "301"
    standin.advance(301)
    page = await person.press("Sign in", username="testuser1", password="password1")
    assert page.heading == "Approve this application?"


async def test_a_form_of_somebody_else(standin):
    """Without this session's token: 403, a way to start again, and no code (row UI-18)."""
    person = await consent(standin)
    action, token = person.page.forms[0].action, person.page.token
    other = Person(standin)
    await other.log_in("testuser2", "password2")
    for sender, fields in [
        (person, {}),
        (person, {"csrf_token": "0" * 64}),
        (person, {"csrf_token": other.page.token}),
        (other, {"csrf_token": token}),
    ]:
        page = await sender.post(action, {"decision": "approve", **fields})
        assert (page.status, page.heading, page.links) == (403, "Form refused", {"Start again": action})
    assert (await standin.rows())["oauth_authorization_codes"] == []


async def test_a_decision_without_login(standin):
    """Status 401 and the login page (row UI-02)."""
    person = Person(standin)
    page = await person.open("/oauth2/authorize", **asked())
    page = await person.post(page.forms[0].action, {"csrf_token": page.token, "decision": "approve"})
    assert (page.status, page.heading) == (401, "Sign in")
    assert (await standin.rows())["oauth_authorization_codes"] == []


async def test_a_decision_that_is_none(standin):
    """The question stays; it is taken for no denial."""
    person = await consent(standin)
    fields = {"csrf_token": person.page.token, "decision": "perhaps"}
    assert (await person.post(person.page.forms[0].action, fields)).heading == "Approve this application?"


async def test_a_decision_on_another_request(standin):
    """What is posted is checked like what was asked for: the person's token opens no other way out."""
    person = await consent(standin)
    fields = {"csrf_token": person.page.token, "decision": "approve"}
    action = person.page.forms[0].action
    page = await person.post(action.replace("127.0.0.1", "evil.example"), fields)
    assert (page.status, "location" in page.answer.headers) == (400, False)
    assert redirected(await person.post(action.replace("profile", "everything"), fields))[1]["error"] == "invalid_scope"
    assert (await standin.rows())["oauth_authorization_codes"] == []


async def test_signing_out_for_another_person(standin):
    """The login page of the same request; whoever logs in there consents."""
    person = await consent(standin)
    page = await person.press("Sign out")
    assert (page.status, page.heading) == (200, "Sign in")
    assert (await standin.rows())["oauth_sessions"] == []
    await person.press("Sign in", username="testuser2", password="password2")
    assert "Signed in as testuser2" in person.page.text
    _, told = redirected(await person.press("Approve"))
    _, claims = await standin.verified((await fetch(standin, told["code"])).json()["id_token"])
    assert claims["sub"] == "testuser2"


async def test_a_registered_address(standin_for):
    """It alone is good, query and all; left out, it is the one (RFC 6749 3.1.2.3)."""
    standin = await standin_for(oauth=REGISTERED)
    for redirect_uri in ("https://web.test/cb?a=b", None):
        person = await consent(standin, client_id="web", redirect_uri=redirect_uri)
        assert "to web.test." in person.page.text
        policy = person.page.answer.headers["content-security-policy"]
        assert "form-action 'self' https://web.test;" in policy
        where, told = redirected(await person.press("Approve"))
        assert (where, told["a"], told["state"]) == ("https://web.test/cb", "b", "a b&c")
        answer = await fetch(standin, told["code"], client_id="web", redirect_uri=redirect_uri)
        assert answer.status_code == 200
    for redirect_uri in (BACK, "https://web.test/cb", "https://web.test/cb?a=b&c"):
        page = await Person(standin).open("/oauth2/authorize", **asked(client_id="web", redirect_uri=redirect_uri))
        assert page.status == 400


async def test_an_own_scheme(standin_for):
    """A native client's redirect (RFC 8252 7.1): the page names the whole address, since there is no host."""
    clients = [{"client_id": "app", "redirect_uris": ["my.app:/cb"]}]
    standin = await standin_for(oauth={"clients": clients})
    person = await consent(standin, client_id="app", redirect_uri="my.app:/cb")
    assert "to my.app:/cb." in person.page.text
    assert "form-action 'self' my.app:;" in person.page.answer.headers["content-security-policy"]
    location = (await person.press("Approve")).answer.headers["location"]
    assert location.startswith("my.app:/cb?code=")


async def test_a_client_without_this_grant(standin_for):
    """It is told so at its own address (RFC 6749 4.1.2.1)."""
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    standin = await standin_for(oauth={"clients": [{"client_id": "tv", "grant_types": [grant]}]})
    _, told = redirected(await Person(standin).open("/oauth2/authorize", **asked(client_id="tv")))
    assert (told["error"], told["state"]) == ("unauthorized_client", "a b&c")


async def test_a_confidential_client(standin):
    """It may do without a proof key, and needs its secret at the token endpoint (RFC 9700 2.1.1)."""
    changed = {"client_id": CONFIDENTIAL, "code_challenge": None, "code_challenge_method": None}
    code = await code_of(standin, **changed)
    kept = {"client_id": CONFIDENTIAL, "code_verifier": None}
    refused(await fetch(standin, code, **kept), 401, "invalid_client")
    assert (await fetch(standin, code, **kept, client_secret=SECRET)).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "a" * 43},
        {"redirect_uri": "http://127.0.0.1:8765/other"},
        {"redirect_uri": None},
        {"client_id": "tapis_cli"},
        {"code": "x" * 43},
    ],
)
async def test_a_code_in_the_wrong_hands(standin, changed):
    """It gets invalid_grant, and is still good for its own client (RFC 6749 4.1.3, RFC 7636 4.6)."""
    code = await code_of(standin)
    refused(await fetch(standin, **{"code": code, **changed}), 400, "invalid_grant")
    assert (await fetch(standin, code)).status_code == 200


@pytest.mark.parametrize("verifier", [None, "short"])
async def test_a_code_without_its_verifier(standin, verifier):
    """It gets invalid_request (RFC 7636 4.5)."""
    code = await code_of(standin)
    refused(await fetch(standin, code, code_verifier=verifier), 400, "invalid_request")


async def test_a_code_used_twice(standin):
    """It is refused, and what the first use got is revoked (RFC 6749 4.1.2, RFC 9700 4.5)."""
    code = await code_of(standin)
    tokens = (await fetch(standin, code)).json()
    assert (await standin.introspect(tokens["access_token"]))["active"]
    refused(await fetch(standin, code), 400, "invalid_grant")
    assert await standin.introspect(tokens["access_token"]) == {"active": False}


async def test_a_code_that_is_too_old(standin):
    """It lives for a minute."""
    code, late = await code_of(standin), await code_of(standin)
    standin.advance(59)
    assert (await fetch(standin, code)).status_code == 200
    standin.advance(1)
    refused(await fetch(standin, late), 400, "invalid_grant")


async def test_a_named_issuer(standin):
    """Its pages keep to its paths, iss is its own, and its codes are good there alone."""
    person = Person(standin)
    await person.open(f"{prefix('a')}/oauth2/authorize", **asked())
    await person.press("Sign in", username="testuser1", password="password1")
    assert [form.action.partition("?")[0] for form in person.page.forms] == ["/issuers/a/oauth2/authorize"] * 2
    _, told = redirected(await person.press("Approve"))
    assert told["iss"] == "http://standin/issuers/a"
    refused(await fetch(standin, told["code"]), 400, "invalid_grant")
    refused(await fetch(standin, told["code"], issuer="b"), 400, "invalid_grant")
    assert (await fetch(standin, told["code"], issuer="a")).status_code == 200


async def test_a_code_is_in_no_log_line(standin_for, capfd):
    """Neither the code, nor the state, nor the session (row SEC-10)."""
    standin = await standin_for()
    person = await consent(standin, state="st4te")
    _, told = redirected(await person.press("Approve"))
    standin.parts.log._write()
    log = "".join(capfd.readouterr())
    assert "POST /oauth2/authorize 303" in log
    private = [told["code"], "st4te", person.http.cookies["standin_session"]]
    assert [secret for secret in private if secret in log] == []


async def test_a_query_with_markup(standin):
    """It stays text in the form's own address."""
    answer = await standin.http.get("/oauth2/authorize", params=asked(nonce='"><script>alert(1)</script>'))
    page = Page(answer)
    assert (page.status, "<script" in answer.text) == (200, False)
    person = Person(standin)
    await person.open(page.forms[0].action)
    await person.press("Sign in", username="testuser1", password="password1")
    _, told = redirected(await person.press("Approve"))
    _, claims = await standin.verified((await fetch(standin, told["code"])).json()["id_token"])
    assert claims["nonce"] == '"><script>alert(1)</script>'

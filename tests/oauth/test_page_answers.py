"""What all pages have in common: their headers, and what becomes of forms and requests that cannot be read."""

import pytest

from tests.oauth.driver import FORM, prefix
from tests.oauth.forms import Page, Person

CODE = "BCDF-GHJK"
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
ASKED = "client_id=device-public&response_type=code&redirect_uri=http://127.0.0.1:9/cb&code_challenge_method=S256"
AUTHORIZE = f"/oauth2/authorize?{ASKED}&code_challenge={'a' * 43}"


async def every_page(standin):
    """Return each kind of answer that a person can get, by a name."""
    flow, denied, expired = [await standin.begin() for _ in range(3)]
    person = Person(standin)
    pages = {"code": await person.open("/device"), "wrong code": await person.enter(CODE)}
    pages["login"] = await person.open(flow["verification_uri_complete"])
    pages["wrong password"] = await person.press("Sign in", username="testuser1", password="wrong")
    pages["login to authorize"] = await person.open(AUTHORIZE)
    pages["decision without login"] = await person.post("/device/decision", {"user_code": CODE})
    await person.log_in()
    pages["confirmation"] = await person.enter(flow["user_code"])
    pages["approved"] = await person.press("Approve")
    pages["used"] = await person.enter(flow["user_code"])
    await person.enter(denied["user_code"])
    pages["denied"] = await person.press("Deny")
    standin.advance(600)
    pages["expired"] = await person.enter(expired["user_code"])
    pages["forged"] = await person.post("/device", {})
    pages["consent"] = await person.open(AUTHORIZE)
    pages["consent, forged"] = await person.post(AUTHORIZE, {})
    pages["refused"] = await person.open("/oauth2/authorize?client_id=nobody&response_type=code")
    pages["simulator start"] = await person.open("/device/simulator")
    pages["simulator"] = await person.press("Switch the device on")
    pages["simulator, unknown"] = await person.open("/device/simulator/unknown")
    pages["wrong method"] = Page(await person.http.put("/device"))
    pages["unreadable"] = Page(await person.http.post("/device", content=b"%", headers={"content-type": FORM}))
    pages["no host"] = Page(await person.http.get("/device", headers={"host": "a b"}))
    for _ in range(6):
        pages["locked out"] = await person.enter(CODE)
    return pages, person


async def test_the_headers_of_every_page(standin):
    """No frame, no referrer, no cache, no script, and forms that lead nowhere else (rows UI-19, UI-23, SEC-10)."""
    pages, person = await every_page(standin)
    to_itself = "'self'"
    beyond = f"{to_itself} http://127.0.0.1:9"
    for name, page in pages.items():
        headers = page.answer.headers
        assert {key: headers[key] for key in HEADERS} == HEADERS, name
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy.pop("style-src").startswith("'sha256-"), name
        assert policy == {
            "default-src": "'none'",
            "img-src": "data:",
            "form-action": beyond if name in ("login to authorize", "consent") else to_itself,
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
        }, name
    for redirect in person.seen:
        assert redirect.headers["cache-control"] == "no-store"
    assert {name: page.status for name, page in pages.items() if page.status != 200} == {
        "wrong code": 400,
        "wrong password": 400,
        "decision without login": 401,
        "used": 400,
        "expired": 400,
        "forged": 403,
        "consent, forged": 403,
        "refused": 400,
        "simulator, unknown": 404,
        "wrong method": 405,
        "unreadable": 400,
        "no host": 400,
        "locked out": 429,
    }


async def test_no_page_needs_a_script_or_another_host(standin):
    """Every address in them is a path of this server or in its own documents (row UI-23)."""
    pages, _ = await every_page(standin)
    for name, page in pages.items():
        assert "<script" not in page.answer.text, name
        own = ("/device", "/oauth2/authorize?", "data:", "http://standin/device?user_code=")
        assert [address for address in page.addresses if not address.startswith(own)] == [], name


@pytest.mark.parametrize(
    ("body", "content_type", "status", "sentence"),
    [
        (b"user_code=%", FORM, 400, "A percent sign is not followed by two hex digits."),
        (b"user_code=%C3", FORM, 400, "The parameters are not UTF-8."),
        (b"user_code=\xff", FORM, 400, "The parameters are not UTF-8."),
        (b"user_code=a%00b", FORM, 400, "A parameter holds a NUL."),
        (b"user_code=A&user_code=B", FORM, 400, "The field user_code is there more than once."),
        (b"csrf_token=A&csrf_token=B", FORM, 400, "The field csrf_token is there more than once."),
        (b"%C3%A9=A&%C3%A9=B", FORM, 400, "The field ? is there more than once."),
        (b"username=A&username=B", FORM, 400, "The parameter username is there more than once."),
        (b"&".join([b"a=b"] * 101), FORM, 400, "There are more than 100 parameters."),
        (b"user_code=" + b"A" * 1_000_000, FORM, 413, "The body is larger than 65536 bytes."),
        (b'{"user_code": "A"}', "application/json", 400, f"Parameters are read from a body of type {FORM} only."),
        (b"user_code=A", "text/plain", 400, f"Parameters are read from a body of type {FORM} only."),
        (b"user_code=A", f"{FORM}; charset=latin-1", 400, "The body must be UTF-8."),
    ],
)
async def test_a_form_that_cannot_be_read(standin, body, content_type, status, sentence):
    """A page that tells why, at every path that takes one; nothing is changed or counted."""
    await standin.http.get("/device")  # The first page of all makes the secret behind the tokens.
    before = await standin.rows()
    for path in (
        "/device",
        "/device/login",
        "/device/decision",
        "/device/logout",
        "/device/simulator/start",
        AUTHORIZE,
    ):
        page = Page(await standin.raw(path, body, content_type))
        assert (page.status, page.heading, page.alert) == (status, "This did not work", sentence), path
    assert await standin.rows() == before


async def test_an_empty_form(standin):
    """It lacks the token like any other."""
    for path in ("/device", "/device/login", "/device/logout", "/device/simulator/start"):
        assert (await standin.raw(path, b"", None)).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods(standin, method):
    """Status 405 with the methods that there are."""
    paths = {"/device": "HEAD, GET, POST", "/device/decision": "POST", "/device/simulator": "HEAD, GET"}
    for path, allowed in paths.items():
        answer = await standin.http.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_head(standin):
    """The headers of GET without its body."""
    answer = await standin.http.head("/device")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", HEADERS["content-type"])
    assert int(answer.headers["content-length"]) > 1000


@pytest.mark.parametrize("host", ["", "a b", "evil.example/device", "a@b", "a:b", "a:123456", "<script>"])
@pytest.mark.parametrize("issuer", ["", "a"])
async def test_a_host_that_is_none(standin, host, issuer):
    """A page says so, and repeats nothing of it."""
    answer = await standin.http.get(f"{prefix(issuer)}/device", headers={"host": host})
    page = Page(answer)
    assert (page.status, page.alert) == (400, "The Host header is missing or no host's name.")
    assert host == "" or host not in answer.text


async def test_another_host_of_this_server(standin):
    """The pages' own addresses are paths, so that no Host header leads a form elsewhere."""
    page = Page(await standin.http.get("/device", headers={"host": "evil.example:81"}))
    assert (page.status, page.forms[0].action) == (200, "/device")
    assert "evil.example" not in page.answer.text


async def test_no_page_for_another_origin(standin):
    """No page may be read or posted by a script of another origin."""
    headers = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    for method in ("GET", "OPTIONS"):
        answer = await standin.http.request(method, "/device", headers=headers)
        assert [name for name in answer.headers if name.startswith("access-control")] == []

"""What is hidden by the name of its field, in every form that fields have, and what stays readable."""

import base64

import pytest

from app.journal.redaction import HIDDEN, Redaction, is_secret

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZXN0dXNlcjEifQ.c2lnbmF0dXJl"
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "name",
    [
        *("client_secret", "X-TMS-CLIENT-SECRET", "X-TMS-ADMIN-SECRET", "admin_secret", "secret", "password"),
        *(
            "private_key",
            "privateKey",
            "client_key",
            "access_token",
            "refresh_token",
            "id_token",
            "token",
            "accessToken",
        ),
        *("X-Tapis-Token", "code", "user_code", "device_code", "authorization_code", "code_verifier", "csrf_token"),
        *("verification_uri_complete", "client_assertion", "Authorization", "Proxy-Authorization", "Cookie"),
        *("id_token_hint", "session", "api_key"),
    ],
)
def test_secret_names(name):
    """Each of these holds a secret, however it is spelled."""
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("client_id", "username", "host", "result_code", "result_msg", "public_key", "public_key_fingerprint", "jti"),
        *("token_type", "token_endpoint", "token_type_hint", "expires_in", "authorization_endpoint", "grant_type"),
        *("device_authorization_endpoint", "code_challenge", "code_challenge_method", "key_type", "tenant", "scope"),
        *("verification_uri", "status_code", "response_type"),
    ],
)
def test_names_that_hold_none(name):
    """A journal that hides these would be of no use."""
    assert not is_secret(name)


def shown(*headers: tuple[str, str]) -> dict[str, str]:
    """Return headers as the journal shows them."""
    return Redaction().headers([(name.encode(), value.encode()) for name, value in headers])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("host", "standin", "standin"),
        ("X-TMS-CLIENT-SECRET", "secret1", "***"),
        ("authorization", "Bearer abcdef", "Bearer ***"),
        ("authorization", "Basic " + base64.b64encode(b"me:hush").decode(), "Basic ***"),
        ("authorization", "Basic not base64", "Basic ***"),
        ("authorization", "abcdef", "***"),
        ("authorization", "abcdef ghi", "***"),
        ("cookie", "session=abcdef; theme=dark", "session=***; theme=***"),
        ("cookie", "abcdef", "***"),
        ("set-cookie", "session=abcdef; Path=/; HttpOnly", "session=***; Path=/; HttpOnly"),
        ("set-cookie", "session=; Max-Age=0", "session=; Max-Age=0"),
        ("location", "http://a/cb?code=abcdef&state=x#top=1", "http://a/cb?code=***&state=x#top=1"),
        ("location", "/cb#access_token=abcdef&token_type=Bearer", "/cb#access_token=***&token_type=Bearer"),
        ("referer", "http://a/device?user_code=WDJB-MJHT", "http://a/device?user_code=***"),
        ("location", "/issuers/a/device/simulator/BCDFGHJKxyz_-9", "/issuers/a/device/simulator/***"),
        ("x-note", JWT, "***"),
    ],
)
def test_headers(name, value, expected):
    """One header by itself."""
    assert shown((name, value)) == {name.lower(): expected}


def test_a_repeated_header():
    """Its values stand in one line."""
    assert shown(("accept", "a"), ("Accept", "b")) == {"accept": "a, b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("/device", "/device"),
        ("/device?", "/device?"),
        ("/device?user_code=WDJB-MJHT", "/device?user_code=***"),
        ("/x?client%5Fsecret=a%20b&host=h%20i", "/x?client%5Fsecret=***&host=h%20i"),
        ("/x?CODE=1&code=2", "/x?CODE=***&code=***"),
        ("/x?bare-secret", "/x?***"),
        ("/x?code=", "/x?code="),
        ("/login?next=%2Fcb%3Fcode%3Dabcd%26a%3Db", "/login?next=%2Fcb%3Fcode%3D***%26a%3Db"),
        ('/x?{"client_secret":"abcd=e"}', "/x?***"),
        ("/x?a b=abcd", "/x?***"),
    ],
)
def test_addresses(text, expected):
    """Queries and fragments, and addresses inside of them."""
    assert Redaction().address(text) == expected


def test_documents():
    """Members by their names; an object below a secret name by its own members, a list by the name above it."""
    document = {
        "result": {"access_token": {"access_token": JWT, "expires_in": 4}, "refresh_token": None},
        "client_secret": 12345,
        "tokens": ["abcd", {"host": "h", "code": "efgh"}],
        "enabled": True,
        "password": False,
        "verification_uri": "http://a/device?user_code=WDJB-MJHT",
        "text": f"a {JWT} and {PEM}.",
        "private_key": PEM,
        "count": 3,
    }
    assert Redaction().document(document) == {
        "result": {"access_token": {"access_token": "***", "expires_in": 4}, "refresh_token": None},
        "client_secret": "***",
        "tokens": ["***", {"host": "h", "code": "***"}],
        "enabled": True,
        "password": False,
        "verification_uri": "http://a/device?user_code=***",
        "text": "a *** and ***\n.",
        "private_key": "***",
        "count": 3,
    }


def test_a_cut_private_key():
    """What begins like one is hidden to its end."""
    assert Redaction().text(f"key: {PEM[:60]}") == "key: ***"


def test_what_was_hidden_is_hidden_wherever_it_is_repeated():
    """As a word of its own; a longer word that has it inside is another one."""
    redaction = Redaction()
    redaction.form("client_secret=s3cret&password=test")
    assert redaction.text("the key s3cret. is not tested, s3cret") == "the key ***. is not tested, ***"
    assert redaction.document({"message": "wrong: test"}) == {"message": "wrong: ***"}


def test_what_stands_in_front_of_its_secret_is_found_too():
    """The order of members and fields does not matter."""
    assert Redaction().document({"host": "hush", "secret": "hush"}) == {"host": "***", "secret": "***"}
    assert Redaction().form("host=hush&secret=hush") == "host=***&secret=***"


def test_the_secret_of_a_basic_header_is_looked_for():
    """Both as it is and as a form encodes it."""
    redaction = Redaction()
    redaction.headers([(b"authorization", b"Basic " + base64.b64encode(b"me:a%2Bhush"))])
    assert redaction.text("a%2Bhush, a+hush") == "***, ***"


def test_short_secrets_blot_out_nothing_else():
    """A secret of one letter is hidden in its field and not looked for in texts."""
    redaction = Redaction()
    assert (redaction.form("code=1"), redaction.text("line 1")) == ("code=***", "line 1")


def test_more_secrets_than_anybody_has():
    """Looking for each of them everywhere would take seconds, so no text is shown at all."""
    document = {"tokens": [f"hush{number}" for number in range(201)], "names": ["any"] * 201}
    assert Redaction().document(document) == {"tokens": ["***"] * 201, "names": ["***"] * 201}
    assert Redaction().document({**document, "tokens": document["tokens"][:200]})["names"] == ["any"] * 201


@pytest.mark.parametrize("text", ["eyJ" * 20_000, "eyJ" * 20_000 + ".tiny.", "eyJabcde.eyJ", "eyJab"])
def test_what_only_begins_like_a_token(text):
    """It is read once, not from each of its beginnings, and shown."""
    assert Redaction().text(text) == text


def test_a_token_behind_one_that_is_none():
    """It is hidden."""
    assert Redaction().text("eyJabcde eyJabcde.eyJfghij.signature eyJ") == "eyJabcde *** eyJ"


def test_quotations():
    """Where a request could not be looked into, what an answer quotes is hidden."""
    text = 'invalid type: string "hush", expected `u32` at line 1'
    assert Redaction().unquoted(text) == "invalid type: string ***, expected *** at line 1"


@pytest.mark.parametrize("encoded", ["%28", "%2528", "%252528", "%25252528", "%2f"])
def test_a_secret_behind_an_encoded_character(encoded):
    """However often it was encoded; what is glued to letters is another word."""
    redaction = Redaction()
    redaction.form("client_secret=0pen-sesame-1234")
    assert redaction.text(f"x={encoded}0pen-sesame-1234 ") == f"x={encoded}{HIDDEN} "
    assert redaction.text(f"x={encoded}0pen-sesame-1234le") == f"x={encoded}0pen-sesame-1234le"

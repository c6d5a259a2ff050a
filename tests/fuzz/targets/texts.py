"""The readers of texts that requests carry: version requirements, forms, hosts, credentials."""

import contextlib
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from starlette.requests import cookie_parser

from app.cookies import LONGEST, cookie_of
from app.oauth.client_authentication import _basic
from app.oauth.issuers import HostError, host_of, split_path
from app.oauth.parameters import LARGEST_BODY, InvalidTargetError, form_parameters, pairs_of, refuse_query, resource_of
from app.oauth.registry import is_loopback
from app.version_requirement import VersionRequirementError, check
from tests.fuzz import oracles

from . import goldens
from .target import Target

_PARAMETERS = ("app.oauth.parameters",)
_CLIENTS = ("app.oauth.client_authentication",)
_FORM = "application/x-www-form-urlencoded"
_FORMS = (
    b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=x&client_id=device-public",
    b"client_id=device-public&scope=openid+profile&resource=https%3A%2F%2Fa.example&resource=https://b.example",
    b'{"client_id": "tapis_cli", "scope": "openid"}',
)


def version_requirement(data: bytes) -> None:
    """It is accepted where the grammar of contract 1.8 has it; a refusal is one line of words."""
    text = data.decode("utf-8", "ignore")
    expected = oracles.is_version_requirement(text)
    try:
        check(text)
    except VersionRequirementError as error:
        assert not expected, f"{text!r} is refused: {error}"
        assert str(error).isprintable(), f"the refusal of {text!r} is {str(error)!r}"
        return
    assert expected, f"{text!r} is accepted"


def form(data: bytes) -> None:
    """A form is read as urllib reads it, or refused in words that a header may carry."""
    kind = "application/json" if data[:1] == b"{" else _FORM
    for read in (lambda: refuse_query(data), lambda: resource_of(form_parameters(kind, data, json_too=True))):
        try:
            read()
        except (InvalidRequestError, InvalidTargetError) as error:
            error.get_error_description().encode("ascii")
    try:
        pairs = pairs_of(data)
    except InvalidRequestError:
        return
    expected = parse_qsl(data.decode(), keep_blank_values=True, errors="strict")
    assert pairs == expected, f"{pairs!r} is not {expected!r}"


def content_type(data: bytes) -> None:
    """Any type of a form's body is taken or refused."""
    for json_too in (False, True):
        try:
            form_parameters(data.decode("latin-1"), b"a=b", json_too)
        except InvalidRequestError as error:
            assert error.status_code in (400, 413)
    assert LARGEST_BODY == 65_536


def credentials(data: bytes) -> None:
    """HTTP Basic has an id and a secret without NUL, or is refused."""
    try:
        found = _basic(data.decode("latin-1"))
    except OAuth2Error:
        return
    assert "\0" not in found.client_id + found.client_secret


def addresses(data: bytes) -> None:
    """A Host header, a path with an issuer in it and a redirect are what they are; none of them ends a request."""
    text = data.decode("latin-1")
    with contextlib.suppress(HostError):
        assert host_of([(b"host", data)]) == text
    name, path = split_path(text)
    assert (name in text and path in text) or "/.well-known/" in path
    if text.isprintable() and is_loopback(text):  # authorize.py refuses all others.
        assert text.strip().lower().startswith("http:"), text


def cookies(data: bytes) -> None:
    """One cookie is what Starlette makes of all of them, where it is no longer than browsers keep it."""
    text = data.decode("latin-1")
    found = cookie_of(text, "x")
    assert len(found) <= LONGEST
    if len(text) < LONGEST:
        assert found == cookie_parser(text).get("x", ""), f"{found!r} in {text!r}"


def targets() -> list[Target]:
    """Return them."""
    version = (b"1", b"0", b".", b",", b" ", b"*", b"x", b">=", b"-", b"+", b"a", b"18446744073709551616", b"\xcc\x81")
    fields = (b"&", b"=", b"%", b"%00", b"%FF", b"+", b"resource=", b"client_id=", b"scope=", b'{"a":"b"}', b"\xff")
    hosts = (b"127.0.0.1:3000", b"[::1]:80", b"/issuers/a/oauth2/token", b"http://localhost/cb", b"http://[::1]/")
    parts = (b":", b"//", b"[", b"]", b"/issuers/", b"@", b"%", b"\\", b"\xff")
    basic = (b"Basic dGVzdGNsaWVudDE6c2VjcmV0MQ==", b"basic YTpi", b"Bearer x")
    return [
        Target("version requirements", version_requirement, goldens.versions(), version, ("app.version_requirement",)),
        Target("OAuth forms", form, _FORMS, fields, _PARAMETERS),
        Target(
            "types of forms",
            content_type,
            (_FORM.encode() + b"; charset=utf-8",),
            (b";", b"charset=", b"'", b'"'),
            _PARAMETERS,
        ),
        Target("HTTP Basic", credentials, basic, (b"Basic ", b"=", b"%", b"AAAA", b"Og==", b" ", b"\xff"), _CLIENTS),
        Target(
            "cookies",
            cookies,
            (b'a=b; x="c\\073"; d',),
            (b"x=", b";", b"=", b" ", b'"', b"\\1", b"\\073"),
            ("app.cookies",),
        ),
        Target("hosts and addresses", addresses, hosts, parts, ("app.oauth.issuers", "app.oauth.registry")),
    ]

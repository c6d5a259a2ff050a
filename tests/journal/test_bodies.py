"""Which bodies are kept, in which form, and what stands for the others."""

import pytest

from app.journal.bodies import FORM, LARGEST, Kept, answer_body, decoded, is_opaque, media_type, request_body
from app.journal.redaction import Redaction

JSON = "application/json"


def kept(*pieces: bytes) -> Kept:
    """Return what was kept of a body in pieces."""
    body = Kept()
    for piece in pieces:
        body.add(piece)
    return body


OPAQUE = "[not kept: {} bytes, neither a JSON object nor a form]"


@pytest.mark.parametrize(
    ("media", "body", "expected"),
    [
        (JSON, b"", None),
        (JSON, b'{"host":"h","client_secret":"hush"}', {"host": "h", "client_secret": "***"}),
        ("", b'{"host":"h"}', {"host": "h"}),
        (JSON, b'[{"code":"abcd"}]', [{"code": "***"}]),
        (JSON, b'{"client_secret":"hush', OPAQUE.format(22)),
        (JSON, b'"hush"', OPAQUE.format(6)),
        (JSON, b"\xff\xfe", OPAQUE.format(2)),
        (JSON, b"[" * 5_000, OPAQUE.format(5_000)),
        ("text/plain", b"client_secret=hush", OPAQUE.format(18)),
        (FORM, b"client_secret=hush&a=b", "client_secret=***&a=b"),
        (FORM, b'{"client_secret":"hush"}', "***"),
    ],
)
def test_bodies_of_requests(media, body, expected):
    """What can be looked into is shown, of the rest its size."""
    shown = request_body(kept(body), media, Redaction())
    assert shown == expected
    assert is_opaque(shown) == (isinstance(expected, str) and expected.startswith("[not kept"))


@pytest.mark.parametrize(
    ("media", "body", "opaque", "expected"),
    [
        ("text/plain", b"not found", False, "not found"),
        ("text/plain", b'invalid string "hush" at line 1', True, "invalid string *** at line 1"),
        ("text/plain", b'invalid string "one" at line 1', False, 'invalid string "one" at line 1'),
        ("text/html", b"<p>WDJB-MJHT</p>", False, OPAQUE.format(16)),
        (JSON, b'{"device_code":"abcd"}', True, {"device_code": "***"}),
        (JSON, b"", False, None),
    ],
)
def test_bodies_of_answers(media, body, opaque, expected):
    """Plain text is shown; pages are not, since codes stand in them as text and as pictures."""
    assert answer_body(kept(body), media, Redaction(), request_is_opaque=opaque) == expected


@pytest.mark.parametrize("media", [JSON, FORM, "text/plain"])
def test_a_large_body_is_told_by_its_size(media):
    """In both directions, and in pieces of which no more is held."""
    body = kept(b"a=" + b"x" * LARGEST, b"yyy", b"z")
    expected = f"[not kept: {LARGEST + 6} bytes, more than {LARGEST}]"
    assert request_body(body, media, Redaction()) == expected
    assert answer_body(body, media, Redaction(), request_is_opaque=False) == expected
    assert (body.content, len(body._pieces)) == (b"", 1)


def test_the_largest_body_that_is_kept():
    """The limit itself is still kept."""
    body = kept(b'"', b"x" * (LARGEST - 2), b'"')
    assert (body.is_whole, decoded(body)) == (True, "x" * (LARGEST - 2))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, ""), ({"content-type": "Application/JSON; charset=utf-8"}, JSON), ({"content-type": FORM}, FORM)],
)
def test_media_types(headers, expected):
    """Without parameters, in lower case."""
    assert media_type(headers) == expected

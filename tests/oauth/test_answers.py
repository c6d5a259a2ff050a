"""What an endpoint answers: JSON, headers, and descriptions in the characters that RFC 6749 5.2 allows."""

import re

import pytest
from authlib.oauth2 import OAuth2Error

from app.oauth.answers import (
    Answer,
    InternalError,
    ServerTroubleError,
    TooManyAttemptsError,
    error_answer,
    json_answer,
    lowered,
    plain,
)

NOT_STORED = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"pragma", b"no-cache")]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("A sentence, with ~ and !", "A sentence, with ~ and !"),
        ('"quoted" \\ back', "'quoted' / back"),
        ("é\n\0\x7f\t", "?????"),
        ("x" * 500, "x" * 200),
    ],
)
def test_a_description(text, kept):
    """Within %x20-21 / %x23-5B / %x5D-7E, a line long (row OA-01)."""
    assert plain(text) == kept


@pytest.mark.parametrize("first", range(0, 0x3000, 100))
def test_no_letter_leads_out_of_what_is_allowed(first):
    """Whatever a client has written into what is repeated (row OA-01)."""
    text = plain("".join(map(chr, range(first, first + 100))))
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]{100}", text)


def test_an_answer():
    """Members in their order, not to be stored unless told otherwise (rows OA-02, OA-03)."""
    assert json_answer(200, {"b": 1, "a": "é"}) == Answer(200, NOT_STORED, '{"b":1,"a":"é"}'.encode())
    assert json_answer(404, {}, []) == Answer(404, [(b"content-type", b"application/json")], b"{}")


def test_one_more_header():
    """The answer before stays as it was."""
    first = json_answer(200, {})
    assert first.with_header(b"allow", b"POST").headers == [*NOT_STORED, (b"allow", b"POST")]
    assert first.headers == NOT_STORED


@pytest.mark.parametrize(
    ("error", "status", "body", "more"),
    [
        (OAuth2Error(error="x"), 400, b'{"error":"x"}', []),
        (
            TooManyAttemptsError("invalid_grant", 61),
            429,
            b'{"error":"invalid_grant","error_description":"Too many wrong attempts, try again in 61 seconds"}',
            [(b"retry-after", b"61")],
        ),
        (
            ServerTroubleError(),
            503,
            b'{"error":"temporarily_unavailable","error_description":"The database does not answer, try again"}',
            [(b"retry-after", b"1")],
        ),
        (
            InternalError(),
            500,
            b'{"error":"server_error","error_description":"An error of the stand-in, see its log"}',
            [],
        ),
    ],
)
def test_an_error(error, status, body, more):
    """Status, body and headers of RFC 6749 5.2, also for a 429, 500 and 503 (row X-03)."""
    assert error_answer(error) == Answer(status, [*NOT_STORED, *more], body)


def test_headers_as_asgi_wants_them():
    """Names in lower case, values in ASCII."""
    assert lowered([("Retry-After", "1"), ("X", "é")]) == [(b"retry-after", b"1"), (b"x", b"?")]

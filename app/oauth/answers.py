"""What an endpoint of the authorization server answers, and the errors of RFC 6749 5.2 that Authlib has no class for."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from authlib.oauth2 import OAuth2Error

Headers = list[tuple[bytes, bytes]]

NOT_STORED: Headers = [(b"cache-control", b"no-store"), (b"pragma", b"no-cache")]
JSON: Headers = [(b"content-type", b"application/json")]

_FORBIDDEN = str.maketrans({'"': "'", "\\": "/"})


class Answer(msgspec.Struct):
    """Status, headers without the length, and body."""

    status: int
    headers: Headers
    body: bytes = b""

    def with_header(self, name: bytes, value: bytes) -> "Answer":
        """Return the answer with one more header."""
        return Answer(self.status, [*self.headers, (name, value)], self.body)


AGAIN = (b"retry-after", b"1")  # the header of an answer that says that the same may work in a second


class TooManyAttemptsError(OAuth2Error):
    """Status 429: a source has guessed wrong too often; `error` is what it would have been told anyway (SEC-01)."""

    status_code = 429

    def __init__(self, error: str, wait_seconds: int) -> None:
        super().__init__(f"Too many wrong attempts, try again in {wait_seconds} seconds", error=error)
        self._wait_seconds = wait_seconds

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers with the time to wait."""
        return [*super().get_headers(), ("Retry-After", str(self._wait_seconds))]


class ServerTroubleError(OAuth2Error):
    """The database does not answer: status 503, to be tried again."""

    error = "temporarily_unavailable"
    status_code = 503
    description = "The database does not answer, try again"

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers with the time to wait."""
        return [*super().get_headers(), ("Retry-After", "1")]


class InternalError(OAuth2Error):
    """A fault of the stand-in's own; its log has the rest."""

    error = "server_error"
    status_code = 500
    description = "An error of the stand-in, see its log"


def json_answer(status: int, body: Mapping[str, Any], headers: Headers = NOT_STORED) -> Answer:
    """Return an answer in JSON, its members in the order of `body`."""
    return Answer(status, [*JSON, *headers], msgspec.json.encode(body))


def error_answer(error: OAuth2Error) -> Answer:
    """Return the answer of RFC 6749 5.2; its description keeps to the characters that are allowed there."""
    status, body, headers = error()
    if "error_description" in body:
        body["error_description"] = plain(body["error_description"])
    return Answer(status, lowered(headers), msgspec.json.encode(body))


def lowered(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return Authlib's headers as ASGI wants them."""
    return [(name.lower().encode(), value.encode("ascii", "replace")) for name, value in headers]


def plain(text: str) -> str:
    """Return a text in %x20-21 / %x23-5B / %x5D-7E, cut to a line's length (RFC 6749 5.2)."""
    kept = text[:200].translate(_FORBIDDEN).encode("ascii", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in kept)

"""The envelope of every Tapis answer: five members, keys sorted, one newline (contract tapis 1.1). It decides nothing."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ..oauth.answers import Answer, Headers
from .refusal import TapisRefusal

VERSION = "26Q1.0"
# tapipy compares the whole value: a charset behind it breaks even its constructor (contract tapis 1.1).
MEDIA_TYPE: Headers = [(b"content-type", b"application/json")]

_NO_SESSION = (b"set-cookie", b"session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/")

_encode = msgspec.json.Encoder(order="sorted").encode


def success(message: str, result: Any = "", headers: Headers = MEDIA_TYPE) -> Answer:
    """Return an answer with status 200; a `result` of "" says that there is nothing to say."""
    return Answer(200, [*headers], _body({"message": message, "result": result, "status": "success"}))


def failure(refusal: TapisRefusal) -> Answer:
    """Return the answer of a refusal."""
    body = _body({"message": refusal.message, "result": None, "status": "error"})
    return Answer(refusal.status, [*MEDIA_TYPE, *([_NO_SESSION] if refusal.ends_session else [])], body)


def _body(members: Mapping[str, Any]) -> bytes:
    return _encode({**members, "metadata": {}, "version": VERSION}) + b"\n"

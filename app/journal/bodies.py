"""What the journal keeps of a body. It hides nothing itself, and leaves out what redaction cannot look into."""

from typing import Any

import msgspec

from .redaction import Redaction

LARGEST = 65_536  # bytes of a body that is kept
_NOT_KEPT = "[not kept: "
FORM = "application/x-www-form-urlencoded"

_decode = msgspec.json.Decoder().decode


class Kept:
    """The bytes of a body as they pass by, as many as are kept, and how many there were."""

    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Note a piece."""
        if piece and self.size <= LARGEST:
            self._pieces.append(piece)
        self.size += len(piece)

    @property
    def is_whole(self) -> bool:
        """Return whether all of it was kept."""
        return self.size <= LARGEST

    @property
    def content(self) -> bytes:
        """Return the body, or nothing where it is not whole."""
        return b"".join(self._pieces) if self.is_whole else b""


def media_type(headers: dict[str, str]) -> str:
    """Return the type that headers tell, in lower case, without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def decoded(kept: Kept) -> Any:
    """Return the value of a JSON body, or None."""
    try:
        return _decode(kept.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def request_body(kept: Kept, media: str, redaction: Redaction) -> Any:
    """Return the value of a JSON body, or the text of a form; None where none was read.

    Of everything else the size alone is told: no field says which of its bytes are secret.
    """
    if media == FORM and kept.size and kept.is_whole:
        return redaction.form(kept.content.decode("latin-1"))
    return _value_or_size(kept, redaction)


def is_opaque(body: Any) -> bool:
    """Return whether a request had a body that could not be looked into."""
    return isinstance(body, str) and body.startswith(_NOT_KEPT)


def answer_body(kept: Kept, media: str, redaction: Redaction, *, request_is_opaque: bool) -> Any:
    """Return the same of an answer, and its text where it is plain."""
    if media == "text/plain" and kept.size and kept.is_whole:
        text = kept.content.decode("utf-8", "replace")
        return redaction.unquoted(text) if request_is_opaque else redaction.text(text)
    return _value_or_size(kept, redaction)


def _value_or_size(kept: Kept, redaction: Redaction) -> Any:
    if not kept.size:
        return None
    if not kept.is_whole:
        return f"{_NOT_KEPT}{kept.size} bytes, more than {LARGEST}]"
    value = decoded(kept)
    if isinstance(value, dict | list):
        return redaction.document(value)
    return f"{_NOT_KEPT}{kept.size} bytes, neither a JSON object nor a form]"

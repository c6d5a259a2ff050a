"""Decodes what a request carries into an operation's types, with the reference's error texts (contract 6.2 and 6.3).

It knows no resource and looks at no credential.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any, get_args
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec.structs import fields as struct_fields

from . import serde_json
from .declare import Int32, UInt32
from .errors import FrameworkRefusal

# A token, a quoted string, and what may stand behind a media type, as the mime crate reads them.
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = rb";\x20*" + _TOKEN + rb'=(?:"[^"]*"|' + _TOKEN + rb")"
_JSON = re.compile(
    rb"application/(?:json|[!#$%&'*\-.^_`|~0-9A-Za-z][!#$%&'*+\-.^_`|~0-9A-Za-z]*\+json)(?:"
    + _PARAMETER
    + rb")*;?\x20*",
    re.IGNORECASE,
)
_INT32 = range(-(2**31), 2**31)
_UINT32 = range(2**32)
_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)
_DEPTH_LIMIT = 128
_LARGE = 32 * 1024  # bytes of a body from which on decoding leaves the loop

Decoder = Callable[[Any], Any]


class _Mismatch(Exception):  # noqa: N818 - it never leaves this module
    """A value is not of its field's type; the text is the reference's."""


def check_content_type(headers: list[tuple[bytes, bytes]]) -> None:
    """Raise FrameworkRefusal 415 unless the first Content-Type is JSON (contract 6.3)."""
    value = next((value for name, value in headers if name == b"content-type"), None)
    if value == b"application/json":
        return
    if value is None or not value.isascii():
        raise FrameworkRefusal(415, "the client request does not include the `Content-Type` header")
    value = value.strip(b" \t")
    if not _JSON.fullmatch(value):
        raise FrameworkRefusal(415, f"the `Content-Type` requested by the client is not supported: {value.decode()}")


class BodyDecoder:
    """Turns a JSON body into one declared structure."""

    def __init__(self, schema: type[msgspec.Struct]) -> None:
        self._schema = schema
        self._fields = [(field.name, _KINDS[field.type]) for field in struct_fields(schema)]

    async def decode(self, raw: bytes) -> msgspec.Struct:
        """Return the structure; a large body is read in a thread. Raises FrameworkRefusal 400."""
        return self.decode_at_once(raw) if len(raw) < _LARGE else await asyncio.to_thread(self.decode_at_once, raw)

    def decode_at_once(self, raw: bytes) -> msgspec.Struct:
        """Return the structure. Raises FrameworkRefusal 400."""
        found = self._ordinary(raw)
        return self._careful(raw) if found is None else found

    def _ordinary(self, raw: bytes) -> msgspec.Struct | None:
        """Return the structure where every value is plainly of its field's type; else None, and nothing is decided."""
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        # Fewer brackets than serde's depth limit cannot be nested too deeply, wherever they stand.
        if type(value) is not dict or raw.count(b"[") + raw.count(b"{") >= _DEPTH_LIMIT:
            return None
        values = []
        for name, kind in self._fields:
            item = value.get(name)
            if type(item) not in kind.classes:
                return None
            if type(item) is int and (item not in kind.accepted or (item == 0 and b"-0" in raw)):
                return None
            values.append(item)
        return self._schema(*values)

    def _careful(self, raw: bytes) -> msgspec.Struct:
        try:
            value = serde_json.parse(raw) if raw else None
        except serde_json.JsonError as error:
            raise FrameworkRefusal(400, f"parse request payload error: {error}") from None
        name = self._schema.__name__
        try:
            if not isinstance(value, dict):
                raise _Mismatch(_found(name, value))
            return self._schema(*[kind.careful(value.get(field), name) for field, kind in self._fields])
        except _Mismatch as error:
            raise FrameworkRefusal(400, f"parse request payload error: {error}") from None


class Kind:
    """A field's type: what is plainly of it, and how anything else is converted or refused."""

    def __init__(
        self, name: str, plain: type, convert: Decoder, accepted: range = range(0), optional: bool = False
    ) -> None:
        self.classes = {plain, type(None)} if optional else {plain}
        self.accepted = accepted
        self._name = name
        self._convert = convert
        self._optional = optional

    def careful(self, value: Any, schema: str) -> Any:
        """Return the value in its field's type. Raises _Mismatch."""
        if value is None and self._optional:
            return None
        try:
            return self._convert(value)
        except _Mismatch as error:
            inner = f' (occurred while parsing "optional<{self._name}>")' if self._optional else ""
            raise _Mismatch(f'{error}{inner} (occurred while parsing "{schema}")') from None


def _found(expected: str, value: Any) -> str:
    return f'Expected input type "{expected}", found {serde_json.dump(value)}.'


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return serde_json.text_of(value)
    raise _Mismatch(_found("string", value))


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _Mismatch(_found("boolean", value))


def _integer(name: str, accepted: range, parsed: range) -> Decoder:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Mismatch(_found(name, value))
        if isinstance(value, float) or value not in parsed:
            raise _Mismatch(f'failed to parse "{name}": invalid integer')
        if value not in accepted:
            limits = f"{accepted[0]} to {accepted[-1]}"
            raise _Mismatch(f'failed to parse "{name}": Only integers from {limits} are accepted.')
        return value

    return convert


_UINT32_DECODER = _integer("integer(uint32)", _UINT32, _UINT64)
_INT32_DECODER = _integer("integer(int32)", _INT32, _INT64)
_KINDS: dict[Any, Kind] = {
    str: Kind("string", str, _string),
    bool: Kind("boolean", bool, _boolean),
    Int32: Kind("integer(int32)", int, _INT32_DECODER, _INT32),
    str | None: Kind("string", str, _string, optional=True),
    UInt32 | None: Kind("integer(uint32)", int, _UINT32_DECODER, _UINT32, optional=True),
}


def path_value(name: str, text: str, kind: Any) -> Any:
    """Return a path parameter in its declared type. Raises FrameworkRefusal 400 (contract 6.2)."""
    if kind is str:
        return text
    try:
        return _rust_int32(text)
    except ValueError as error:
        raise FrameworkRefusal(
            400, f'failed to parse path `{name}`: failed to parse "integer(int32)": {error}'
        ) from None


def query_values(query: bytes, kinds: dict[str, Any]) -> dict[str, Any]:
    """Return the declared query parameters, None where absent. Raises FrameworkRefusal 400 (contract 6.2)."""
    found: dict[str, str] = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        found.setdefault(_form_text(name), _form_text(value))
    return {name: _query_value(name, found.get(name), kind) for name, kind in kinds.items()}


def _query_value(name: str, text: str | None, kind: Any) -> Any:
    if text is None or str in get_args(kind):
        return text
    if text in ("true", "false"):
        return text == "true"
    raise FrameworkRefusal(
        400,
        f'failed to parse parameter `{name}`: failed to parse "boolean": provided string was not '
        '`true` or `false` (occurred while parsing "optional<boolean>")',
    )


def _form_text(encoded: bytes) -> str:
    return unquote_to_bytes(encoded.replace(b"+", b" ")).decode("utf-8", "replace")


def _rust_int32(text: str) -> int:
    """Return the number as Rust's `i32::from_str` reads it. Raises ValueError with Rust's sentence."""
    sign, digits = (-1 if text[0] == "-" else 1), text[1:] if text[0] in "+-" else text
    value = 0
    for digit in digits or "x":
        if digit not in "0123456789":
            raise ValueError("invalid digit found in string")
        value = value * 10 + sign * int(digit)
        if value not in _INT32:
            size = "large" if sign > 0 else "small"
            raise ValueError(f"number too {size} to fit in target type")
    return value

"""Reads JSON byte by byte as serde_json 1.0.133 does, with its error texts and positions (contract 6.3).

Pure: it knows nothing of requests, schemas or field types. Callers take `parse` of serde_json.py.
"""

import re
from math import inf
from typing import TypeAlias

from .serde_numbers import LARGEST_EXPONENT, LARGEST_UNSIGNED, appended, negated, scaled

Value: TypeAlias = bool | int | float | str | list["Value"] | dict[str, "Value"] | None

_BLANKS = (b" ", b"\n", b"\t", b"\r")
_WHITESPACE = re.compile(rb"[ \n\t\r]+")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]+')
_NUMBER = re.compile(
    rb"(?P<integer>0(?![0-9])|[1-9][0-9]*)(?:\.(?P<fraction>[0-9]*))?(?:[eE](?P<sign>[+-]?)(?P<exponent>[0-9]*))?"
)
_FOUR_HEXADECIMAL_DIGITS = re.compile(rb"[0-9A-Fa-f]{4}")
_ESCAPES = {b'"': b'"', b"\\": b"\\", b"/": b"/", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_DEPTH_LIMIT = 128


class JsonError(ValueError):
    """The input is not JSON; the text is serde_json's, for example `expected value at line 1 column 1`."""


class Reader:
    """A position in the bytes. Every method reads one thing from there and moves behind it, or raises JsonError."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.index = 0

    def error(self, reason: str) -> JsonError:
        """Return an error that points at the byte read last."""
        return self._error_at(self.index, reason)

    def peek_error(self, reason: str) -> JsonError:
        """Return an error that points at the byte to be read next, or at the last one if there is none."""
        return self._error_at(min(self.index + 1, len(self.raw)), reason)

    def _error_at(self, end: int, reason: str) -> JsonError:
        start_of_line = self.raw.rfind(b"\n", 0, end) + 1
        line = 1 + self.raw.count(b"\n", 0, start_of_line)
        return JsonError(f"{reason} at line {line} column {end - start_of_line}")

    def peek(self) -> bytes:
        """Return the next byte without moving, or nothing at the end."""
        return self.raw[self.index : self.index + 1]

    def take(self) -> bytes:
        """Return the next byte and move behind it, or return nothing at the end."""
        found = self.peek()
        self.index += len(found)
        return found

    def run(self, pattern: re.Pattern[bytes]) -> bytes:
        """Return the bytes that match from here, perhaps none, and move behind them."""
        found = pattern.match(self.raw, self.index)
        if found is None:
            return b""
        self.index = found.end()
        return found[0]

    def after_whitespace(self) -> bytes:
        """Skip whitespace, then peek."""
        following = self.peek()
        if following not in _BLANKS:
            return following
        self.run(_WHITESPACE)
        return self.peek()

    def value(self, depth: int) -> Value:
        """Read a value that stands inside `depth` open arrays and objects."""
        match self.after_whitespace():
            case b'"':
                self.index += 1
                return self.string()
            case b"{":
                return self.object(depth + 1)
            case b"[":
                return self.array(depth + 1)
            case b"t":
                return self.literal(b"true", True)
            case b"f":
                return self.literal(b"false", False)
            case b"n":
                return self.literal(b"null", None)
            case b"-":
                self.index += 1
                return self.number(negative=True)
            case b"":
                raise self.peek_error("EOF while parsing a value")
            case first if first.isdigit():
                return self.number(negative=False)
        raise self.peek_error("expected value")

    def literal(self, word: bytes, value: bool | None) -> bool | None:
        """Read `true`, `false` or `null`, whose first letter is known to be there."""
        start = self.index
        while self.raw[start : self.index] != word:
            found = self.take()
            if not found:
                raise self.error("EOF while parsing a value")
            if not word.startswith(self.raw[start : self.index]):
                raise self.error("expected ident")
        return value

    def open(self, depth: int) -> None:
        """Move behind a bracket or brace that opens the array or object number `depth`, counted from outside."""
        if depth == _DEPTH_LIMIT:
            raise self.peek_error("recursion limit exceeded")
        self.index += 1

    def array(self, depth: int) -> list[Value]:
        """Read an array."""
        self.open(depth)
        items: list[Value] = []
        while self.another(b"]", not items, "EOF while parsing a list", "expected `,` or `]`"):
            items.append(self.value(depth))
        return items

    def object(self, depth: int) -> dict[str, Value]:
        """Read an object."""
        self.open(depth)
        members: dict[str, Value] = {}
        while self.another(b"}", not members, "EOF while parsing an object", "expected `,` or `}`"):
            key = self.key()
            members[key] = self.value(depth)
        return members

    def another(self, closing: bytes, first: bool, at_the_end: str, without_comma: str) -> bool:
        """Move to the next element, over the comma in front of it, or behind the closing bracket and return False."""
        following = self.after_whitespace()
        if following == closing:
            self.index += 1
            return False
        if not following:
            raise self.peek_error(at_the_end)
        if first:
            return True
        if following != b",":
            raise self.peek_error(without_comma)
        self.index += 1
        following = self.after_whitespace()
        if not following:
            raise self.peek_error("EOF while parsing a value")
        if following == closing:
            raise self.peek_error("trailing comma")
        return True

    def key(self) -> str:
        """Read a member's name and the colon behind it."""
        if self.peek() != b'"':
            raise self.peek_error("key must be a string")
        self.index += 1
        key = self.string()
        following = self.after_whitespace()
        if not following:
            raise self.peek_error("EOF while parsing an object")
        if following != b":":
            raise self.peek_error("expected `:`")
        self.index += 1
        return key

    def string(self) -> str:
        """Read the rest of a string whose opening quotation mark has been read."""
        text = bytearray()
        while True:
            text += self.run(_PLAIN)
            match self.take():
                case b'"':
                    return self.decoded(text)
                case b"\\":
                    text += self.escape()
                case b"":
                    raise self.error("EOF while parsing a string")
                case _:
                    raise self.error("control character (\\u0000-\\u001F) found while parsing a string")

    def decoded(self, text: bytearray) -> str:
        """Return the text of a string that has been read whole: only now is it known whether it is UTF-8."""
        try:
            return text.decode()
        except UnicodeDecodeError:
            raise self.error("invalid unicode code point") from None

    def escape(self) -> bytes:
        """Read what follows a backslash and return the UTF-8 it stands for."""
        found = self.take()
        if not found:
            raise self.error("EOF while parsing a string")
        if found == b"u":
            return chr(self.code_point()).encode()
        if found not in _ESCAPES:
            raise self.error("invalid escape")
        return _ESCAPES[found]

    def code_point(self) -> int:
        """Read what follows `\\u`, the second half of a surrogate pair included."""
        unit = self.code_unit()
        if 0xDC00 <= unit <= 0xDFFF:
            raise self.error("lone leading surrogate in hex escape")
        if not 0xD800 <= unit <= 0xDBFF:
            return unit
        for expected in (b"\\", b"u"):
            found = self.take()
            if not found:
                raise self.error("EOF while parsing a string")
            if found != expected:
                raise self.error("unexpected end of hex escape")
        second = self.code_unit()
        if not 0xDC00 <= second <= 0xDFFF:
            raise self.error("lone leading surrogate in hex escape")
        return 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00)

    def code_unit(self) -> int:
        """Read the four hexadecimal digits of one UTF-16 code unit."""
        digits = self.raw[self.index : self.index + 4]
        self.index += len(digits)
        if len(digits) < 4:
            raise self.error("EOF while parsing a string")
        if not _FOUR_HEXADECIMAL_DIGITS.match(digits):
            raise self.error("invalid escape")
        return int(digits, 16)

    def number(self, negative: bool) -> int | float:
        """Read a number whose minus sign, if any, has been read."""
        parts = self.number_parts()
        integer, fraction, exponent_sign, exponent_digits = (part or b"" for part in parts.groups())
        significand, power = appended(0, integer, LARGEST_UNSIGNED)
        if not (power or fraction or exponent_digits):
            return negated(significand) if negative else significand
        significand, dropped = appended(significand, fraction, LARGEST_UNSIGNED)
        power -= len(fraction) - dropped
        exponent, dropped = appended(0, exponent_digits, LARGEST_EXPONENT)
        magnitude = scaled(significand, power - exponent if exponent_sign == b"-" else power + exponent)
        if magnitude == inf:
            self.index -= max(dropped - 1, 0)
            raise self.error("number out of range")
        return -magnitude if negative else magnitude

    def number_parts(self) -> re.Match[bytes]:
        """Read digits, fraction and exponent, and refuse the forms that JSON does not have."""
        parts = _NUMBER.match(self.raw, self.index)
        if parts is None:
            raise self.number_error()
        if parts["fraction"] == b"":
            self.index = parts.end("fraction")
            raise self.peek_error("invalid number" if self.peek() else "EOF while parsing a value")
        if parts["exponent"] == b"":
            self.index = parts.end("exponent")
            raise self.error("invalid number" if self.take() else "EOF while parsing a value")
        self.index = parts.end()
        return parts

    def number_error(self) -> JsonError:
        """Return the error of a number that does not begin as one, or begins with a needless zero."""
        first = self.take()
        if not first:
            return self.error("EOF while parsing a value")
        return self.peek_error("invalid number") if first == b"0" else self.error("invalid number")

"""Reads and writes JSON as Rust's serde_json 1.0.133 does, error texts and positions included (contract 1.3 and 6.3).

Pure: it knows nothing of requests, schemas or field types.
"""

import json
from decimal import Decimal

from .serde_reader import JsonError, Reader, Value

__all__ = ("JsonError", "Value", "dump", "parse", "text_of")

_quoted = json.JSONEncoder(ensure_ascii=False).encode


def parse(raw: bytes) -> Value:
    """Return the value of a whole JSON document (contract 6.3).

    Integers from -2**63 to 2**64 - 1 become int, all other numbers (also `-0`) float; of duplicate keys the last wins.
    Raises JsonError.
    """
    reader = Reader(raw)
    value = reader.value(0)
    if reader.after_whitespace():
        raise reader.peek_error("trailing characters")
    return value


def dump(value: Value) -> str:
    """Return compact JSON with sorted keys, as serde_json writes a Value (contract 1.3). Floats must be finite."""
    match value:
        case None:
            return "null"
        case str():
            return _quoted(value)
        case list():
            return "[" + ",".join(map(dump, value)) + "]"
        case dict():
            return "{" + ",".join(f"{dump(key)}:{dump(value[key])}" for key in sorted(value)) + "}"
    return text_of(value)


def text_of(value: float | bool) -> str:
    """Return the text of a number or boolean where a string is wanted (contract 6.3, string field given a number)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    mantissa, _, exponent = repr(value).partition("e")
    if exponent == "-05":
        return format(Decimal(repr(value)), "f")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa

"""Second opinions for the decoders, written after the contract and by other means than app/: the judges of `make fuzz`."""

import json
import math
import re
from typing import Any

DEPTH_LIMIT = 128
_U64 = 2**64 - 1
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRE = rf"(?:{_NUMBER}(?![0-9A-Za-z-])|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_FULL = rf"{_NUMBER}(?:-{_PRE}(?:\.{_PRE})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_COMPARATOR = re.compile(
    rf" *(?:(?:[<>]=?|[=~^]) *)?{_NUMBER}(?:\.[*xX](?:\.[*xX])?|\.{_NUMBER}(?:\.[*xX]|\.{_FULL})?)? *"
)
_WILDCARD = re.compile(" *[*xX] *")


class RefusedError(Exception):
    """The oracle refuses the input."""


def json_value(raw: bytes) -> Any:
    """Return the value of a JSON text as serde_json reads it (contract 6.3), by Python's own reader.

    Raises RefusedError. Floats may differ in their last digits: serde_json rounds twice.
    """
    try:
        value = json.loads(
            raw.decode(), parse_int=_integer, parse_float=_float, parse_constant=_refuse, object_pairs_hook=_members
        )
    except (ValueError, RecursionError):
        raise RefusedError from None
    _check(value, 0)
    return value


def _integer(text: str) -> int | float:
    number = int(text) if len(text) < 25 else None
    if number is not None and -(2**63) <= number <= _U64 and text != "-0":
        return number
    return _float(text)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise RefusedError
    return number


def _refuse(_text: str) -> None:
    raise RefusedError


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, value in pairs:  # A duplicate that is overwritten has to be sound as well.
        _check(name, 0)
        _check(value, 0)
    return dict(pairs)


def _check(value: Any, depth: int) -> None:
    """Refuse what Python reads and serde_json does not: halves of surrogate pairs, and 128 levels."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise RefusedError from None
    elif isinstance(value, list | dict):
        if depth + 1 >= DEPTH_LIMIT:
            raise RefusedError
        for inner in value.values() if isinstance(value, dict) else value:
            _check(inner, depth + 1)


def same_value(ours: Any, theirs: Any) -> bool:
    """Return whether two JSON values are equal, floats but for their last digits."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-14, abs_tol=1e-307)
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same_value, ours, theirs))
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same_value(ours[name], theirs[name]) for name in ours)
    return bool(ours == theirs)


def is_version_requirement(text: str) -> bool:
    """Return whether the contract accepts an `app_version` (1.8), by one grammar instead of a parser."""
    if _WILDCARD.fullmatch(text):
        return True
    comparators = text.split(",")
    return len(comparators) <= 32 and all(_is_comparator(each) for each in comparators)


def _is_comparator(text: str) -> bool:
    if not _COMPARATOR.fullmatch(text):
        return False
    core = re.split(r"[-+]", text)[0]
    return all(len(digits) <= 20 and int(digits) <= _U64 for digits in re.findall("[0-9]+", core))


def int32(text: str) -> int | None:
    """Return what a path's int32 is (contract 6.2), None for none."""
    if not re.fullmatch("[+-]?[0-9]+", text):
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    value = int(digits[:11]) * (-1 if text[0] == "-" else 1)
    return value if -(2**31) <= value < 2**31 else None

"""Checks a version requirement as the Rust crate semver 1.0.23 does, error texts included (contract 1.8).

It tells only whether the text is accepted: it keeps nothing of what it read and compares no versions.
"""

import re
import unicodedata

_WILDCARDS = ("*", "x", "X")
_OPERATOR = re.compile(r"[<>]=?|[=~^]")
_DIGITS = re.compile(r"[0-9]+")
_IDENTIFIERS = re.compile(r"[0-9A-Za-z.-]+")
_MOST_COMPARATORS = 32
_LARGEST_UNSIGNED = 2**64 - 1
_MAJOR, _MINOR, _PATCH = "major version number", "minor version number", "patch version number"
_PRE_RELEASE, _BUILD = "pre-release identifier", "build metadata"
_ESCAPES = {"\0": r"\0", "\t": r"\t", "\n": r"\n", "\r": r"\r", "'": r"\'", "\\": r"\\"}
# Rust escapes every character of Unicode's Grapheme_Extend: the categories Mn and Me, and these.
_JOINING_MARKS = frozenset(
    "\u09be\u09d7\u0b3e\u0b57\u0bbe\u0bd7\u0cc0\u0cc2\u0cc7\u0cc8\u0cca\u0ccb\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf"
    "\u1715\u1734\u1b35\u1b3b\u1b3d\u1b43\u1b44\u1baa\u1bf2\u1bf3\u302e\u302f\ua953\ua9c0\uff9e\uff9f\U000111c0"
    "\U00011235\U0001133e\U0001134d\U00011357\U000114b0\U000114bd\U000115af\U000116b6\U00011930\U0001193d"
    "\U00016ff0\U00016ff1\U0001d165\U0001d166\U0001d16d\U0001d16e\U0001d16f\U0001d170\U0001d171\U0001d172"
)


class VersionRequirementError(ValueError):
    """The text is not a version requirement; the message is the crate's own."""


def check(text: str) -> None:
    """Accept a version requirement (contract 1.8) or raise VersionRequirementError."""
    rest = text.lstrip(" ")
    if rest.startswith(_WILDCARDS):
        _check_lone_wildcard(rest[0], rest[1:].lstrip(" "))
        return
    for _ in range(_MOST_COMPARATORS):
        place, rest = _comparator(rest)
        if not rest:
            return
        if not rest.startswith(","):
            raise VersionRequirementError(f"expected comma after {place}, found {_quoted(rest[0])}")
        rest = rest[1:].lstrip(" ")
    raise VersionRequirementError("excessive number of version comparators")


def _check_lone_wildcard(wildcard: str, rest: str) -> None:
    if rest.startswith(","):
        raise _not_the_only_comparator(wildcard)
    if rest:
        raise VersionRequirementError("unexpected character after wildcard in version req")


def _not_the_only_comparator(wildcard: str) -> VersionRequirementError:
    return VersionRequirementError(f"wildcard req ({wildcard}) must be the only comparator in the version req")


def _comparator(text: str) -> tuple[str, str]:
    """Read one comparator and the spaces behind it; return the name of its last part and what follows."""
    if text.startswith(_WILDCARDS) and text[1:].lstrip(" ")[:1] in ("", ","):
        raise _not_the_only_comparator(text[0])
    _, operand = _split(_OPERATOR, text)
    place, has_patch, rest = _numbers(operand.lstrip(" "))
    if has_patch and rest.startswith("-"):
        place, rest = _PRE_RELEASE, _identifiers(rest[1:], _PRE_RELEASE)
    if has_patch and rest.startswith("+"):
        place, rest = _BUILD, _identifiers(rest[1:], _BUILD)
    return place, rest.lstrip(" ")


def _split(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    """Return what the pattern matches at the beginning, perhaps nothing, and what follows."""
    found = pattern.match(text)
    end = found.end() if found else 0
    return text[:end], text[end:]


def _numbers(text: str) -> tuple[str, bool, str]:
    """Read one to three numbers; return the name of the last, whether it is a numeric patch, and what follows."""
    rest = _number(text, _MAJOR)
    if not rest.startswith("."):
        return _MAJOR, False, rest
    wildcard = rest.startswith(_WILDCARDS, 1)
    rest = rest[2:] if wildcard else _number(rest[1:], _MINOR)
    if not rest.startswith("."):
        return _MINOR, False, rest
    if rest.startswith(_WILDCARDS, 1):
        return _PATCH, False, rest[2:]
    if wildcard:
        raise VersionRequirementError("unexpected character after wildcard in version req")
    return _PATCH, True, _number(rest[1:], _PATCH)


def _number(text: str, place: str) -> str:
    """Read an unsigned 64-bit number and return what follows."""
    digits, rest = _split(_DIGITS, text)
    if not digits and not rest:
        raise VersionRequirementError(f"unexpected end of input while parsing {place}")
    if not digits:
        raise VersionRequirementError(f"unexpected character {_quoted(rest[0])} while parsing {place}")
    if len(digits) > 1 and digits[0] == "0":
        raise VersionRequirementError(f"invalid leading zero in {place}")
    if len(digits) > len(str(_LARGEST_UNSIGNED)) or int(digits) > _LARGEST_UNSIGNED:
        raise VersionRequirementError(f"value of {place} exceeds u64::MAX")
    return rest


def _identifiers(text: str, place: str) -> str:
    """Read identifiers separated by dots and return what follows."""
    identifiers, rest = _split(_IDENTIFIERS, text)
    for identifier in identifiers.split("."):
        if not identifier:
            raise VersionRequirementError(f"empty identifier segment in {place}")
        if place == _PRE_RELEASE and len(identifier) > 1 and identifier[0] == "0" and identifier.isdigit():
            raise VersionRequirementError(f"invalid leading zero in {place}")
    return rest


def _quoted(character: str) -> str:
    """Return the character as Rust's Debug form of a char writes it."""
    if character in _ESCAPES:
        return f"'{_ESCAPES[character]}'"
    joins = unicodedata.category(character) in ("Mn", "Me") or character in _JOINING_MARKS
    return f"'{character}'" if character.isprintable() and not joins else f"'\\u{{{ord(character):x}}}'"

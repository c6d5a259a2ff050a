"""Checks bodies as the authenticator's OpenAPI document does, and tells errors in its words (contract tapis 1.6)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .refusal import TapisRefusal

JSON = "application/json"
_TYPES = {str: "string", bool: "boolean"}
_SECRETS = {"password", "client_key", "client_secret", "refresh_token", "device_code", "code", "token"}
_SECRET = re.compile("|".join((*sorted(_SECRETS), r"\\u")), re.IGNORECASE)  # escaped letters may be a name too
_LONGEST_SHOWN = 200


def checked(body: Any, members: Mapping[str, type], required: Iterable[str] = (), verb: str = "POST") -> dict[str, Any]:
    """Return the body, an object whose known members have the right types; others are let pass. Raises TapisRefusal."""
    if not isinstance(body, dict):
        shown = shortened(repr(body))
        raise _invalid_value(shown, [f"{shown} is not of type 'object'"], verb)
    found = [f"{name!r} is a required property" for name in required if name not in body]
    for name, kind in members.items():
        if name in body and not isinstance(body[name], kind):
            value = _harmless(name, body[name], members)
            found.append("None for not nullable" if value is None else f"{value!r} is not of type '{_TYPES[kind]}'")
    refuse_nul(body.values(), verb)
    if found:
        shown = repr({name: _harmless(name, value, members) for name, value in body.items()})
        raise _invalid_value(shown, found, verb)
    return body


def refuse_nul(values: Iterable[Any], verb: str = "POST") -> None:
    """Raise TapisRefusal for a text with a NUL, which no database can hold."""
    if any(isinstance(value, str) and "\0" in value for value in values):
        raise invalid("DataError(a text holds a NUL)", verb)


def invalid(errors: str, verb: str = "POST") -> TapisRefusal:
    """Return the refusal of a body: the repr of a list of errors, which a period ends after POST alone."""
    return TapisRefusal(f"Invalid {verb} data: [{errors}]" + ("." if verb == "POST" else ""))


def media_type_not_found(media_type: str, available: list[str], verb: str = "POST") -> TapisRefusal:
    """Return the refusal of a content type."""
    return invalid(f"MediaTypeNotFound(mimetype={media_type!r}, availableMimetypes={available!r})", verb)


def shortened(text: str) -> str:
    """Return what an error may repeat of a text that nobody could read: up to the first name of a secret in it."""
    secret = _SECRET.search(text)
    return text[:_LONGEST_SHOWN] if secret is None else f"{text[: min(secret.start(), _LONGEST_SHOWN)]}***"


def _invalid_value(shown: str, messages: list[str], verb: str) -> TapisRefusal:
    errors = "".join(f"<ValidationError: {message!r}>," for message in messages)
    return invalid(f"InvalidSchemaValue(value={shown}, type='object', schema_errors=({errors}))", verb)


def _harmless(name: str, value: Any, members: Mapping[str, type]) -> Any:
    """Return what an error may repeat of a member: the real service repeats all of it, passwords included."""
    known = name in members and name not in _SECRETS
    return value if value is None or (known and isinstance(value, str | int | float)) else "***"

"""Reads the parameters of a protocol request, as RFC 6749 3.2 and appendix B want them: a form, in the body, each once."""

import re
from collections import Counter
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Payload

LARGEST_BODY = 65_536
_MOST_PARAMETERS = 100
_LONGEST_RESOURCES = 4_096
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_KNOWN = frozenset(
    [
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "device_code",
        "grant_type",
        "max_age",
        "nonce",
        "password",
        "prompt",
        "redirect_uri",
        "refresh_token",
        "response_mode",
        "response_type",
        "scope",
        "state",
        "token",
        "token_type_hint",
        "username",
    ]
)
_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!$-;=?-Z_a-z~\[\]]+")
_FORM = "application/x-www-form-urlencoded"


class InvalidTargetError(OAuth2Error):
    """A resource that cannot be one (RFC 8707 2)."""

    error = "invalid_target"


class Parameters(OAuth2Payload):
    """The parameters of one request: `data` has one value each, `datalist` all of them (`resource` may repeat)."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._data = {name: value for name, value in pairs if value}

    @property
    def data(self) -> dict[str, str]:
        """Each parameter that has a value; one without counts as absent (RFC 6749 3.2)."""
        return self._data

    @property
    def datalist(self) -> dict[str, list[Any]]:
        """Every value of each parameter."""
        found: dict[str, list[Any]] = {}
        for name, value in self._pairs:
            if value:
                found.setdefault(name, []).append(value)
        return found


def form_parameters(content_type: str, body: bytes, json_too: bool) -> Parameters:
    """Return the parameters of a body. Raises InvalidRequestError, in words that repeat no value."""
    media_type, _, options = content_type.partition(";")
    kind = media_type.strip().lower()
    if len(body) > LARGEST_BODY:
        raise InvalidRequestError(f"The body is larger than {LARGEST_BODY} bytes", status_code=413)
    if json_too and kind == "application/json":
        return parameters_of(_json_pairs(body))
    if kind != _FORM and (body or kind):
        raise InvalidRequestError(f"Parameters are read from a body of type {_FORM} only")
    if "charset" in options.lower() and not re.search(r"charset\s*=\s*'?\"?utf-?8", options, re.IGNORECASE):
        raise InvalidRequestError("The body must be UTF-8")
    return parameters_of(pairs_of(body))


def pairs_of(encoded: bytes) -> list[tuple[str, str]]:
    """Return names and values of a form or a query string. Raises InvalidRequestError for what is badly encoded."""
    try:
        text = encoded.decode()
        if _BAD_ESCAPE.search(text):
            raise InvalidRequestError("A percent sign is not followed by two hex digits")
        parts = text.split("&", _MOST_PARAMETERS)
        if len(parts) > _MOST_PARAMETERS:
            raise InvalidRequestError(f"There are more than {_MOST_PARAMETERS} parameters")
        return [_pair(part) for part in parts if part]
    except UnicodeDecodeError:
        raise InvalidRequestError("The parameters are not UTF-8") from None


def _pair(part: str) -> tuple[str, str]:
    """Return a name and its value; `parse_qsl` decodes each a second time, which is a tenth of a poll."""
    name, _, value = part.partition("=")
    if "%" in part or "+" in part:
        return unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
    return name, value


def parameters_of(pairs: list[tuple[str, str]]) -> Parameters:
    """Return checked parameters. Raises InvalidRequestError for one that is there twice or holds a NUL."""
    if any("\0" in value for _, value in pairs):
        raise InvalidRequestError("A parameter holds a NUL")
    if len(dict(pairs)) < len(pairs):
        _refuse_twice(Counter(name for name, _ in pairs))
    return Parameters(pairs)


def _refuse_twice(counted: Counter[str]) -> None:
    for name in _KNOWN & counted.keys():
        if counted[name] > 1:
            raise InvalidRequestError(f"The parameter {name} is there more than once")


def resource_of(parameters: Parameters) -> str:
    """Return the resources that were asked for, as one text. Raises InvalidTargetError for no absolute URI (RFC 8707 2)."""
    asked: list[str] = parameters.datalist.get("resource", [])
    if not all(_ABSOLUTE_URI.fullmatch(resource) for resource in asked):
        raise InvalidTargetError("A resource is not an absolute URI without fragment")
    resources = " ".join(dict.fromkeys(asked))
    if len(resources) > _LONGEST_RESOURCES:  # They stand in the access token, which has to fit into a header.
        raise InvalidTargetError("The resources are too long")
    return resources


def refuse_query(query_string: bytes) -> None:
    """Raise InvalidRequestError for a protocol parameter in the URL, where proxies log it (RFC 6749 2.3.1, X-13)."""
    if not query_string:
        return
    misplaced = sorted(_KNOWN & {name for name, _ in pairs_of(query_string)})
    if misplaced:
        raise InvalidRequestError(
            f"Parameters belong in the body, as {_FORM}, not in the query: {', '.join(misplaced)}"
        )


def _json_pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequestError("The body is not valid JSON") from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise InvalidRequestError("The body must be a JSON object of strings")
    return list(found.items())

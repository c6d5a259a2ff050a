"""Hides secrets, private keys, tokens, codes and passwords by the names of their fields. What it lets pass is stored.

A text whose fields it cannot tell is for its caller to leave out. Whatever it has hidden it hides wherever else it
stands in the same exchange: answers repeat what they were sent.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, unquote_plus

HIDDEN = "***"

_SECRET = re.compile(
    r"secret|passw|pwd|private_?key|client_?key|api_?key|credential|verifier|assertion|csrf|cookie|jwt|"
    r"verification_ur[il]_complete|tokens?$|token_hint$|session(_id)?$|authorization$|signature$|"
    r"(^|user|device|auth|authorization)_?code$|handle$"
)
_HARMLESS = frozenset(("token_type_hint",))
_LEAST = 4  # letters of a secret that is looked for elsewhere; a shorter one would blot out half of any text
_MOST = 200  # secrets that are looked for elsewhere; where there are more, no text is shown at all
_ADDRESSES = frozenset(("location", "content-location", "referer", "link", "refresh"))
_TELLTALE = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)|"
    r"eyJ[\w-]{5,}+(?:\.[\w-]{5,}+\.[\w-]*|(?P<harmless>))|"  # Harmless ones are read past, or each would be read anew.
    r"(?<=/device/simulator/)[\w-]{9,}|"
    # A secret of TMS, in whatever field somebody has put it.
    r"(?<![0-9A-Za-z])[0-9a-f]{48}(?![0-9A-Za-z])",
    re.DOTALL,
)
_SIGNS = ("eyJ", "-----BEGIN", "/device/simulator/")
_SHORTEST_SECRET = 48  # letters of one of TMS
_FIELD_NAME = re.compile(r"[\w.~*:\[\]-]{1,100}")
_SCHEMES = frozenset(("basic", "bearer", "digest"))
# A word begins behind what is no letter, however often that was percent-encoded.
_BEFORE = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=25[0-9A-Fa-f]{2}))"
_QUOTED = re.compile(r'"[^"]*"|`[^`]*`')


@lru_cache(1_000)
def is_secret(name: str) -> bool:
    """Return whether a header, member, field or parameter of this name holds what nobody may read later."""
    plain = name.lower().replace("-", "_")
    return plain not in _HARMLESS and _SECRET.search(plain) is not None


def _told(found: re.Match[str]) -> str:
    return HIDDEN if found["harmless"] is None else found[0]


class Redaction:
    """That of one request and its answer, the request first."""

    def __init__(self) -> None:
        self._hidden: set[str] = set()

    def headers(self, headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
        """Return headers by name; one that is repeated stands once, its values behind commas (RFC 9110 5.3)."""
        shown: dict[str, str] = {}
        for raw_name, raw_value in headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            value = self._header(name, value)
            shown[name] = f"{shown[name]}, {value}" if name in shown else value
        return shown

    def address(self, text: str) -> str:
        """Return a URL or a path, the secrets in its query and its fragment hidden."""
        head, hash_mark, fragment = text.partition("#")
        path, mark, query = head.partition("?")
        return f"{self.text(path)}{mark}{self.form(query)}{hash_mark}{self.form(fragment)}"

    def form(self, text: str) -> str:
        """Return a form-encoded text; what is not hidden stays as it was written."""
        fields = text.split("&")
        secrets = [self._secret_field(field) for field in fields]  # Others may repeat them, in front of them too.
        return "&".join(
            self._field(field) if secret is None else secret for field, secret in zip(fields, secrets, strict=True)
        )

    def document(self, value: Any) -> Any:
        """Return a JSON value. An object below a secret name is told apart by its own members."""
        self._look_for_secrets(value, "")
        return self._document(value, "")

    def text(self, text: str) -> str:
        """Return a text that has no fields, without what was hidden before and what betrays itself."""
        if len(self._hidden) > _MOST:
            return HIDDEN
        if len(text) >= _SHORTEST_SECRET or any(sign in text for sign in _SIGNS):
            text = _TELLTALE.sub(_told, text)
        for secret in self._hidden:
            if secret in text:
                text = re.sub(rf"{_BEFORE}{re.escape(secret)}(?![A-Za-z0-9])", HIDDEN, text)
        return text

    def unquoted(self, text: str) -> str:
        """Return a text without what it quotes, where that may come out of a request that nobody could look into."""
        return self.text(_QUOTED.sub(HIDDEN, text))

    def hide(self, value: str) -> str:
        """Return what stands for a secret, and look for it from now on."""
        if len(value) >= _LEAST:
            self._hidden.add(value)
        return HIDDEN if value else ""

    def _look_for_secrets(self, value: Any, name: str) -> None:
        if isinstance(value, dict):
            for member, inner in value.items():
                self._look_for_secrets(inner, member)
        elif isinstance(value, list):
            for inner in value:
                self._look_for_secrets(inner, name)
        elif is_secret(name):
            self.hide(str(value))

    def _document(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return {member: self._document(inner, member) for member, inner in value.items()}
        if isinstance(value, list):
            return [self._document(inner, name) for inner in value]
        if value is None or isinstance(value, bool):
            return value
        if is_secret(name):
            return HIDDEN if value != "" else ""
        return self._value(value) if isinstance(value, str) else value

    def _value(self, text: str) -> str:
        return self.address(text) if "?" in text and "=" in text else self.text(text)

    def _secret_field(self, field: str) -> str | None:
        """Return a field whose value is hidden, or None for one that holds no secret."""
        raw_name, equals, raw_value = field.partition("=")
        name = unquote_plus(raw_name)
        if not equals or _FIELD_NAME.fullmatch(name) is None:
            return self.hide(unquote_plus(field))
        return f"{raw_name}={self.hide(unquote_plus(raw_value))}" if is_secret(name) else None

    def _field(self, field: str) -> str:
        raw_name, _, raw_value = field.partition("=")
        value = unquote_plus(raw_value)
        shown = self._value(value)
        return f"{raw_name}={raw_value if shown == value else quote_plus(shown, safe='*')}"

    def _header(self, name: str, value: str) -> str:
        if name == "cookie":
            return "; ".join(self._cookie(pair) for pair in value.split("; "))
        if name == "set-cookie":
            pair, semicolon, attributes = value.partition(";")
            return f"{self._cookie(pair)}{semicolon}{attributes}"
        if name.endswith("authorization"):
            return self._credentials(value)
        if is_secret(name):
            return self.hide(value)
        return self.address(value) if name in _ADDRESSES else self.text(value)

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        return f"{name}={self.hide(value)}" if equals else self.hide(name)

    def _credentials(self, value: str) -> str:
        scheme, space, shown = value.partition(" ")
        if not space or scheme.lower() not in _SCHEMES:
            return self.hide(value)
        self.hide(shown.strip())
        if scheme.lower() == "basic":
            try:
                _, _, secret = base64.b64decode(shown.strip()).decode().partition(":")
            except (binascii.Error, ValueError):
                secret = ""
            self.hide(secret)
            self.hide(unquote_plus(secret))
        return f"{scheme} {HIDDEN}"

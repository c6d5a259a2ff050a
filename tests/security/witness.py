"""Hears every request and answer of a client and knows from them what is secret. It sends nothing itself."""

import base64
import binascii
import html
import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import httpx

# Names under which something secret is sent or handed out; the test's own list, and not that of the journal.
SECRET = {
    *("client_secret", "client_key", "admin_secret", "private_key", "password", "x-tms-client-secret"),
    *("x-tms-admin-secret", "x-tapis-token", "access_token", "refresh_token", "id_token", "token", "assertion"),
    *("code", "device_code", "user_code", "code_verifier", "csrf_token", "session", "standin_session"),
}
# What a page shows to the person that it belongs to, or the answer of an endpoint whose work it is.
SHOWN_AGAIN = {"csrf_token", "user_code", "code", "session", "standin_session"}
MISPLACED = "misplaced"
PUBLISHED = {"secret1", "adminsecret1", "password1", "password2"}
_LEAST = 6


class Witness:
    """What was heard: secrets by the name under which they were met first, and answers that tell what they may not."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.told: list[str] = []

    async def hear(self, answer: httpx.Response) -> None:
        """Take in a request and its answer; httpx calls this."""
        await answer.aread()
        self._learn(pairs_of_request(answer.request))
        handed = {value for _, value in pairs_of_answer(answer)}
        for value, name in self.secrets.items():
            is_open = value in PUBLISHED | handed or self._may_repeat(answer.request, name, value)
            if not is_open and value in html.unescape(answer.text):
                self.told.append(f"{answer.request.method} {answer.request.url.path} tells a {name}")
        self._learn(pairs_of_answer(answer))

    def _may_repeat(self, request: httpx.Request, name: str, value: str) -> bool:
        """Tell whether an answer may repeat a secret: a page its own, and a refusal what its sender has misplaced.

        The real server repeats a value of the wrong type (contract 6.3), and a page's form leads to its own path.
        """
        sent = request.url.path + request.content.decode("utf-8", "replace")
        return name in SHOWN_AGAIN or value in request.url.path or (name == MISPLACED and value in sent)

    def learn(self, name: str, value: str) -> str:
        """Take in a secret that was sent where none belongs, and return it."""
        self.secrets.setdefault(value, name)
        return value

    def _learn(self, pairs: list[tuple[str, str]]) -> None:
        for name, value in pairs:
            if len(value) >= _LEAST:
                self.learn(name, value)

    def found_in(self, text: str, but: set[str] = frozenset()) -> list[str]:
        """Return the names of the secrets that stand in a text, but those of some names and values."""
        known = {value: name for value, name in self.secrets.items() if name not in but and value not in but}
        inside = [name for value, name in known.items() if spelled(value, text)]
        return sorted(inside)


def spelled(value: str, text: str) -> bool:
    """Tell whether a value stands in a text as a whole, as it is or as JSON writes it."""
    return any(
        re.search(rf"(?<![A-Za-z0-9]){re.escape(each)}(?![A-Za-z0-9])", text) is not None
        for each in {value, json.dumps(value)[1:-1]}
        if each in text
    )


def pairs_of_request(request: httpx.Request) -> list[tuple[str, str]]:
    """Return what is secret in a request by its name: in headers, query, form, JSON and Basic."""
    found = [(name, value) for name, value in request.headers.items() if name in SECRET]
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        found.append(("access_token", shown))
    if scheme.lower() == "basic":
        found += [("client_secret", shown), ("client_secret", _password(shown))]
    found += [pair for pair in parse_qsl(request.url.query.decode()) if pair[0] in SECRET]
    return found + _of_text(request.content.decode("utf-8", "replace"))


def pairs_of_answer(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return what is secret in an answer: in JSON, in the way on, in cookies and in a page's hidden fields."""
    where = urlsplit(answer.headers.get("location", ""))
    found = [pair for part in (where.query, where.fragment) for pair in parse_qsl(part) if pair[0] in SECRET]
    if handle := re.search(r"/device/simulator/([\w-]{20,})", where.path):
        found.append(("device_code", handle[1]))
    found += [(name, value) for name, value in answer.cookies.items() if name in SECRET]
    if "html" in answer.headers.get("content-type", ""):
        return found + [
            ("csrf_token", value) for value in re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', answer.text)
        ]
    return found + _of_text(answer.text)


def _password(shown: str) -> str:
    try:
        return unquote_plus(base64.b64decode(shown).decode().partition(":")[2])
    except (binascii.Error, ValueError):
        return ""


def _of_text(text: str) -> list[tuple[str, str]]:
    try:
        return list(_of_value(json.loads(text), ""))
    except ValueError:
        return [pair for pair in parse_qsl(text) if pair[0] in SECRET]


def _of_value(value: Any, name: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for member, inner in value.items() for pair in _of_value(inner, member)]
    if isinstance(value, list):
        return [pair for inner in value for pair in _of_value(inner, name)]
    return [(name, value)] if isinstance(value, str) and name in SECRET else []

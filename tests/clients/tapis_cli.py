"""The Rust tool `tapis-cli`, replayed: its requests byte for byte, and what it demands of the answers (contract tapis 5.1).

The contract's text is what this follows; the tool itself needs crates that cannot be installed here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.raw import Answer, exchange

POLL_SECONDS = 3
CLIENT_ID = "tapis_cli"
NOT_READY = "device code not ready."
OPTIONS = (
    "username",
    "password",
    "client_id",
    "client_key",
    "grant_type",
    "redirect_uri",
    "code",
    "device_code",
    "refresh_token",
)

Shape = Mapping[str, "type | Shape"]
HELLO: Shape = {"message": str, "status": str, "version": str}
HEALTH: Shape = {"status": str, "message": str, "result": str}
DEVICE_CODE: Shape = {
    "message": str,
    "status": str,
    "result": dict.fromkeys(("device_code", "user_code", "client_id", "expires_in", "verification_uri"), str),
}
TOKENS: Shape = {
    "message": str,
    "status": str,
    "result": {
        "access_token": {"access_token": str, "id_token": str, "expires_at": str, "expires_in": int, "jti": str}
    },
}


class ToolError(Exception):
    """The tool ends with exit status 1 and this text."""


def parsed(text: bytes) -> Any:
    """Return what serde_json makes of a body: UTF-8, one JSON text, no name twice. Raises ToolError."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ToolError("duplicate field")
        return dict(pairs)

    def no_number(word: str) -> Any:
        raise ToolError(f"{word} is no JSON")

    try:
        return json.loads(text.decode(), object_pairs_hook=once, parse_constant=no_number)
    except ValueError as error:
        raise ToolError(str(error)) from None


def shaped(value: Any, shape: Shape, where: str = "body") -> dict[str, Any]:
    """Return the members of a shape, each of exactly its type, an integer with 32 bits. Raises ToolError."""
    if not isinstance(value, dict):
        raise ToolError(f"{where} is no object")
    found = {}
    for name, kind in shape.items():
        if name not in value:
            raise ToolError(f"missing field `{name}` in {where}")
        if isinstance(kind, Mapping):
            found[name] = shaped(value[name], kind, name)
        elif type(value[name]) is not kind or (kind is int and not -(2**31) <= value[name] < 2**31):
            raise ToolError(f"`{name}` in {where} is not of the right type")
        else:
            found[name] = value[name]
    return found


def told(answer: Answer, shape: Shape) -> dict[str, Any]:
    """Return what the four commands that do not poll take from an answer, whose content type they ignore. Raises ToolError."""
    if not 200 <= answer.status < 300:
        raise ToolError(f"HTTP status client error ({answer.line})")
    return shaped(parsed(answer.body), shape)


def looked_up(value: Any, *path: str, kind: type) -> Any:
    """Return a member at the end of a path as `get-token` looks it up, without a shape. Raises ToolError."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if type(value) is not kind or (kind is int and not -(2**63) <= value < 2**63):
        raise ToolError(f"missing {' '.join(path[1:])} in response")
    return value


def device_code_of(body: Any) -> dict[str, str]:
    """Return what `get-token` takes of the device code's answer. Raises ToolError."""
    names = ("device_code", "user_code", "verification_uri")
    return {name: looked_up(body, "result", name, kind=str) for name in names}


def polled(body: Any) -> dict[str, Any] | None:
    """Return what `get-token` takes of a poll's answer, None where it polls on. Raises ToolError."""
    status, message = (body.get(name) if isinstance(body, dict) else None for name in ("status", "message"))
    if status == "success":
        taken = {"expires_at": str, "expires_in": int}
        return {
            f"{token}.{name}": looked_up(body, "result", token, name, kind=kind)
            for token in ("access_token", "refresh_token")
            for name, kind in {token: str, **taken}.items()
        }
    if message == NOT_READY:
        return None
    raise ToolError(f"token polling failed: {message if isinstance(message, str) else ''}")


@dataclass
class Tool:
    """The tool with its `--base-url`. Each request has a connection of its own; `sent` has their bytes."""

    base_url: str
    sent: list[bytes] = field(default_factory=list)

    def hello(self) -> dict[str, Any]:
        """Run `auth hello`. Raises ToolError."""
        return told(self._get("/v3/oauth2/hello"), HELLO)

    def healthcheck(self) -> dict[str, Any]:
        """Run `apps healthcheck`. Raises ToolError."""
        return told(self._get("/v3/apps/healthcheck"), HEALTH)

    def generate_device_code(self, client_id: str) -> dict[str, Any]:
        """Run `auth generate-device-code --client-id X`. Raises ToolError."""
        return told(self._post("/v3/oauth2/device/code", {"client_id": client_id}), DEVICE_CODE)

    def generate_tokens(self, **options: str) -> dict[str, Any]:
        """Run `auth generate-tokens` with the options that are given, underscores for dashes. Raises ToolError."""
        body = {name: options[name] for name in OPTIONS if name in options}
        return told(self._post("/v3/oauth2/tokens", body), TOKENS)

    def get_token(self, show: Callable[[dict[str, str]], None], sleep: Callable[[int], None]) -> dict[str, Any]:
        """Run `get-token`: `show` is told what the screen says, `sleep` passes the time. Raises ToolError."""
        begun = device_code_of(self._json("/v3/oauth2/device/code", {"client_id": CLIENT_ID}))
        show(begun)
        poll = {"client_id": CLIENT_ID, "device_code": begun["device_code"], "grant_type": "device_code"}
        while (tokens := polled(self._json("/v3/oauth2/tokens", poll))) is None:
            sleep(POLL_SECONDS)
        return tokens

    def _json(self, path: str, body: dict[str, str]) -> Any:
        return parsed(self._post(path, body).body)

    def _get(self, path: str) -> Answer:
        return self._exchanged(f"GET {self._prefix}{path} HTTP/1.1\r\naccept: */*\r\nhost: {self._host}\r\n\r\n")

    def _post(self, path: str, body: dict[str, str]) -> Answer:
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        return self._exchanged(
            f"POST {self._prefix}{path} HTTP/1.1\r\ncontent-type: application/json\r\naccept: */*\r\n"
            f"host: {self._host}\r\ncontent-length: {len(text.encode())}\r\n\r\n{text}"
        )

    def _exchanged(self, request: str) -> Answer:
        self.sent.append(request.encode())
        return exchange(urlsplit(self.base_url).port, self.sent[-1])

    @property
    def _host(self) -> str:
        return urlsplit(self.base_url).netloc

    @property
    def _prefix(self) -> str:
        return urlsplit(self.base_url).path.rstrip("/")

"""Sends requests over one kept-alive connection and reads whole answers, with as little CPU as asyncio allows."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

PATIENCE_SECONDS = 30


class NoAnswerError(Exception):
    """The connection ended before an answer was whole: whether the request has happened is open."""


@dataclass(frozen=True)
class Answer:
    """A status and a decoded body."""

    status: int
    body: Any

    @property
    def words(self) -> str:
        """Return the status with what the body says of a refusal, in one line."""
        told = self.body if isinstance(self.body, dict) else {}
        said = next((str(told[name]) for name in ("error", "detail", "result_msg", "message") if told.get(name)), "")
        return f"{self.status} {said}".strip() if self.status >= 400 else str(self.status)


class Caller:
    """One client of a server on this machine. It connects at the first request and after a lost connection."""

    def __init__(self, url: str) -> None:
        self._host, self._port = str(urlsplit(url).hostname), int(urlsplit(url).port or 80)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, form: bool = False
    ) -> Answer:
        """Return the answer to one request, whose body goes as JSON or as a form. Raises NoAnswerError."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._exchange(_request(method, path, body, headers or {}, form))
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            self.close()
            raise NoAnswerError(f"{method} {path}: {type(error).__name__}") from error

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status, _, fields = head.partition("\r\n")
        lengths = [line.partition(":")[2] for line in fields.split("\r\n") if line.startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0]) if lengths else 0)
        if "\r\nconnection: close\r\n" in head:
            self.close()
        return Answer(int(status.split(" ")[1]), _decoded(body))


def _request(method: str, path: str, body: Any, headers: dict[str, str], form: bool) -> bytes:
    named = dict(headers)
    encoded = b""
    if body is not None:
        encoded = urlencode(body).encode() if form else json.dumps(body).encode()
        named["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
        named["Content-Length"] = str(len(encoded))
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + encoded


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode("utf-8", "replace")

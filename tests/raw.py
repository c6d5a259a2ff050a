"""Requests as bytes: over a socket to a real server, or straight into an ASGI application. And a database's content."""

import json
import socket
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.edge import Application

PATIENCE_SECONDS = 20
JSON, TEXT = "application/json; charset=utf-8", "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """An answer as it came: the status line, the headers in their order and letter case, the body."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def status(self) -> int:
        """Return the status."""
        return int(self.line.split(" ")[1])

    @property
    def names(self) -> list[str]:
        """Return the names of the headers in their order."""
        return [name for name, _ in self.headers]

    @property
    def what(self) -> tuple[int, str, str]:
        """Return status, content type and body: all of an answer but its length and date."""
        return self.status, dict(self.headers)["content-type"], self.body.decode()


class Connection:
    """One connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self._reader = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send these bytes."""
        self.socket.sendall(data)

    def answer(self, to_head: bool = False) -> Answer:
        """Read one answer; that to HEAD has no body, whatever its content-length says."""
        line = self._reader.readline().decode().rstrip("\r\n")
        headers = []
        while field := self._reader.readline().decode().rstrip("\r\n"):
            name, _, value = field.partition(": ")
            headers.append((name, value))
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        length = 0 if to_head else int(lengths[0] if lengths else 0)
        return Answer(line, headers, self._reader.read(length))

    def rest(self) -> bytes:
        """Read to the end of the connection."""
        return self._reader.read()

    def close(self) -> None:
        """Close it."""
        self._reader.close()
        self.socket.close()


@contextmanager
def connected(port: int) -> Iterator[Connection]:
    """Connect, and close at the end."""
    with closing(Connection(port)) as connection:
        yield connection


def exchange(port: int, request: bytes, to_head: bool = False) -> Answer:
    """Send one request on a connection of its own and return the answer."""
    with connected(port) as connection:
        connection.send(request)
        return connection.answer(to_head)


def request_of(method: str, target: str, *headers: str, body: bytes | None = None) -> bytes:
    """Return a request; headers are lines such as `X-TMS-TENANT: test`, the body's length is added."""
    length = [] if body is None else [f"Content-Length: {len(body)}"]
    head = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: standin", *headers, *length])
    return head.encode("latin-1") + b"\r\n\r\n" + (body or b"")


# Asks for a key that is not there (E10). Without its last byte it is under way until that comes.
RETRIEVE = request_of(
    "POST",
    "/v1/tms/pubkeys/creds/retrieve",
    "Content-Type: application/json",
    body=b'{"user":"a","host":"b","public_key_fingerprint":"c"}',
)


async def ask(
    application: Application,
    method: str,
    path: bytes,
    headers: Iterable[tuple[bytes, bytes]] = (),
    query: bytes = b"",
    messages: Iterable[dict[str, Any]] = ({"type": "http.request"},),
) -> Answer:
    """Put one request into an ASGI application and return the answer; `messages` are what its `receive` gives."""
    coming, gone = iter(messages), []

    async def receive() -> dict[str, Any]:
        return next(coming)

    async def send(message: dict[str, Any]) -> None:
        gone.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "headers": list(headers),
    }
    await application(scope, receive, send)
    start, *bodies = gone
    named = [(name.decode(), value.decode()) for name, value in start["headers"]]
    return Answer(f"HTTP/1.1 {start['status']}", named, b"".join(message.get("body", b"") for message in bodies))


def envelope(status: int, message: str) -> tuple[int, dict[str, str]]:
    """Return a refusal of TMS as status and decoded body (contract 1.3)."""
    return status, {"result_code": str(status), "result_msg": message}


def decoded(answer: Any) -> tuple[int, Any]:
    """Return status and decoded body of an answer of httpx, the body as text where it is not JSON."""
    kind = answer.headers["content-type"]
    return answer.status_code, json.loads(answer.content) if kind == JSON else answer.text


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table of a SQLite file, read through a connection of its own."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY rowid").fetchall() for name in names}

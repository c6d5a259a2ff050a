"""The page's way to the control plane's own calls, in process, so that both obey one set of rules. It opens no socket."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.types import Message

_OWN = ("route", "endpoint", "path_params")  # what the router found for the page's own request


class Answer(NamedTuple):
    """A status and the decoded JSON, None where the body is empty."""

    status: int
    body: Any

    @property
    def sentence(self) -> str | None:
        """Return why the call was refused, or None."""
        return None if self.status < 400 else str(self.body["detail"])


NOTHING = Answer(204, None)


async def ask(
    request: Request, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None
) -> Answer:
    """Return what the control plane answers to a JSON call; `path` begins behind /_standin, already quoted."""
    sent = b"" if body is None else json.dumps(body).encode()
    pieces: list[bytes] = []
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": sent}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        pieces.append(message.get("body", b""))

    await request.app.router(_scope(request, method, path, query or {}), receive, send)
    text = b"".join(pieces)
    return Answer(status, json.loads(text) if text else None)


def _scope(request: Request, method: str, path: str, query: Mapping[str, Any]) -> dict[str, Any]:
    whole = request.scope["root_path"] + path
    hosts = [(name, value) for name, value in request.scope["headers"] if name == b"host"]
    return {name: value for name, value in request.scope.items() if name not in _OWN} | {
        "method": method,
        "path": whole,
        "raw_path": whole.encode(),
        "query_string": urlencode(query).encode(),
        "headers": [*hosts, (b"content-type", b"application/json")],
    }

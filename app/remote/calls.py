"""Sends one request to a running stand-in, by the standard library alone, and words what went wrong.

It asks no proxy, and each request has a connection of its own, so that threads may share a Server.
"""

import http.client
import json
import math
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from .refusals import CallRefused, Unreachable

CONNECT_SECONDS = 30
PREFIX = "/_standin/"


class Answer(NamedTuple):
    """What a server answered; `content_type` is empty where it named none."""

    status: int
    content_type: str
    body: bytes


class Exchange(Protocol):
    """How a request gets to a stand-in: over a socket (Server), or inside the process."""

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer:
        """Return the answer. Raises Unreachable."""


@dataclass(frozen=True)
class Server:
    """A stand-in at a URL. `token` is its standin.control_token, `authority` the PEM file that https needs."""

    url: str
    token: str | None = field(default=None, repr=False)
    authority: Path | None = None
    longest: float = math.inf

    def patient(self, seconds: float) -> "Server":
        """Return the same stand-in, for which no answer is waited for longer than this."""
        return replace(self, longest=seconds)

    def __call__(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"", seconds: float = CONNECT_SECONDS
    ) -> Answer:
        """Return the answer to one request, whose `target` is a path and a query. Raises Unreachable."""
        bearer = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        connection = self._connection(min(seconds, self.longest))
        try:
            connection.request(method, target, body or None, {**headers, **bearer})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers.get("content-type", ""), answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{self.url} does not answer: {_reason(error)}.") from error
        finally:
            connection.close()

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        address = urlsplit(self.url)
        host = address.hostname or ""
        if address.scheme == "http":
            return http.client.HTTPConnection(host, address.port, timeout=seconds)
        return http.client.HTTPSConnection(host, address.port, timeout=seconds, context=trust_in(self.authority))


def trust_in(authority: Path | None) -> ssl.SSLContext:
    """Return how to check a server's certificate: by a PEM file, which need not be an authority's, or the system's."""
    context = ssl.create_default_context(cafile=authority)
    if authority is not None:
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def call(
    exchange: Exchange, method: str, path: str, document: Any = None, raw: bytes = b"", seconds: float = CONNECT_SECONDS
) -> Any:
    """Make one call of the control plane and return its JSON, its bytes where it answers something else, or None.

    `path` stands behind /_standin/; `document` is sent as JSON, `raw` as a database file.
    Raises CallRefused and Unreachable.
    """
    headers = {}
    if document is not None:
        headers, raw = {"Content-Type": "application/json"}, json.dumps(document).encode()
    elif raw:
        headers = {"Content-Type": "application/vnd.sqlite3"}
    answer = exchange(method, PREFIX + path, headers, raw, seconds)
    if answer.status >= 300:
        raise _refused(answer)
    if "json" in answer.content_type:
        return json.loads(answer.body)
    return answer.body or None


def _refused(answer: Answer) -> CallRefused:
    if "problem+json" not in answer.content_type:
        reason = http.client.responses.get(answer.status, "")
        return CallRefused(answer.status, f"{answer.status} {reason}: this is no answer of a stand-in's control plane.")
    problem = json.loads(answer.body)
    fields = {error["field"]: error["detail"] for error in problem.get("errors", ())}
    return CallRefused(answer.status, f"{answer.status} {problem['title']}: {problem['detail']}", fields)


def _reason(error: Exception) -> str:
    """Return the system's words in lower case, without its numbers."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return re.sub(r"^\[.*?\] *", "", " ".join(words.split())).rstrip(".").lower()

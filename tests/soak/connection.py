"""One kept-alive HTTP/1.1 connection to this machine. It knows neither scenarios nor what is right."""

import asyncio
import re
from typing import NamedTuple
from urllib.parse import urlsplit

ANSWER_SECONDS = 30.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class NoAnswerError(Exception):
    """A request has no whole answer; the message says why."""


class Connection:
    """Opens itself when it is first used, and again after a failure; `opened` counts."""

    def __init__(self, url: str) -> None:
        """Take the base URL of a server."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.opened = 0

    async def ask(self, request: bytes) -> Answer:
        """Send a whole request and return its answer. Raises NoAnswerError, and the connection is a new one then."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._ask(request)
        except TimeoutError:
            self.close()
            raise NoAnswerError(f"no answer within {ANSWER_SECONDS:g} s") from None
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            self.close()
            raise NoAnswerError(f"{type(error).__name__}: {error}") from error

    async def _ask(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
            self.opened += 1
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None:
            raise ValueError("the answer has no Content-Length")
        return Answer(int(head[9:12]), await reader.readexactly(int(length[1])))

    def close(self) -> None:
        """Let go of the socket."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

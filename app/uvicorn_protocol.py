"""uvicorn's HTTP protocol with a bound on what one connection may make it remember, answered as contract 6.4 wants.

llhttp has no bound of its own. It touches names of uvicorn's pinned version, like uvicorn_connection.py.
"""

import asyncio
import re
import resource

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .uvicorn_connection import is_stopping

LARGEST_HEAD = 440_000  # bytes of headers, or of trailers, in all
LONGEST_TARGET = 65_534
MOST_HEADERS = 100
# When the server stops: what a request has left to be answered and read, then a peer to close its end. Both have to fit
# into the 1.1 seconds after which uvicorn reports an error and ends, whatever is open.
LAST_ANSWERS_SECONDS = 0.8
GOODBYE_SECONDS = 0.15
SPARE_FILES = 64  # that no connection takes: the database's, the journal's, those of a module that is loaded late

_BAD, _LONG_TARGET, _LARGE_HEAD = b"400 Bad Request", b"414 URI Too Long", b"431 Request Header Fields Too Large"


_HOST_ALONE = re.compile(rb"^(https?://[^/?#]+)(?=$|\?)", re.IGNORECASE)


class TooMuchError(Exception):
    """The head of a request is out of bounds; what ends the parser's work has to be an exception."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. What is out of bounds, or no HTTP at all, is answered without a body and ends it.

    What every request passes calls uvicorn's method by its class: four times super() cost half a microsecond.
    """

    _unread = 0  # bytes since the parser has last handed on a head, a piece of a body or an end
    _refusal = _BAD

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's signature
        """Take a connection, unless the server stops, or those that are there have taken all files but the spare ones."""
        super().connection_made(transport)
        if is_stopping():  # Its handshake was under way when the others were told.
            transport.abort()
            return
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if resource.RLIM_INFINITY != most < len(self.connections) + SPARE_FILES:
            self.logger.warning("There are %d connections already: one more was closed.", len(self.connections) - 1)
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection that has ended, in order or not: its timer would keep it for as long as it may be idle."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Parse what has come, unless the head that it belongs to is too large already."""
        self._unread += len(data)
        HttpToolsProtocol.data_received(self, data)
        # Headers are counted here and at their end: a call for each of them would cost every request a microsecond.
        too_large = self._unread > LARGEST_HEAD or len(self.headers or ()) > MOST_HEADERS
        if too_large and not self.transport.is_closing():
            self._refusal = _LARGE_HEAD
            self.flow.pause_reading()  # Of what the parser has refused itself it takes no more.
            self.send_400_response("The head is too large.")

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target. Raises TooMuchError."""
        HttpToolsProtocol.on_url(self, url)
        if len(self.url) > LONGEST_TARGET:
            self._refusal = _LONG_TARGET
            raise TooMuchError

    def on_headers_complete(self) -> None:
        """Begin to answer. Raises TooMuchError."""
        large = (
            self._unread > LARGEST_HEAD and sum(len(name) + len(value) for name, value in self.headers) > LARGEST_HEAD
        )
        if large or len(self.headers) > MOST_HEADERS:
            self._refusal = _LARGE_HEAD
            raise TooMuchError
        self._unread = 0
        if not self.url.startswith(b"/"):  # uvicorn has no words for a URL that ends with its host (contract 1.1).
            self.url = _HOST_ALONE.sub(rb"\1/", self.url, count=1)
        HttpToolsProtocol.on_headers_complete(self)

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body on."""
        self._unread = 0
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._unread = 0
        HttpToolsProtocol.on_message_complete(self)

    def shutdown(self) -> None:
        """Close the connection, since the server stops: now, or once what it asked for is answered, or has had its time.

        What was written may still be read meanwhile. Over TLS the peer is told of the end, but its answer is not waited
        for (RFC 8446, section 6.1): most clients that rest give none.
        """
        super().shutdown()
        self.loop.call_later(LAST_ANSWERS_SECONDS, self._part)

    def _part(self) -> None:
        self.transport.close()
        self.loop.call_later(GOODBYE_SECONDS, self.transport.abort)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words are for its log
        """Answer without a body, and end the connection; uvicorn calls this for what is no HTTP.

        A request in front of it that is there whole may change something: its own answer ends the connection then.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            if not self.cycle.more_body:
                self.cycle.keep_alive = False
                return
            self.cycle.disconnected = True  # Whatever is still to be answered there would come behind this.
            self.cycle.message_event.set()
        date = self.app.clock.http_date()
        head = b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\ndate: %s\r\n\r\n"
        self.transport.write(head % (self._refusal, date))
        self.transport.close()

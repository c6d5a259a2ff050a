"""The callback of a client in the browser walks: a loopback server that notes what the browser brings."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Callback(BaseHTTPRequestHandler):
    """A command-line tool's own little server: it notes what the browser brings."""

    def do_GET(self) -> None:
        """Note the query and the referrer."""
        self.server.brought.append((dict(parse_qsl(urlsplit(self.path).query)), self.headers["referer"]))
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<link rel=icon href='data:,'><h1>Back</h1>")

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def callback() -> Iterator[HTTPServer]:
    """Run such a server on a free port."""
    with HTTPServer(("127.0.0.1", 0), Callback) as server:
        server.brought = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

"""One line for each request, and the hints, written by a thread of its own. No header, query or body gets here."""

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TextIO

from .clock import Clock

_ROOM = 200_000  # lines that may wait for a slow terminal or pipe before lines are dropped
_PAUSE = 0.05  # seconds between two writes


class RequestLog:
    """Lines are formatted where the request ends, about a microsecond each; writing never holds the loop."""

    def __init__(self, clock: Clock, log_format: str, stream: TextIO | None = None) -> None:
        self._clock = clock
        self._stream = stream or sys.stdout
        self._json = log_format == "json"
        self._lines: list[str] = []
        self._dropped = 0
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._millisecond = -1
        self._at = ""

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Run the writing thread; at the end everything that waits is written."""
        thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._wake.set()
            thread.join()

    def request(self, method: str, raw_path: bytes, status: int, started: float) -> None:
        """Note one answered request; `started` is the stopwatch's value, status 0 a connection that was dropped."""
        took = int((self._clock.stopwatch() - started) * 1_000_000)
        millisecond = int(self._clock.seconds() * 1000)
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            self._at = datetime.fromtimestamp(millisecond / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        path = raw_path.decode("latin-1")
        if self._json:
            what = f'"method":{json.dumps(method)},"path":{json.dumps(path)},"status":{status},"took_ms":{took / 1000}'
            self._add(f'{{"at":"{self._at}",{what}}}\n')
        else:
            self._add(f"{self._at} {method} {path} {status} {took}us\n")

    def hint(self, text: str) -> None:
        """Note a sentence for the person who reads the log; it may have several lines."""
        if self._json:
            self._add(json.dumps({"hint": text}) + "\n")
        else:
            self._add("".join(f"  hint: {line}\n" for line in text.splitlines()))

    def _add(self, line: str) -> None:
        if len(self._lines) >= _ROOM:
            self._dropped += 1
            return
        if not self._lines:
            self._wake.set()
        self._lines.append(line)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            self._stop.wait(_PAUSE)
            self._write()

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        if self._dropped:
            lines.append(f"  {self._dropped} lines were dropped because nobody read them\n")
            self._dropped = 0
        with contextlib.suppress(OSError, ValueError):  # A reader that is gone must not take the server along.
            self._stream.write("".join(lines))
            self._stream.flush()

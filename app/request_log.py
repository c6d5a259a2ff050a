"""One line for each request, and the hints, written by a thread of its own. No header, query or body gets here.

Lines are counted and joined where they are made, a piece at a time: a thread that took each from another core's memory
made them nearly twice as dear.
"""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TextIO

from .clock import Clock
from .telltale import without_secrets

Answered = tuple[str, bytes, int, int]  # method, raw path, status, microseconds
Observer = Callable[[list[Answered]], None]

_ROOM = 200_000  # lines that may wait for a slow terminal or pipe before lines are dropped
_LONGEST_PATH = 500  # letters of a path that a line shows
_PATHS = 1_000  # paths whose text is remembered
_PIECE = 64  # lines: 0.03 ms of the loop's time, 0.4 ms where each has a path that was not seen before
_PAUSE = 0.05  # seconds between two writes
_LAST_LINES = 1.0  # seconds that the end waits for a reader


class RequestLog:
    """Lines are formatted where the request ends, about a microsecond each; writing never holds the loop."""

    def __init__(self, clock: Clock, log_format: str, stream: TextIO | None = None) -> None:
        self._clock = clock
        self._stream = stream or sys.stdout
        self._json = log_format == "json"
        self._encoding = self._stream.encoding or "utf-8"
        self._lines: list[str] = []
        self._pieces: list[bytes] = []
        self._in_pieces = 0  # lines
        self._lock = threading.Lock()
        self._answered: list[Answered] = []
        self._observer: Observer | None = None
        self._dropped = 0
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._paths: dict[bytes, str] = {}
        self._millisecond = -1
        self._at = ""

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Run the writing thread; at the end everything that waits is written, unless nobody reads it."""
        thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._wake.set()
            thread.join(_LAST_LINES)
            if not thread.is_alive():
                self._write()  # What came after the thread's last look.

    def request(self, method: str, raw_path: bytes, status: int, started: float) -> None:
        """Note one answered request; `started` is the stopwatch's value, status 0 a connection that was dropped."""
        took = int((self._clock.stopwatch() - started) * 1_000_000)
        self._answered.append((method, raw_path, status, took))
        millisecond = int(self._clock.seconds() * 1000)
        if millisecond != self._millisecond:
            self._begin(millisecond)
        path = self._paths.get(raw_path) or self._shown(raw_path)
        if self._json:
            what = f'"method":{json.dumps(method)},"path":{json.dumps(path)},"status":{status},"took_ms":{took / 1000}'
            self._add(f'{{"at":"{self._at}",{what}}}\n')
        else:
            self._add(f"{self._at} {method} {path} {status} {took}us\n")

    def observe(self, observer: Observer) -> None:
        """Have a function told of every answered request, many at a time: it is called in any thread."""
        self._observer = observer

    def tell_observer(self) -> None:
        """Tell what it has not been told yet."""
        answered, self._answered = self._answered, []
        if self._observer is not None:
            self._observer(answered)

    def _begin(self, millisecond: int) -> None:
        """Make the time stamp that the lines of this millisecond share."""
        self._millisecond = millisecond
        self._at = datetime.fromtimestamp(millisecond / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"

    def _shown(self, raw_path: bytes) -> str:
        """Return a path as a line shows it, cut where it is endless, and remember it: a load has few of them."""
        shown = without_secrets(raw_path.decode("ascii", "backslashreplace"))
        text = _visible(shown[:_LONGEST_PATH])
        if len(shown) > _LONGEST_PATH:
            return f"{text}..."
        if len(self._paths) >= _PATHS:
            self._paths.clear()
        self._paths[raw_path] = text
        return text

    def hint(self, *lines: str) -> None:
        """Note something for the person who reads the log. Nothing in a line can begin another one."""
        self._add(self._hint(*lines))

    def _hint(self, *lines: str) -> str:
        shown = [_visible(line) for line in lines]
        if self._json:
            return json.dumps({"hint": "\n".join(shown)}) + "\n"
        return "".join(f"  hint: {line}\n" for line in shown)

    def _add(self, line: str) -> None:
        if len(self._lines) + self._in_pieces >= _ROOM:
            self._dropped += 1
            self.tell_observer()  # Its thread, which would, waits for a reader.
            return
        self._lines.append(line)
        gathered = len(self._lines)  # The thread may have taken the others a moment ago.
        if gathered == 1:
            self._wake.set()
        elif gathered >= _PIECE:
            self._close_piece()

    def _close_piece(self) -> None:
        self.tell_observer()
        with self._lock:
            lines, self._lines = self._lines, []
            self._pieces.append("".join(lines).encode(self._encoding, "backslashreplace"))
            self._in_pieces += len(lines)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            self._stop.wait(_PAUSE)
            self._write()

    def _write(self) -> None:
        self._close_piece()
        with self._lock:
            pieces, self._pieces, self._in_pieces = self._pieces, [], 0
        if self._dropped:
            pieces.append(
                self._hint(f"{self._dropped} lines were dropped because nobody read them").encode(self._encoding)
            )
            self._dropped = 0
        with contextlib.suppress(OSError, ValueError):  # A reader that is gone must not take the server along.
            self._put(b"".join(pieces))

    def _put(self, data: bytes) -> None:
        """Write past the stream's buffer where there is a file: its lock, held, would keep the process from ending."""
        try:
            descriptor = self._stream.fileno()
        except (OSError, ValueError):
            self._stream.write(data.decode(self._encoding))
            self._stream.flush()
            return
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]


def _visible(text: str) -> str:
    """Return the text with what would end a line or steer a terminal written as an escape."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)

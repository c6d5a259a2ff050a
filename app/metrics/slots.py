"""The counters of a process, in a file beside the database that the other processes read. It knows no metric.

Each process has a file of its own, so that counting needs no lock. One that ends leaves its counts, and whoever starts
next goes on with them: a counter never falls back while one of the processes runs.
"""

import fcntl
import mmap
import os
from collections.abc import Iterator
from itertools import count, takewhile
from pathlib import Path
from typing import NamedTuple

from ..claim import claim

_BYTES = 8


class Words(NamedTuple):
    """The numbers of a process, and whether it still runs."""

    numbers: list[int]
    is_running: bool


class Slots:
    """The numbers of this process, and how to see those of the others. Without a path there are no others."""

    def __init__(self, path: Path | None, size: int) -> None:
        """Take the beginning of the files' names and how many numbers there are."""
        self._path = path
        self._size = size
        self._own = -1
        self._descriptor = -1
        self._mapped: mmap.mmap | None = None
        self._view: memoryview[int] | None = None
        self.words: list[int] | memoryview[int] = [0] * size

    @property
    def files(self) -> list[Path]:
        """The files that processes have left."""
        return _present(self._path)

    def open(self) -> None:
        """Take the first file that no running process has; what was counted before stays there."""
        if self._path is None:
            return
        self._own = next(number for number in count() if self._take(self._path, number))
        claim(self._descriptor, _file(self._path, self._own), self._size * _BYTES)
        self._mapped = mmap.mmap(self._descriptor, self._size * _BYTES)
        self.words = self._view = memoryview(self._mapped).cast("Q")

    @property
    def own(self) -> Words:
        """The numbers of this process."""
        return Words(list(self.words), True)

    def others(self) -> Iterator[Words]:
        """Yield the numbers of every other process that runs or did."""
        for number, path in enumerate(self.files):
            if number != self._own:
                yield self._of_another(path)

    def close(self) -> None:
        """Leave the numbers to others."""
        if self._mapped is None or self._view is None:
            return
        self.words = list(self.words)
        self._view.release()
        self._mapped.close()
        self._mapped = self._view = None
        os.close(self._descriptor)

    def _take(self, path: Path, number: int) -> bool:
        self._descriptor = os.open(_file(path, number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _is_free(self._descriptor, fcntl.LOCK_EX):
            return True
        os.close(self._descriptor)
        return False

    def _of_another(self, path: Path) -> Words:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.pread(descriptor, self._size * _BYTES, 0).ljust(self._size * _BYTES, b"\0")
            return Words(memoryview(data).cast("Q").tolist(), not _is_free(descriptor, fcntl.LOCK_SH))
        finally:
            os.close(descriptor)


def _present(path: Path | None) -> list[Path]:
    """Return the files that are there, each in the place of its number."""
    return [] if path is None else list(takewhile(Path.exists, (_file(path, number) for number in count())))


def _file(path: Path, number: int) -> Path:
    return Path(f"{path}-{number}")


def _is_free(descriptor: int, kind: int) -> bool:
    """Return whether nobody holds a file; it is ours then, until the descriptor is closed."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

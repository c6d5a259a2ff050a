"""Where all processes on one database leave what is set: counters in shared memory, and a small file beside it.

It lasts as long as one of the processes runs. It knows nothing of what the state means.
"""

import asyncio
import contextlib
import fcntl
import mmap
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..claim import claim
from ..private_files import make_private
from .state import NOTHING, State, decode, encode

GENERATION, EPOCH = 0, 1  # what is set has changed; rows are being replaced (odd) or have been (even)
_FIRST_TALLY = 2
_STATE, _REPLACEMENT, _COUNTING = 0, 1, 2  # the bytes of the file that are locked
TALLIES = 500  # rules that can count
_BYTES = 8
_SIZE = (_FIRST_TALLY + TALLIES) * _BYTES


class Board:
    """The state and the counters of one database; without a path those of this process alone."""

    def __init__(self, path: Path | None, companions: Callable[[], Iterable[Path]] = tuple) -> None:
        """Take what lists further files that must not outlive the processes of one database."""
        self._path = path
        self._companions = companions
        self._state = NOTHING
        # The locks of the file hold between processes; a change runs in a thread while the loop may read.
        self._own = threading.Lock()
        self._descriptor = -1
        self._mapped: mmap.mmap | None = None
        self.words: list[int] | memoryview[int] = [0] * (_FIRST_TALLY + TALLIES)

    def open(self) -> None:
        """Join the processes that are there; the first of them finds nothing set."""
        if self._path is None:
            return
        self._descriptor, is_first = _joined(self._path)
        claim(self._descriptor, self._path, _SIZE)
        self._mapped = mmap.mmap(self._descriptor, _SIZE)
        self.words = memoryview(self._mapped).cast("Q")
        if is_first:
            self._remove_what_is_left(self._path)
            for index in range(len(self.words)):
                self.words[index] = 0
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)  # Now the others may join.

    def close(self) -> None:
        """Leave; the last process takes the files away."""
        if self._path is None or self._mapped is None:
            return
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._remove_what_is_left(self._path)
            self._path.unlink(missing_ok=True)
        words, self.words = self.words, list(self.words)
        if isinstance(words, memoryview):
            words.release()
        self._mapped.close()
        self._mapped = None
        os.close(self._descriptor)

    async def join(self) -> None:
        """Do what `open` does, for whoever need not know what it takes."""
        self.open()

    async def leave(self) -> None:
        """Do what `close` does."""
        self.close()

    @property
    def hears(self) -> bool:
        """Return whether this process knows at once what others set, as it does in shared memory."""
        return True

    async def alter(self, changed: Callable[[State], State]) -> None:
        """Do what `change` does; it returns when every process knows."""
        await asyncio.to_thread(self.change, changed)

    async def tally(self, number: int) -> int:
        """Do what `count` does."""
        return self.count(number)

    async def tallied(self, number: int) -> int:
        """Do what `counted` does."""
        return self.counted(number)

    def read(self) -> tuple[int, State]:
        """Return what is set and its generation."""
        with self._own, self._locked():
            return self.words[GENERATION], self._stored()

    def change(self, changed: Callable[[State], State]) -> None:
        """Replace the state by what `changed` returns for it, for everybody. What that raises leaves it as it was."""
        with self._own, self._locked():
            self._store(changed(self._stored()))
            self.words[GENERATION] += 1

    def adopt(self, generation: int, epoch: int, state: State) -> None:
        """Take over what is set elsewhere, unless it is known here already."""
        with self._own, self._locked():
            if generation > self.words[GENERATION]:
                self._store(state)
                self.words[GENERATION] = generation
            self.words[EPOCH] = max(epoch, self.words[EPOCH])

    def count(self, tally: int) -> int:
        """Add one to a tally and return what it was, once for every process that asks."""
        with self._locked(_COUNTING):
            before = self.words[_FIRST_TALLY + tally]
            self.words[_FIRST_TALLY + tally] = before + 1
            return before

    def counted(self, tally: int) -> int:
        """Return how often a tally was counted."""
        return self.words[_FIRST_TALLY + tally]

    def clear(self, tallies: range) -> None:
        """Count these tallies from zero again; it is called while the state is changed."""
        with self._locked(_COUNTING):
            for tally in tallies:
                self.words[_FIRST_TALLY + tally] = 0

    @contextlib.contextmanager
    def replacing_rows(self) -> Iterator[None]:
        """Tell everybody that rows are replaced; the epoch is odd meanwhile. It waits while another process does so."""
        with self._locked(_REPLACEMENT):
            self.words[EPOCH] |= 1
            try:
                yield
            finally:
                self.words[EPOCH] += 1

    def finish_for_the_dead(self) -> None:
        """End the replacement of a process that died over it: the database has undone what was not committed."""
        with contextlib.suppress(BlockingIOError), self._locked(_REPLACEMENT, fcntl.LOCK_NB):
            self.words[EPOCH] += self.words[EPOCH] % 2

    def _store(self, state: State) -> None:
        if self._path is not None:
            beside = self._state_file(self._path).with_suffix(".new")
            make_private(beside)
            beside.write_bytes(encode(state))
            beside.replace(self._state_file(self._path))
        self._state = state

    def _stored(self) -> State:
        if self._path is None:
            return self._state
        try:
            return decode(self._state_file(self._path).read_bytes())
        except FileNotFoundError:
            return NOTHING

    @contextlib.contextmanager
    def _locked(self, place: int = _STATE, patience: int = 0) -> Iterator[None]:
        if self._path is None:
            yield
            return
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX | patience, 1, place)
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, place)

    def _remove_what_is_left(self, path: Path) -> None:
        for left in (self._state_file(path), *self._companions()):
            left.unlink(missing_ok=True)

    @staticmethod
    def _state_file(path: Path) -> Path:
        return path.with_name(f"{path.name}.json")


def _joined(path: Path) -> tuple[int, bool]:
    """Return a descriptor of the file, held for sharing, or alone where nobody else held it, and whether it is."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_first = True
        except BlockingIOError:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            is_first = False
        if _is_still_there(path, descriptor):
            return descriptor, is_first
        os.close(descriptor)  # The last of the others has just taken the file away.


def _is_still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False

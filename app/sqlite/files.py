"""Whether a database's files are still those that were opened. It opens none.

SQLite would go on in files that have lost their names, and nobody would ever see again what was answered.
"""

import asyncio
import logging
import os
from pathlib import Path

from ..modes import Modes

LOOK_SECONDS = 1.0
_TEXT = "the database file was removed or replaced; restart the stand-in"  # PostgreSQL has no words for it.

_log = logging.getLogger("tms_standin.store")


class DatabaseFiles:
    """The file and its write-ahead log: what was committed is in one of them."""

    def __init__(self, location: str, modes: Modes) -> None:
        self._modes = modes
        self._paths = (Path(location), Path(f"{location}-wal"))
        self._known: list[tuple[int, int] | None] = []
        self.are_gone = False

    def remember(self) -> None:
        """Take what is there now for the files that were opened."""
        self._known = [_identity(path) for path in self._paths]

    def look(self) -> None:
        """Find out whether they are still there, and tell the log when that has changed."""
        found = [*map(_identity, self._paths)]
        self._known = [known or now for known, now in zip(self._known, found, strict=False)]  # A log may come later.
        before, self.are_gone = self.are_gone, bool(self._known) and self._known != found
        if self.are_gone and not before:
            _log.error("%s: %s; nothing more is read from it or written to it", self._paths[0], _TEXT)
        elif before and not self.are_gone:
            _log.warning("%s: the database file is back", self._paths[0])

    def check(self) -> None:
        """Look now. Raises what `refuse_when_gone` raises."""
        self.look()
        self.refuse_when_gone()

    def refuse_when_gone(self) -> None:
        """Raise DatabaseGone when they were gone at the last look; under `quirks = "real"` it is DatabaseAway."""
        if self.are_gone:
            raise self._modes.gone(_TEXT)

    async def watch(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - after every commit: a third faster than Path.stat
    except OSError:
        return None
    return found.st_dev, found.st_ino

"""What others may do with the journal: switch it, ask it, wait for entries, empty it. It knows no HTTP.

What records is loaded when the journal is first switched on.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ..steering.state import State
from ..uvicorn_connection import is_stopping
from .ring import Found, Ring, Wanted, files_of

if TYPE_CHECKING:
    from ..parts import Parts
    from ..steering.front import Front, Hook

_LOOK_SECONDS = 0.025  # between two looks for entries that somebody waits for


class Journal:
    """The journal of a database, which all processes on it share; without a path that of this process alone."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._ring = Ring(path)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it may leave behind."""
        return () if self._path is None else files_of(self._path)

    def attend(self, parts: "Parts", front: "Front") -> None:
        """Record what passes the front while the state says so; a reset empties the journal."""
        recorder: Hook | None = None

        def follow(state: State) -> None:
            nonlocal recorder
            if state.journal and recorder is None:
                from .recorder import Recorder

                recorder = Recorder(parts, self._ring)
            front.journal = recorder if state.journal else None

        parts.steering.listen(follow)
        parts.steering.at_reset.append(self.clear)

    async def entries(self, wanted: Wanted, wait: int = 0, timeout_seconds: float = 0.0) -> Found:
        """Return the entries that are asked for, as soon as `wait` of them are there.

        Without so many, return after so many real seconds, or when the server stops: nobody has to wait for that.
        """
        loop = asyncio.get_running_loop()
        ends, counted = loop.time() + timeout_seconds, wanted._replace(limit=wait)
        while wait and loop.time() < ends and not is_stopping():
            if await asyncio.to_thread(self._ring.count, counted) >= wait:
                break
            await asyncio.sleep(min(_LOOK_SECONDS, max(0.0, ends - loop.time())))
        return await asyncio.to_thread(self._ring.find, wanted)

    async def clear(self) -> None:
        """Remove all entries, in every process."""
        await asyncio.to_thread(self._ring.empty)

    def close(self) -> None:
        """Let go of the file."""
        self._ring.close()

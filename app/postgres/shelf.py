"""Named states in the database itself, where every replica on whichever host finds them, in pieces."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..shelf import Shelf, Snapshot, described
from .connections import PATIENT_SECONDS, Connections, Driver

_PIECE = 1_048_576  # bytes; a whole state may be larger than memory
_CONNECTIONS = 2
_KEEP = "INSERT INTO standin_snapshots (name, bytes, revision, created) VALUES ($1, $2, $3, $4)"
_KEEP_PIECE = "INSERT INTO standin_snapshot_pieces (name, number, piece) VALUES ($1, $2, $3)"
_LIST = "SELECT name, bytes, revision, created FROM standin_snapshots ORDER BY name"
_DELETE = "DELETE FROM standin_snapshots WHERE name = $1 RETURNING name"
_CREATED = "SELECT created FROM standin_snapshots WHERE name = $1"
_PIECES = "SELECT piece FROM standin_snapshot_pieces WHERE name = $1 ORDER BY number"
# Of two processes that keep the same name the second waits for the first and takes its place.
_ALONE = "LOCK TABLE standin_snapshots IN SHARE ROW EXCLUSIVE MODE"


class TableShelf(Shelf):
    """Snapshots as rows; each file here is a copy, which is removed after its use. All raise DatabaseGone."""

    def __init__(self, url: str, beside: Path | None) -> None:
        """Take the database, and the folder of copies and uploads."""
        super().__init__(beside)
        self._connections = Connections(url, _CONNECTIONS)

    async def keep(self, name: str, file: Path) -> Snapshot:
        """Keep the content of a file under a name, in place of an earlier one."""
        found = await asyncio.to_thread(described, name, file)
        async with self._connections.lend() as driver, driver.transaction():
            await driver.execute(_ALONE, timeout=PATIENT_SECONDS)
            await driver.execute(_DELETE, name)
            await driver.execute(_KEEP, *found)
            await _write(driver, name, file)
        return found

    @asynccontextmanager
    async def at_hand(self, name: str) -> AsyncIterator[Path]:
        """Give a copy. Raises KeyError."""
        copy = self.new_file()
        try:
            await self._fetch(name, copy)
            yield copy
        finally:
            copy.unlink(missing_ok=True)

    async def list(self) -> list[Snapshot]:
        """Return all of them by name."""
        async with self._connections.lend() as driver:
            return [Snapshot(*record) for record in await driver.fetch(_LIST)]

    async def delete(self, name: str) -> None:
        """Take the rows away. Raises KeyError."""
        async with self._connections.lend() as driver:
            if await driver.fetchval(_DELETE, name) is None:
                raise KeyError(name)

    async def close(self) -> None:
        """Let go of the database too."""
        await super().close()
        await self._connections.close()

    async def _fetch(self, name: str, copy: Path) -> None:
        async with self._connections.lend() as driver, driver.transaction(isolation="repeatable_read", readonly=True):
            created = await driver.fetchval(_CREATED, name)
            if created is None:
                raise KeyError(name)
            cursor = await driver.cursor(_PIECES, name)
            with copy.open("wb") as file:
                while record := await cursor.fetchrow():
                    await asyncio.to_thread(file.write, record["piece"])
        os.utime(copy, (created.timestamp(), created.timestamp()))


async def _write(driver: Driver, name: str, file: Path) -> None:
    with file.open("rb") as content:
        number = 0
        while piece := await asyncio.to_thread(content.read, _PIECE):
            await driver.execute(_KEEP_PIECE, name, number, piece)
            number += 1

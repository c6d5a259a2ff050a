"""A SQLite database that rows are carried from or to, while others may serve it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from ..errors import StartRefused
from ..moving.rows import Judge, count_all, refuse_other_revision, refuse_rows
from ..steering.board import Board
from .database import MEMORY, explained, named, open_sqlite, revision_of
from .image import FileImage, restore
from .rows import SqliteRows, SqliteStaging, staging_file


@asynccontextmanager
async def opened(location: str) -> AsyncIterator[SqliteRows]:
    """Give the rows as they are at one moment; others may go on writing. Raises StartRefused."""
    _refuse_memory(location)
    if not _is_there(location):
        raise StartRefused(f"{named(location)}: there is no such file, expected a database that the stand-in made.")
    with explained(location), closing(open_sqlite(location)) as connection:
        connection.execute("BEGIN")
        refuse_other_revision(named(location), revision_of(connection, location))
        yield SqliteRows(connection)


@asynccontextmanager
async def target(location: str, steering: Path | None) -> AsyncIterator["SqliteTarget"]:
    """Give a database that gets other rows; `steering` is its board's file. Raises StartRefused."""
    _refuse_memory(location)
    if _is_there(location):
        with explained(location), closing(open_sqlite(location)) as connection:
            found = revision_of(connection, location)
            if found is not None:
                refuse_other_revision(named(location), found)
    target = SqliteTarget(location, steering)
    try:
        yield target
    finally:
        target.close()


class SqliteTarget:
    """The staging place is a file beside it."""

    _staging: SqliteStaging | None = None

    def __init__(self, location: str, steering: Path | None) -> None:
        self._location = location
        self._steering = steering

    async def rows(self) -> int:
        """Return how many there are now, in all tables."""
        if not _is_there(self._location):
            return 0
        with explained(self._location), closing(open_sqlite(self._location)) as connection:
            if revision_of(connection, self._location) is None:
                return 0
            return await count_all(SqliteRows(connection))

    async def stage(self) -> SqliteStaging:
        """Open the file."""
        self._staging = await asyncio.to_thread(staging_file, Path(f"{self._location}-moving"))
        return self._staging

    async def put_in_place(self, last_ids: dict[str, int], judge: Judge, replace: bool) -> None:
        """Have the staged file judged, then copy it over the database as one transaction, and have that judged.

        Whoever serves it waits with writes meanwhile, and answers from the rows of before or of after.
        """
        assert self._staging is not None  # noqa: S101 - who has filled it has opened it
        path = self._staging.path
        await self._staging.set_last_ids(last_ids)
        await judge(self._staging)
        self.close()
        board = Board(self._steering)
        board.open()
        try:
            with explained(self._location), closing(open_sqlite(self._location)) as connection, board.replacing_rows():
                if not replace:
                    refuse_rows(named(self._location), await self._rows_after_all(connection))
                await asyncio.to_thread(restore, connection, FileImage(path))
                await judge(SqliteRows(connection))
        finally:
            board.close()
        path.unlink()

    async def _rows_after_all(self, connection: sqlite3.Connection) -> int:
        """Return how many there are once those who have begun to write, or to start, are done."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            return await self.rows()
        finally:
            connection.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file; what is in it stays."""
        if self._staging is not None:
            self._staging.connection.close()


def _is_there(location: str) -> bool:
    return Path(location).exists()


def _refuse_memory(location: str) -> None:
    if location == MEMORY:
        raise StartRefused("sqlite://: a database in memory is its process's own, expected a file or PostgreSQL.")

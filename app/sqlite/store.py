"""The store over SQLite in WAL, `synchronous=FULL` (design 3.2.4).

Reads run on the loop, microseconds each; writes go to the writer, and a request is answered after their commit. With
writer.py it is all that knows SQLite's connections and transactions.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy import Table

from ..modes import Modes
from ..schema import REVISION, Planted, Preparation, Prepared
from ..statements import Statement
from ..steering.board import Board
from ..store import PAGE, Store, Writing
from ..transaction import Transaction
from .constraints import translate
from .database import MEMORY, open_sqlite, prepare
from .image import Image, restore, save
from .transaction import fetch_one, refuse_nul
from .writer import Writer

Result = TypeVar("Result")


class SqliteStore(Store):
    """The store over one file, or over memory."""

    def __init__(self, location: str, modes: Modes, board: Board) -> None:
        super().__init__()
        self._location = location
        self._modes = modes
        self._in_memory = location == MEMORY
        self._writer = Writer(location, modes, board, self._cache.clear)
        self._reader: sqlite3.Connection
        self._files = self._writer.files
        self._seen_version = -1
        self._version_is_fresh = False

    async def prepare(self, preparation: Preparation[Planted]) -> Prepared[Planted]:
        """Open the database and bring it to this code's schema. Raises StartRefused."""
        return await self.open(lambda connection: prepare(connection, self._location, preparation))

    async def open(self, prepare: Callable[[sqlite3.Connection], Result]) -> Result:
        """Open the database, have it prepared, and return what `prepare` returns. Raises StartRefused."""
        connection = self._writer.connection = open_sqlite(self._location)
        try:
            prepared = prepare(connection)
            self._reader = connection if self._in_memory else open_sqlite(self._location)
        except BaseException:
            connection.close()
            raise
        if not self._in_memory:
            connection.execute("PRAGMA busy_timeout = 0")
            self._files.remember()
        return prepared

    @property
    def writer(self) -> Writer:
        """Return what runs the writes, for those who measure it."""
        return self._writer

    @property
    def writing(self) -> Writing:
        """Return what the writes have come to since the start."""
        return self._writer.writing

    async def check(self) -> None:
        """Find the database migrated and answering. Raises DatabaseTrouble."""
        await self.one(REVISION)

    async def one(self, statement: Statement, **parameters: Any) -> Any:
        """Return the first row as a named tuple, or None. Raises DatabaseError."""
        self._files.refuse_when_gone()
        return fetch_one(self._reader, self._modes, statement, parameters)

    async def cached(self, statement: Statement, **parameters: Any) -> Any:
        """Return what `one` returns, from memory while nobody has committed since (design 3.2.4)."""
        if not self._version_is_fresh:
            self._look_again()
        key = (statement, *parameters.values())
        found = self._cache.get(key)
        if found is None:
            found = fetch_one(self._reader, self._modes, statement, parameters)
            if found is not None:  # What is not there is not remembered, or callers could fill the memory with names.
                self._remember(key, found)
        return found

    async def pages(self, statement: Statement, **parameters: Any) -> AsyncGenerator[list[Any], None]:
        """Yield the rows of a long read in lists of PAGE, off the loop. Raises DatabaseError."""
        self._files.refuse_when_gone()  # Else SQLite would make an empty file in its place.
        refuse_nul(self._modes, parameters)
        if self._in_memory:
            rows = self._reader.execute(statement.text, statement.bind(parameters)).fetchall()
            for start in range(0, len(rows), PAGE):
                yield [statement.row(row) for row in rows[start : start + PAGE]]
            return
        try:
            async with (
                aiosqlite.connect(self._location, isolation_level=None) as connection,
                connection.execute(statement.text, statement.bind(parameters)) as cursor,
            ):
                while page := await cursor.fetchmany(PAGE):
                    yield [statement.row(row) for row in page]
        except sqlite3.Error as error:
            raise translate(error) from error

    async def few(self, statement: Statement, **parameters: Any) -> list[Any]:
        """Return all rows of a read that looks at many and finds few, off the loop in one step. Raises DatabaseError.

        Each page of `pages` costs several turns of the loop, which take long while it is busy.
        """
        self._files.refuse_when_gone()
        refuse_nul(self._modes, parameters)
        values = statement.bind(parameters)
        try:
            if self._in_memory:
                rows = self._reader.execute(statement.text, values).fetchall()
            else:
                rows = await asyncio.to_thread(self._read_apart, statement.text, values)
        except sqlite3.Error as error:
            raise translate(error) from error
        return [statement.row(row) for row in rows]

    def _read_apart(self, text: str, values: Sequence[Any]) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self._location, isolation_level=None)) as connection:
            return connection.execute(text, values).fetchall()

    async def spend_ids(self, *tables: Table) -> None:
        """Skip an id of each table, as PostgreSQL's sequence does for an insert that finds its row already there."""
        for table in tables:
            self._writer.spend(table.name)

    async def write(self, work: Callable[[Transaction], Awaitable[Result]], epoch: int | None = None) -> Result:
        """Run `work` in the next shared transaction and return its result once that is on disk.

        Whatever `work` raises undoes its own writes and is raised here. Raises DatabaseError when the commit fails, and
        RowsReplaced when a reset or a restored snapshot comes first: what the caller has read, in `epoch` or until now, is
        not there any more.
        """
        result: Result = await self._writer.write(work, epoch)
        return result

    async def replace(self, image: Image) -> None:
        """Leave the rows of an image, between two transactions. It commits by itself, in a thread where there is a file."""
        self._files.check()  # A copy to a file without a name is none.
        await self._writer.alone(lambda connection: restore(connection, image), replaces=True)
        self._files.check()

    async def save(self, path: Path, moment: datetime) -> None:
        """Write all that is committed to an image's file, between two transactions."""
        await self._writer.alone(lambda connection: save(connection, path, moment), replaces=False)

    async def watch(self) -> None:
        """Look whether the file is still there, until cancelled: it would be read from memory for ever."""
        await self._files.watch()

    async def close(self) -> None:
        """Finish the writes under way and let go of the file."""
        await self._writer.close()
        self._reader.close()
        self._writer.connection.close()

    def _look_again(self) -> None:
        """Refuse if the files are gone, and empty the cache if anybody has committed: once in a turn of the loop.

        All requests of one turn had arrived before it began, so none of them can miss what was answered earlier.
        """
        self._files.refuse_when_gone()
        try:
            version = self._reader.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as error:
            raise translate(error) from error
        if version != self._seen_version:
            self._cache.clear()
            self._seen_version = version
        self._version_is_fresh = True
        asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._version_is_fresh = False

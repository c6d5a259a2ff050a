"""The rows of a SQLite database, and a file that is filled with rows. It chooses neither the tables nor the order."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert

from ..moving.rows import CHUNK, in_order
from ..private_files import make_private
from ..schema import HEAD, make
from ..statements import Statement
from .database import engine_over, explained

# The lock of the first transaction is kept. The cache, in KiB, is for the indexes, which are walked all over.
_PRAGMAS = ("PRAGMA locking_mode = EXCLUSIVE", "PRAGMA cache_size = -65536")


class SqliteRows:
    """The rows that a connection sees, read off the loop."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    async def count(self, table: Table) -> int:
        """Return how many a table has."""
        return int(await self._value(f"SELECT count(*) FROM {table.name}"))  # noqa: S608 - names come from tables.py

    async def chunks(self, table: Table) -> AsyncGenerator[list[Any], None]:
        """Yield them as Python sees them, in the order of their primary key."""
        asked = in_order(table)
        cursor = await asyncio.to_thread(self.connection.execute, asked.text)
        while chunk := await asyncio.to_thread(_fetched, cursor, asked):
            yield chunk

    async def last_id(self, table: Table) -> int:
        """Return the last id that a table has given away, 0 before the first."""
        return int(await self._value("SELECT seq FROM sqlite_sequence WHERE name = ?", table.name) or 0)

    async def _value(self, text: str, *values: Any) -> Any:
        row = await asyncio.to_thread(lambda: self.connection.execute(text, values).fetchone())
        return None if row is None else row[0]


class SqliteStaging(SqliteRows):
    """A file of this code's schema. It keeps what is put into it; foreign keys are not looked at."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(connection)
        self.path = path

    async def put(self, table: Table, rows: list[Any]) -> None:
        """Keep some rows, all of them or none. Raises StartRefused."""
        kept = Statement(insert(table))
        await self._changed(lambda: self._insert(kept, rows))

    async def clear(self, table: Table) -> None:
        """Forget the rows of a table. Raises StartRefused."""
        await self._changed(lambda: self.connection.execute(f"DELETE FROM {table.name}"))  # noqa: S608 - names come from tables.py

    async def set_last_ids(self, last_ids: dict[str, int]) -> None:
        """Go on counting after these ids. Raises StartRefused."""
        await self._changed(lambda: self._set_last_ids(last_ids))

    async def _changed(self, change: Callable[[], object]) -> None:
        await asyncio.to_thread(self._in_transaction, change)

    def _in_transaction(self, change: Callable[[], object]) -> None:
        with explained(str(self.path)):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                change()
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def _insert(self, kept: Statement, rows: list[Any]) -> None:
        self.connection.executemany(kept.text, [kept.bind(row._asdict()) for row in rows])

    def _set_last_ids(self, last_ids: dict[str, int]) -> None:
        self.connection.execute("DELETE FROM sqlite_sequence")
        self.connection.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", last_ids.items())


def staging_file(path: Path) -> SqliteStaging:
    """Open what an earlier call has begun to fill, or a new file where that is none of this code's schema.

    Nobody else can open it meanwhile. Raises StartRefused where somebody else has.
    """
    with explained(str(path)):
        connection = _alone(path)
        try:
            if _is_strange(connection):
                connection.close()
                path.unlink()
                connection = _alone(path)
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                _make(connection)
        except BaseException:
            connection.close()
            raise
        return SqliteStaging(connection, path)


def _alone(path: Path) -> sqlite3.Connection:
    make_private(path)
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            return connection
        connection.close()
        raise
    return connection


def _is_strange(connection: sqlite3.Connection) -> bool:
    try:
        made = connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        return bool(made) and connection.execute("SELECT version_num FROM alembic_version").fetchone() != (HEAD,)
    except sqlite3.DatabaseError:
        return True


def _make(connection: sqlite3.Connection) -> None:
    """Make the schema in one transaction."""
    with contextlib.closing(engine_over(connection).connect()) as made, made.begin():
        make(made)


def _fetched(cursor: sqlite3.Cursor, asked: Statement) -> list[Any]:
    return [asked.row(stored) for stored in cursor.fetchmany(CHUNK)]

"""The rows of a SQLite database, and a file that is filled with rows. It chooses neither the tables nor the order."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert

from ..errors import StartRefused
from ..moving.rows import CHUNK, in_order
from ..schema import HEAD
from ..statements import Statement
from ..tables import metadata
from .database import engine_over
from .image import VERSION_TABLE, revision_of_file

_CACHE = "PRAGMA cache_size = -65536"  # KiB; the indexes of long tables are walked all over


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
    """A file of this code's schema. What is in it is kept; foreign keys are not looked at before it is whole."""

    async def put(self, table: Table, rows: list[Any]) -> None:
        """Keep some rows, all of them or none."""
        await asyncio.to_thread(self._put, Statement(insert(table)), rows)

    async def clear(self, table: Table) -> None:
        """Forget the rows of a table."""
        await asyncio.to_thread(self.connection.execute, f"DELETE FROM {table.name}")  # noqa: S608 - names come from tables.py

    async def set_last_id(self, table: Table, last: int) -> None:
        """Go on counting after an id."""
        await asyncio.to_thread(self._set_last_id, table.name, last)

    def _put(self, kept: Statement, rows: list[Any]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            self.connection.executemany(kept.text, [kept.bind(row._asdict()) for row in rows])
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise

    def _set_last_id(self, name: str, last: int) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", [name])
        self.connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [name, last])
        self.connection.execute("COMMIT")


def staging_file(path: Path) -> SqliteStaging:
    """Open what an earlier call has begun to fill, or a new file where that is none of this code's schema."""
    try:
        revision_of_file(path)
    except StartRefused:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(_CACHE)
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            _make(connection)
    except BaseException:
        connection.close()
        raise
    return SqliteStaging(connection)


def _make(connection: sqlite3.Connection) -> None:
    """Make the schema in one transaction."""
    with contextlib.closing(engine_over(connection).connect()) as made, made.begin():
        metadata.create_all(made)
        made.exec_driver_sql(VERSION_TABLE)
        made.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def _fetched(cursor: sqlite3.Cursor, asked: Statement) -> list[Any]:
    return [asked.row(stored) for stored in cursor.fetchmany(CHUNK)]

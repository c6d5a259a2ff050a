"""What one request does inside a shared transaction on SQLite, and how a statement is run. It commits nothing."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from sqlalchemy import Table

from ..modes import Modes
from ..statements import Insert, Statement
from ..transaction import Transaction
from .constraints import NUL, refused_delete, refused_insert, refused_update, translate

Result = TypeVar("Result")


class SqliteTransaction(Transaction):
    """The writes of one request; those of all waiting requests follow each other in one transaction."""

    def __init__(self, connection: sqlite3.Connection, modes: Modes) -> None:
        self._connection = connection
        self._modes = modes
        self.spent_ids: Counter[str] = Counter()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run what is not asynchronous and calls `wait` where it needs the database."""
        return work()

    def wait(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Return what a coroutine of the store returns; a statement on SQLite never suspends."""
        try:
            coroutine.send(None)
        except StopIteration as ended:
            return cast(Result, ended.value)
        coroutine.close()
        raise RuntimeError("What waits for something else cannot run inside a transaction")

    async def one(self, statement: Statement, **parameters: Any) -> Any:
        """Return the first row or None, with the writes so far. Raises DatabaseError."""
        return fetch_one(self._connection, self._modes, statement, parameters)

    async def insert(self, statement: Insert, **row: Any) -> None:
        """Insert one row. Raises DatabaseError in both databases' words; the row's id is spent all the same."""
        chosen = statement.lowest if self._modes.wire.reuses_row_ids and statement.numbered else statement
        try:
            self._execute(chosen, row)
        except sqlite3.IntegrityError as error:
            if statement.numbered:
                self.spent_ids[statement.table.name] += 1
            raise refused_insert(self._connection, error, statement.table, statement_row(statement, row)) from error

    async def insert_if_absent(self, statement: Insert, **row: Any) -> bool:
        """Insert one row and return True, or nothing where a row is in the way. Raises DatabaseError.

        The id is spent all the same.
        """
        lowest = self._modes.wire.reuses_row_ids and statement.numbered
        chosen = statement.lowest_ignore if lowest else statement.ignore
        try:
            return self._execute(chosen, row) == 1  # SQLite's own sequence skips the id of a row that is not inserted.
        except sqlite3.IntegrityError as error:
            raise refused_insert(self._connection, error, statement.table, statement_row(statement, row)) from error

    async def update(self, statement: Statement, table: Table, **parameters: Any) -> int:
        """Return how many rows were changed. Raises DatabaseError."""
        try:
            return self._execute(statement, parameters)
        except sqlite3.IntegrityError as error:
            raise refused_update(error, table) from error

    async def delete(self, statement: Statement, table: Table, **key: Any) -> int:
        """Return how many rows were deleted, cascades not counted. Raises DatabaseError."""
        try:
            return self._execute(statement, key)
        except sqlite3.IntegrityError as error:
            raise refused_delete(self._connection, error, table, key) from error

    def _execute(self, statement: Statement, parameters: dict[str, Any]) -> int:
        return execute(self._connection, self._modes, statement, parameters).rowcount


def statement_row(statement: Insert, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row's values as the database stores them, by column name."""
    return dict(zip(statement.names, statement.bind(row), strict=True))


def fetch_one(connection: sqlite3.Connection, modes: Modes, statement: Statement, parameters: dict[str, Any]) -> Any:
    """Return the first row as a named tuple, or None. Raises DatabaseError."""
    stored = execute(connection, modes, statement, parameters).fetchone()
    return None if stored is None else statement.row(stored)


def execute(
    connection: sqlite3.Connection, modes: Modes, statement: Statement, parameters: dict[str, Any]
) -> sqlite3.Cursor:
    """Run a statement with the driver's cursor. Raises DatabaseError, and IntegrityError for the caller to explain."""
    refuse_nul(modes, parameters)
    try:
        return connection.execute(statement.text, statement.bind(parameters))
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as error:
        raise translate(error) from error


def refuse_nul(modes: Modes, parameters: dict[str, Any]) -> None:
    """Raise DatabaseError for a NUL in a text where the wire version's database takes none (D8)."""
    for value in parameters.values():
        if type(value) is str and "\0" in value and modes.wire.refuses_nul:
            raise NUL

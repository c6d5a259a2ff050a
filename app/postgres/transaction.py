"""What one request does inside its own transaction on PostgreSQL. It begins and commits nothing."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Table
from sqlalchemy.util import await_only, greenlet_spawn

from ..errors import DatabaseError
from ..modes import Modes
from ..statements import Insert, Statement
from ..transaction import Transaction
from .connections import Driver, is_gone
from .locks import TURN
from .words import found_by, not_unique, translate, unique_sets

Result = TypeVar("Result")

NUL = DatabaseError(
    "(code: 1) a text with a NUL cannot be stored in PostgreSQL", 'invalid byte sequence for encoding "UTF8": 0x00'
)
TRIES = 30  # at the same write, before its caller is told of a conflict
_TURN = "SELECT pg_advisory_xact_lock($1, hashtext($2))"
_UNIQUE_VIOLATION, _DEADLOCK, _SERIALIZATION_FAILURE = "23505", "40P01", "40001"


class Again(Exception):  # noqa: N818 - an event, not a fault of ours
    """Another transaction came in between; the work is to be done once more, from the start."""


class IdTaken(Again):
    """The next number of a table's sequence is in use, because rows came with ids of their own."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table


class PostgresTransaction(Transaction):
    """The writes of one request. What it reads, it holds, so that two of them that would change it follow each other."""

    def __init__(self, driver: Driver, modes: Modes, number: int) -> None:
        """Take which try at its work this is, from 1 to TRIES. `changed` has the tables that it may have changed."""
        self._driver = driver
        self._modes = modes
        self._number = number
        self.changed: set[str] = set()

    async def one(self, statement: Statement, **parameters: Any) -> Any:
        """Return the first row or None, with the writes so far. Raises DatabaseError."""
        chosen = statement.postgresql_holding
        with self._explained():
            record = await self._driver.fetchrow(chosen.text, *bound(chosen, parameters))
        return None if record is None else chosen.row(record)

    async def insert(self, statement: Insert, **row: Any) -> None:
        """Insert one row. Raises DatabaseError in both databases' words; the row's id is spent all the same."""
        if not (self._modes.wire.reuses_row_ids and statement.numbered):
            await self._execute(statement.postgresql, statement.table, row)
            return
        await self._turn(statement.table)
        if len(unique_sets(statement.table)) < 2:
            await self._execute(statement.postgresql_lowest, statement.table, row)
        else:
            await self._insert_into_several(statement, row)

    async def insert_if_absent(self, statement: Insert, **row: Any) -> bool:
        """Insert one row and return True, or nothing where a row is in the way. Raises DatabaseError.

        The id is spent all the same.
        """
        if not (self._modes.wire.reuses_row_ids and statement.numbered):
            return await self._execute(statement.postgresql_ignore, statement.table, row) == 1
        await self._turn(statement.table)
        return await self._execute(statement.postgresql_lowest_ignore, statement.table, row) == 1

    async def update(self, statement: Statement, table: Table, **parameters: Any) -> int:
        """Return how many rows were changed. Raises DatabaseError."""
        return await self._execute(statement.postgresql, table, parameters)

    async def delete(self, statement: Statement, table: Table, **key: Any) -> int:
        """Return how many rows were deleted, cascades not counted. Raises DatabaseError."""
        return await self._execute(statement.postgresql, table, key)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run what is not asynchronous in a greenlet, which `wait` can leave and come back to."""
        return await greenlet_spawn(work)

    def wait(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Return what a coroutine of this transaction or of its store returns, inside of `run`."""
        return await_only(coroutine)

    async def _turn(self, table: Table) -> None:
        """Wait for the others who take the largest id plus one: of many who take the same, all but one have to try again."""
        with self._explained():
            await self._driver.fetchval(_TURN, TURN, table.name)

    async def _insert_into_several(self, statement: Insert, row: dict[str, Any]) -> None:
        """Insert a row that may be refused by several constraints, of which SQLite names the youngest."""
        await self._driver.execute("SAVEPOINT several")
        try:
            await self._execute(statement.postgresql_lowest, statement.table, row)
        except DatabaseError as error:
            await self._driver.execute("ROLLBACK TO several")
            for columns in reversed(unique_sets(statement.table)):
                if await self._driver.fetchval(found_by(statement.table, columns), *(row[name] for name in columns)):
                    raise DatabaseError(not_unique(statement.table, columns), error.postgresql) from error
            raise
        await self._driver.execute("RELEASE several")

    async def _execute(self, statement: Statement, table: Table, parameters: dict[str, Any]) -> int:
        self.changed.add(table.name)
        with self._explained(table):
            told = await self._driver.execute(statement.text, *bound(statement, parameters))
        return int(told.rpartition(" ")[2])

    @contextmanager
    def _explained(self, table: Table | None = None) -> Iterator[None]:
        """Raise what a refusal of the driver or of the server leads to."""
        try:
            yield
        except asyncpg.PostgresError as error:
            raise self._refusal(error, table) from error
        except asyncpg.InterfaceError as error:
            raise translate(error) from error

    def _refusal(self, error: asyncpg.PostgresError, table: Table | None = None) -> Exception:
        """Return what a refused statement leads to: another try, or an answer."""
        if is_gone(error):
            return error
        if self._number == TRIES:
            return translate(error)
        if error.sqlstate in (_DEADLOCK, _SERIALIZATION_FAILURE):
            return Again()
        if error.sqlstate == _UNIQUE_VIOLATION and table is not None:
            if "id" not in table.columns and self._number == 1:  # Somebody was faster; the next try will find the row.
                return Again()
            if "id" in table.columns and error.constraint_name == f"{table.name}_pkey":
                return IdTaken(table.name)
        return translate(error)


def bound(statement: Statement, parameters: dict[str, Any]) -> Any:
    """Return the values in the statement's order. Raises DatabaseError for a NUL, which PostgreSQL takes in no text (D8)."""
    values = statement.bind(parameters)
    for value in values:
        if type(value) is str and "\0" in value:
            raise NUL
    return values

"""The only module that knows connections and transactions: SQLite in WAL, `synchronous=FULL` (design 3.2.4).

Reads run on the loop, microseconds each. Writes of all waiting requests share one transaction and one commit, which
alone runs in a thread; a request is answered after it. Nothing here knows HTTP.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy import Table

from .constraints import translate
from .database import BUSY_TIMEOUT_MILLISECONDS, MEMORY, open_sqlite
from .modes import Modes
from .statements import Statement
from .transaction import Transaction, fetch_one, refuse_nul

Result = TypeVar("Result")
Work = Callable[[Transaction], Awaitable[Any]]
Outcome = tuple[Any, Exception | None]

PAGE = 500  # rows that a long read hands on at a time
_CAREFUL_BATCHES = 50  # that have savepoints after one in which a work has raised
_CACHED = 10_000  # rows that the cache of tenants and credentials may hold

_SPEND = "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?"
_FIRST_SPENT = "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)"

_log = logging.getLogger("tms_standin.store")


class Store:
    """The database as the rest of the program sees it. Every method is awaited, though a short read never suspends."""

    def __init__(self, location: str, modes: Modes) -> None:
        self._location = location
        self._modes = modes
        self._in_memory = location == MEMORY
        self._writer: sqlite3.Connection
        self._reader: sqlite3.Connection
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._careful = 0
        self._spent_ids: Counter[str] = Counter()
        self._cache: dict[tuple[Any, ...], Any] = {}
        self._seen_version = -1
        self._version_is_fresh = False
        self.remembered = Remembered(self)

    async def open(self, prepare: Callable[[sqlite3.Connection], Result]) -> Result:
        """Open the database, have it prepared, and return what `prepare` returns. Raises StartRefused."""
        self._writer = open_sqlite(self._location)
        try:
            prepared = prepare(self._writer)
            self._reader = self._writer if self._in_memory else open_sqlite(self._location)
        except BaseException:
            self._writer.close()
            raise
        if not self._in_memory:
            self._writer.execute("PRAGMA busy_timeout = 0")
        return prepared

    async def one(self, statement: Statement, **parameters: Any) -> Any:
        """Return the first row as a named tuple, or None. Raises DatabaseError."""
        return fetch_one(self._reader, self._modes, statement, parameters)

    async def cached(self, statement: Statement, **parameters: Any) -> Any:
        """Return what `one` returns, from memory while nobody has committed since (design 3.2.4)."""
        self._forget_if_changed()
        key = (statement, *parameters.values())
        found = self._cache.get(key)
        if found is None:
            found = fetch_one(self._reader, self._modes, statement, parameters)
            if found is not None:  # What is not there is not remembered, or callers could fill the memory with names.
                self._remember(key, found)
        return found

    async def pages(self, statement: Statement, **parameters: Any) -> AsyncGenerator[list[Any], None]:
        """Yield the rows of a long read in lists of PAGE, off the loop. Raises DatabaseError."""
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

    async def spend_ids(self, *tables: Table) -> None:
        """Skip an id of each table, as PostgreSQL's sequence does for an insert that finds its row already there."""
        self._spent_ids.update(table.name for table in tables)

    async def write(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run `work` in the next shared transaction and return its result once that is on disk.

        Whatever `work` raises undoes its own writes and is raised here. Raises DatabaseError when the commit fails.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await future

    async def close(self) -> None:
        """Finish the writes under way and let go of the file."""
        if self._writing is not None:
            await self._writing
        self._committer.shutdown()
        self._reader.close()
        self._writer.close()

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await self._gathered()
                batch, self._waiting = self._waiting, []
                await self._write_batch(batch)
        finally:
            self._writing = None

    async def _gathered(self) -> None:
        """Wait while every turn of the loop brings more writes: those who were answered just now are often back soon.

        A commit costs the machine as much as five requests, so that half as many make room for more.
        """
        before = 0
        while len(self._waiting) > before:
            before = len(self._waiting)
            await asyncio.sleep(0)

    async def _write_batch(self, batch: list[tuple[Work, asyncio.Future[Any]]]) -> None:
        try:
            await self._begin()
            outcomes = await self._outcomes([work for work, _ in batch])
            self._write_spent_ids()
            await self._commit()
        except BaseException as error:
            self._abandon(batch, error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), (result, failure) in zip(batch, outcomes, strict=True):
                _settle(future, result, failure)

    async def _outcomes(self, works: list[Work]) -> list[Outcome]:
        """Run the works of a batch; when one raises, undo all and run each behind a savepoint of its own.

        Savepoints cost as much as an insert, and most batches need none. After one that did, more are likely.
        """
        if self._careful == 0:
            spent_before = self._spent_ids.copy()
            try:
                return [(await self._run(work), None) for work in works]
            except Exception:  # noqa: BLE001 - whatever it is comes again, and then belongs to the request that waits
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                self._spent_ids = spent_before
                await self._begin()
                self._careful = _CAREFUL_BATCHES
        self._careful -= 1
        return [await self._attempt(work) for work in works]

    async def _run(self, work: Work) -> Any:
        transaction = Transaction(self._writer, self._modes)
        result = await work(transaction)
        if not self._writer.in_transaction:  # SQLite itself has undone everything, and the work has told nobody.
            raise sqlite3.OperationalError("the transaction was rolled back")
        self._spent_ids.update(transaction.spent_ids)
        return result

    async def _attempt(self, work: Work) -> Outcome:
        """Run one request's writes behind a savepoint and return its result or its error."""
        transaction = Transaction(self._writer, self._modes)
        self._writer.execute("SAVEPOINT request")
        try:
            result, failure = await work(transaction), None
        except Exception as error:  # Whatever it is belongs to the request that waits.
            if not self._writer.in_transaction:  # SQLite itself has undone everything, for want of space or memory.
                raise
            self._writer.execute("ROLLBACK TO request")
            result, failure = None, error
        self._writer.execute("RELEASE request")
        self._spent_ids.update(transaction.spent_ids)
        return result, failure

    async def _begin(self) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            await self._in_thread(self._begin_patiently)

    def _begin_patiently(self) -> None:
        self._writer.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
        try:
            self._writer.execute("BEGIN IMMEDIATE")
        finally:
            self._writer.execute("PRAGMA busy_timeout = 0")

    async def _commit(self) -> None:
        if self._in_memory:
            self._writer.execute("COMMIT")
            self._cache.clear()
        else:
            await self._in_thread(self._writer.execute, "COMMIT")

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(self._committer, function, *arguments)

    def _write_spent_ids(self) -> None:
        if not self._modes.wire.reuses_row_ids:
            for table, count in self._spent_ids.items():
                if not self._writer.execute(_SPEND, (count, table)).rowcount:
                    self._writer.execute(_FIRST_SPENT, (table, count))
        self._spent_ids.clear()

    def _abandon(self, batch: list[tuple[Work, asyncio.Future[Any]]], error: BaseException) -> None:
        """Undo a transaction that could not be finished; everybody who waited for it is told, whatever it was."""
        with contextlib.suppress(sqlite3.Error):
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        failure = translate(error) if isinstance(error, sqlite3.Error) else error
        _log.warning("%s: %d writes were refused: %s", self._location, len(batch), failure or type(failure).__name__)
        for _, future in batch:
            _settle(future, None, failure)

    def _remember(self, key: tuple[Any, ...], row: Any) -> None:
        if len(self._cache) >= _CACHED:
            self._cache.clear()
        self._cache[key] = row

    def _forget_if_changed(self) -> None:
        """Empty the cache if anybody has committed, asking once in a turn of the loop.

        All requests of one turn had arrived before it began, so none of them can miss what was answered earlier.
        """
        if self._version_is_fresh:
            return
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


class Remembered:
    """The store for those who may be told what it has in memory: `one` is its `cached`."""

    def __init__(self, store: Store) -> None:
        self.one = store.cached


def _settle(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)

"""Runs writes: those of all waiting requests share one transaction and one commit, which alone runs in a thread.

It knows no statement but those of its own bookkeeping, and no HTTP.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ..errors import RowsReplaced
from ..modes import Modes
from ..steering.board import EPOCH, Board
from ..store import BATCH_SIZES, REPLACING_SECONDS, Writing
from .constraints import translate
from .database import BUSY_TIMEOUT_MILLISECONDS, MEMORY
from .files import DatabaseFiles
from .transaction import SqliteTransaction

Work = Callable[[SqliteTransaction], Awaitable[Any]]
Outcome = tuple[Any, Exception | None]
Replacement = Callable[[sqlite3.Connection], None]

_CAREFUL_BATCHES = 50  # that have savepoints after one in which a work has raised
_SPEND = "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?"
_FIRST_SPENT = "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)"

_log = logging.getLogger("tms_standin.store")


class Waiting(NamedTuple):
    """A write that waits for its transaction, and the epoch of the rows that its request has read."""

    work: Work
    future: asyncio.Future[Any]
    epoch: int


class Writer:
    """The connection that writes, and everybody who waits for it."""

    connection: sqlite3.Connection

    def __init__(self, location: str, modes: Modes, board: Board, changed: Callable[[], None]) -> None:
        """Take what to call when rows have changed that no other connection tells of."""
        self._location = location
        self._modes = modes
        self._board = board
        self._changed = changed
        self._in_memory = location == MEMORY
        self.files = DatabaseFiles(location, modes)
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._waiting: list[Waiting] = []
        self._alone: list[tuple[Callable[[], None], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._careful = 0
        self._closes = False
        self._spent_ids: Counter[str] = Counter()
        self._batches = [0] * (len(BATCH_SIZES) + 1)
        self._written = 0

    @property
    def writing(self) -> Writing:
        """Return what Store.writing returns."""
        return Writing(len(self._waiting), tuple(self._batches), self._written)

    async def write(self, work: Work, epoch: int | None) -> Any:
        """Do what Store.write does. Raises RuntimeError for a write inside of a work, which would wait for itself."""
        if self._writing is not None and asyncio.current_task() is self._writing:
            raise RuntimeError("a write was asked for inside of another one")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(work, future, self._board.words[EPOCH] if epoch is None else epoch))
        self._start_writing()
        return await future

    async def alone(self, function: Replacement, *, replaces: bool) -> None:
        """Run a function over this connection between transactions, one that leaves other rows behind or one that reads."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._alone.append((lambda: self._replaced(function) if replaces else function(self.connection), future))
        self._start_writing()
        await future

    def _start_writing(self) -> None:
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())

    def spend(self, table: str) -> None:
        """Skip an id of a table with the next commit."""
        self._spent_ids[table] += 1

    async def close(self) -> None:
        """Finish the writes under way, but for those that would wait for other rows."""
        self._closes = True
        if self._writing is not None:
            await self._writing
        self._committer.shutdown()

    async def _write_all(self) -> None:
        try:
            while self._waiting or self._alone:
                if self._waiting:
                    await self._gathered()
                    await self._until_rows_stand()
                    batch, self._waiting = self._waiting, []
                    await self._write_batch(batch)
                if self._alone:
                    await self._run_alone(*self._alone.pop(0))
        finally:
            self._writing = None

    async def _run_alone(self, function: Callable[[], None], future: asyncio.Future[None]) -> None:
        try:
            if self._in_memory:  # The loop reads over the same connection, and would wait for the thread.
                function()
            else:
                await self._in_thread(function)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the call that waits
            _settle(future, None, translate(error) if isinstance(error, sqlite3.Error) else error)
        self._changed()
        _settle(future, None, None)  # Without effect where it has failed.

    def _replaced(self, replacement: Replacement) -> None:
        with self._board.replacing_rows():
            replacement(self.connection)
            self._spent_ids.clear()  # They were ids of the tables before.

    async def _gathered(self) -> None:
        """Wait while every turn of the loop brings more writes: those who were answered just now are often back soon.

        A commit costs the machine as much as five requests, so that half as many make room for more.
        """
        before = 0
        while len(self._waiting) > before:
            before = len(self._waiting)
            await asyncio.sleep(0)

    async def _until_rows_stand(self) -> None:
        """Wait while another process replaces the rows: who has read those of before begins anew when others are there."""
        while self._board.words[EPOCH] % 2 and not self._closes:
            self._board.finish_for_the_dead()
            await asyncio.sleep(REPLACING_SECONDS)

    async def _write_batch(self, batch: list[Waiting]) -> None:
        try:
            await self._begin()
            batch = self._of_this_epoch(batch)
            outcomes = await self._outcomes([waiting.work for waiting in batch])
            self._write_spent_ids()
            await self._commit()
            self.files.check()  # A commit to a file without a name is none.
            self._note(len(batch))
        except BaseException as error:
            self._abandon(batch, error)
            if not isinstance(error, Exception):
                raise
        else:
            for waiting, (result, failure) in zip(batch, outcomes, strict=True):
                _settle(waiting.future, result, failure)

    def _note(self, size: int) -> None:
        if size:
            self._batches[min(size.bit_length() - 1, len(BATCH_SIZES))] += 1
            self._written += size

    def _of_this_epoch(self, batch: list[Waiting]) -> list[Waiting]:
        """Send those away who have read rows that are not there any more, and return the others."""
        epoch = self._board.words[EPOCH]
        if epoch % 2:  # Rows are being replaced, or the process that was at it is no more.
            self._board.finish_for_the_dead()
        stale = [waiting for waiting in batch if waiting.epoch != epoch or epoch % 2]
        for waiting in stale:
            _settle(waiting.future, None, RowsReplaced())
        return [waiting for waiting in batch if waiting not in stale] if stale else batch

    async def _outcomes(self, works: list[Work]) -> list[Outcome]:
        """Run the works of a batch; when one raises, undo all and run each behind a savepoint of its own.

        Savepoints cost as much as an insert, and most batches need none. After one that did, more are likely.
        """
        if self._careful == 0:
            spent_before = self._spent_ids.copy()
            try:
                return [(await self._run(work), None) for work in works]
            except Exception:  # noqa: BLE001 - whatever it is comes again, and then belongs to the request that waits
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                self._spent_ids = spent_before
                await self._begin()
                self._careful = _CAREFUL_BATCHES
        self._careful -= 1
        return [await self._attempt(work) for work in works]

    async def _run(self, work: Work) -> Any:
        transaction = SqliteTransaction(self.connection, self._modes)
        result = await work(transaction)
        if not self.connection.in_transaction:  # SQLite itself has undone everything, and the work has told nobody.
            raise sqlite3.OperationalError("the transaction was rolled back")
        self._spent_ids.update(transaction.spent_ids)
        return result

    async def _attempt(self, work: Work) -> Outcome:
        """Run one request's writes behind a savepoint and return its result or its error."""
        transaction = SqliteTransaction(self.connection, self._modes)
        self.connection.execute("SAVEPOINT request")
        try:
            result, failure = await work(transaction), None
        except Exception as error:  # Whatever it is belongs to the request that waits.
            if not self.connection.in_transaction:  # SQLite itself has undone everything, for want of space or memory.
                raise
            self.connection.execute("ROLLBACK TO request")
            result, failure = None, error
        self.connection.execute("RELEASE request")
        self._spent_ids.update(transaction.spent_ids)
        return result, failure

    async def _begin(self) -> None:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            await self._in_thread(self._begin_patiently)

    def _begin_patiently(self) -> None:
        self.connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        finally:
            self.connection.execute("PRAGMA busy_timeout = 0")

    async def _commit(self) -> None:
        if self._in_memory:
            self.connection.execute("COMMIT")
            self._changed()
        else:
            await self._in_thread(self.connection.execute, "COMMIT")

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(self._committer, function, *arguments)

    def _write_spent_ids(self) -> None:
        if not self._modes.wire.reuses_row_ids:
            for table, count in self._spent_ids.items():
                if not self.connection.execute(_SPEND, (count, table)).rowcount:
                    self.connection.execute(_FIRST_SPENT, (table, count))
        self._spent_ids.clear()

    def _abandon(self, batch: list[Waiting], error: BaseException) -> None:
        """Undo a transaction that could not be finished; everybody who waited for it is told, whatever it was."""
        with contextlib.suppress(sqlite3.Error):
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        failure = translate(error) if isinstance(error, sqlite3.Error) else error
        _log.warning("%s: %d writes were refused: %s", self._location, len(batch), failure or type(failure).__name__)
        for waiting in batch:
            _settle(waiting.future, None, failure)


def _settle(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)

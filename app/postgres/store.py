"""The store over PostgreSQL: each write is a transaction of its own, each read takes a connection for one statement.

Rows of a few tables are remembered; a write to one of them is answered when every process on the database has
forgotten them. Nothing here knows HTTP.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Table

from ..errors import POOL_TIMED_OUT, DatabaseError, DatabaseGone, RowsReplaced
from ..modes import Modes
from ..schema import REVISION, Planted, Preparation, Prepared
from ..sqlite.image import Image
from ..statements import Statement
from ..steering.board import EPOCH
from ..store import BATCH_SIZES, PAGE, REPLACING_SECONDS, Store, Writing
from ..transaction import Transaction
from . import images
from .board import PostgresBoard
from .connections import Connections, Driver, is_gone
from .preparation import prepare
from .presence import known_to_all
from .transaction import TRIES, Again, IdTaken, PostgresTransaction, bound
from .words import translate

Result = TypeVar("Result")

READERS, WRITERS = 6, 8  # connections of one process; the rest of a server's hundred is for the others
# Their triggers tell every process of a change, whoever makes it (migrations/versions/0005_postgresql.py).
REMEMBERED = frozenset(
    ("tenants", "clients", "admin", "oauth_clients", "oauth_users", "oauth_signing_keys", "oauth_secrets")
)
_AGAIN_SECONDS = 0.002  # times the number of tries, until the next one
_BEGIN = "BEGIN; LOCK TABLE standin_board IN ROW SHARE MODE; SELECT standin_require_epoch({})"
_ROWS_REPLACED = "TS001"
_SPEND = "SELECT nextval(pg_get_serial_sequence($1, 'id'))"
_MEND = "SELECT setval(pg_get_serial_sequence('{0}', 'id'), (SELECT max(id) FROM {0}))"
ROLLED_BACK = DatabaseError("(code: 1) the transaction was rolled back", "the transaction was rolled back")


class PostgresStore(Store):
    """The store over one database, which other processes may use at the same time."""

    def __init__(self, url: str, modes: Modes, board: PostgresBoard) -> None:
        super().__init__()
        self._url = url
        self._modes = modes
        self._board = board
        # A write may read beside its transaction; two pools, or writers that wait for a reader could block each other.
        self._readers = Connections(url, READERS)
        self._writers = Connections(url, WRITERS)
        self._checks = Connections(url, 1)
        self._queue = self._written = 0
        board.forget = self._cache.clear

    async def prepare(self, preparation: Preparation[Planted]) -> Prepared[Planted]:
        """Open the database and bring it to this code's schema. Raises StartRefused."""
        return await prepare(self._url, preparation)

    @property
    def writing(self) -> Writing:
        """Return what the writes have come to since the start; each is a transaction of its own."""
        return Writing(self._queue, (self._written, *[0] * len(BATCH_SIZES)), self._written)

    async def check(self) -> None:
        """Find the database migrated and answering, beside those who wait for other rows. Raises DatabaseTrouble."""
        try:
            with self._in_force():
                async with self._checks.lend() as driver:
                    await driver.fetchval(REVISION.postgresql.text)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translate(error) from error

    async def one(self, statement: Statement, **parameters: Any) -> Any:
        """Return the first row as a named tuple, or None."""
        chosen = statement.postgresql
        record = await self._read(
            lambda driver: driver.fetchrow(chosen.text, *bound(chosen, parameters), timeout=self._board.patience)
        )
        return None if record is None else chosen.row(record)

    async def cached(self, statement: Statement, **parameters: Any) -> Any:
        """Return what `one` returns, from memory while this process would have heard of a change."""
        version = self._board.remembered
        if version is None or not statement.tables <= REMEMBERED:
            return await self.one(statement, **parameters)
        key = (statement, *parameters.values())
        found = self._cache.get(key)
        if found is None:
            found = await self.one(statement, **parameters)
            # What is not there is not remembered, or callers could fill the memory with names.
            if found is not None and version == self._board.remembered:
                self._remember(key, found)
        return found

    async def few(self, statement: Statement, **parameters: Any) -> list[Any]:
        """Return all rows of a read."""
        chosen = statement.postgresql
        records = await self._read(
            lambda driver: driver.fetch(chosen.text, *bound(chosen, parameters), timeout=self._board.patience)
        )
        return [chosen.row(record) for record in records]

    async def pages(self, statement: Statement, **parameters: Any) -> AsyncGenerator[list[Any], None]:
        """Yield the rows of a long read in lists of PAGE."""
        chosen = statement.postgresql
        values = bound(chosen, parameters)
        try:
            with self._in_force():
                async with self._readers.lend() as driver, driver.transaction():
                    cursor = await driver.cursor(chosen.text, *values, timeout=self._board.patience)
                    while page := await cursor.fetch(PAGE):
                        yield [chosen.row(record) for record in page]
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translate(error) from error

    async def spend_ids(self, *tables: Table) -> None:
        """Skip an id of each table."""
        if not self._modes.wire.reuses_row_ids:
            for table in tables:
                await self._read(_asking(_SPEND, table.name))

    async def write(self, work: Callable[[Transaction], Awaitable[Result]], epoch: int | None = None) -> Result:
        """Run `work` in a transaction of its own, again from the start where another one came in between."""
        known = self._board.words[EPOCH] if epoch is None else epoch
        self._queue += 1
        try:
            with self._in_force():
                return await self._tried_often(known, work)
        except RowsReplaced:
            await self._wait_for_rows()
            raise
        finally:
            self._queue -= 1

    async def replace(self, image: Image) -> None:
        """Leave the rows of an image and nothing else, in one transaction; every process waits with its writes."""
        with self._in_force():
            async with self._board.replacing() as driver:
                await images.pour(driver, image)

    async def save(self, path: Path, moment: datetime) -> None:
        """Write all that is committed at one moment to an image's file."""
        with self._in_force():
            async with self._readers.lend() as driver:
                await images.draw(driver, path, moment)

    async def close(self) -> None:
        """Let go of the database."""
        await asyncio.gather(*(each.close() for each in (self._readers, self._writers, self._checks)))

    async def _read(self, question: Callable[[Driver], Awaitable[Result]]) -> Result:
        try:
            with self._in_force():
                async with self._readers.lend() as driver:
                    return await question(driver)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translate(error) from error

    async def _tried_often(self, epoch: int, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        for number in range(1, TRIES):
            try:
                return await self._tried(epoch, work, number)
            except IdTaken as taken:
                await self._read(_asking(_MEND.format(taken.table)))
            except Again:
                await asyncio.sleep(_AGAIN_SECONDS * number)
        return await self._tried(epoch, work, TRIES)

    async def _tried(self, epoch: int, work: Callable[[Transaction], Awaitable[Result]], number: int) -> Result:
        async with self._writers.lend() as driver:
            try:
                await driver.execute(_BEGIN.format(int(epoch)), timeout=self._board.patience)
                transaction = PostgresTransaction(driver, self._modes, number)
                result = await work(transaction)
                if await driver.execute("COMMIT") != "COMMIT":  # A statement has failed, and the work has told nobody.
                    raise ROLLED_BACK
            except Exception as error:
                if not driver.is_closed():
                    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                        await driver.execute("ROLLBACK")
                if (ours := _as_ours(error)) is error:
                    raise
                raise ours from error
            self._written += 1
            if not transaction.changed.isdisjoint(REMEMBERED):
                await known_to_all(driver)
            return result

    async def _wait_for_rows(self) -> None:
        """Give whoever replaces the rows a moment, and finish for a process that died over it."""
        if self._board.words[EPOCH] % 2:
            await asyncio.sleep(REPLACING_SECONDS)
            await self._board.finish_for_dead_processes()
        else:
            await self._board.look()

    @contextmanager
    def _in_force(self) -> Iterator[None]:
        """Raise what the mode in force makes of a database that does not answer."""
        try:
            yield
        except DatabaseGone as gone:
            raise self._modes.gone(POOL_TIMED_OUT) from gone


def _asking(text: str, *values: Any) -> Callable[[Driver], Awaitable[Any]]:
    return lambda driver: driver.fetchval(text, *values)


def _as_ours(error: Exception) -> Exception:
    if not isinstance(error, asyncpg.PostgresError) or is_gone(error):
        return error
    return RowsReplaced() if error.sqlstate == _ROWS_REPLACED else translate(error)

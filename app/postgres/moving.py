"""A PostgreSQL database that rows are carried from or to, while others may serve it."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.util import await_only

from ..errors import StartRefused
from ..moving.rows import TABLES, Judge, count_all, refuse_other_revision, refuse_rows
from ..schema import Preparation
from .board import PostgresBoard
from .connections import PATIENT_SECONDS, Connections, Driver, shown
from .locks import MOVING
from .preparation import explained, prepare, revision_of
from .rows import PostgresRows, empty, of_this_moment, set_last_id
from .staging import FORGET, PostgresStaging, staged, staging_in

_ALONE = "SELECT pg_try_advisory_lock($1)"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresRows]:
    """Give the rows as they are at one moment; others may go on writing. Raises StartRefused."""
    refuse_other_revision(shown(url), await revision_of(url))
    async with _connected(url) as driver, driver.transaction(isolation="repeatable_read", readonly=True):
        yield await of_this_moment(driver)


@asynccontextmanager
async def target(url: str, steering: Path) -> AsyncIterator["PostgresTarget"]:
    """Give a database that gets other rows; `steering` is the file of this host's processes. Raises StartRefused."""
    found = await revision_of(url)
    if found is not None:
        refuse_other_revision(shown(url), found)
    async with _connected(url) as driver:
        if not await driver.fetchval(_ALONE, MOVING):
            raise StartRefused(f"{shown(url)}: another import is filling it, expected to be the only one.")
        yield PostgresTarget(url, steering, driver, is_new=found is None)


class PostgresTarget:
    """The staging place is a schema of the same database."""

    def __init__(self, url: str, steering: Path, driver: Driver, is_new: bool) -> None:
        self._url = url
        self._steering = steering
        self._driver = driver
        self._is_new = is_new

    async def rows(self) -> int:
        """Return how many there are now, in all tables."""
        return 0 if self._is_new else await count_all(PostgresRows(self._driver))

    async def stage(self) -> PostgresStaging:
        """Return the schema."""
        return await staging_in(self._driver)

    async def put_in_place(self, last_ids: dict[str, int], judge: Judge, replace: bool) -> None:
        """Replace all rows, have them judged and give up the staging place, all in one transaction.

        Whoever serves the database waits with writes meanwhile, and answers from the rows of before or of after.
        """
        if self._is_new:
            await prepare(self._url, self._with_tables(lambda driver: _pour(driver, last_ids, judge)))
            return
        board = PostgresBoard(self._url, self._steering)
        await board.join()
        try:
            with explained(self._url):
                async with board.replacing() as driver:
                    if not replace:
                        refuse_rows(shown(self._url), await count_all(PostgresRows(driver)))
                    await _pour(driver, last_ids, judge)
        finally:
            await board.leave()

    def _with_tables(self, pour: Callable[[Driver], Coroutine[Any, Any, None]]) -> Preparation[None]:
        """Return what makes the tables and then, as the last thing before the commit, has rows poured into them."""
        made: list[Connection] = []

        def check(begun: Connection) -> None:
            if not made:
                raise StartRefused(
                    f"{shown(self._url)}: a stand-in has made it its own meanwhile, expected none to start."
                )
            driver = cast(Driver, begun.connection.driver_connection)
            await_only(pour(driver))

        return Preparation(made.append, lambda _begun: None, enable_test_tenant=True, check=check)


async def _pour(driver: Driver, last_ids: dict[str, int], judge: Judge) -> None:
    await empty(driver)
    for table in TABLES:
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        copy = f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {staged(table)}"  # noqa: S608 - names come from tables.py
        try:
            await driver.execute(copy, timeout=PATIENT_SECONDS)
        except asyncpg.IntegrityConstraintViolationError as error:
            raise StartRefused(f"{table.name}: PostgreSQL refuses its rows: {error.args[0]}.") from error
        await set_last_id(driver, table, last_ids.get(table.name, 0))
    await judge(PostgresRows(driver))
    await driver.execute(FORGET)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Driver]:
    connections = Connections(url, 1)
    try:
        with explained(url):
            async with connections.lend() as driver:
                yield driver
    finally:
        await connections.close()

"""The rows of a PostgreSQL database, one by one, as they are at a moment, or away. It commits nothing."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import asyncpg
from sqlalchemy import Table

from ..moving.rows import CHUNK, TABLES, in_order, is_numbered
from .connections import PATIENT_SECONDS, Driver

READERS_SECONDS = 1  # how long those who read a table may take before it is emptied without waiting for them
_LAST_ID = "(SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM {0}_id_seq) AS {0}"
_LAST_IDS = "SELECT " + ", ".join(_LAST_ID.format(table.name) for table in TABLES if is_numbered(table))
# Unlike setval it is undone with its transaction.
_GO_ON_AFTER = "ALTER SEQUENCE {0}_id_seq RESTART WITH {1}"


class PostgresRows:
    """The rows that a transaction sees, in the tables themselves or in others that have their columns."""

    def __init__(
        self, driver: Driver, instead: Mapping[str, Table] | None = None, last_ids: Mapping[str, int] | None = None
    ) -> None:
        """Take the last ids of the moment, or none where they are those of whenever one asks."""
        self.driver = driver
        self._instead = instead or {}
        self._last_ids = last_ids

    async def count(self, table: Table) -> int:
        """Return how many a table has."""
        return int(await self.driver.fetchval(f"SELECT count(*) FROM {self.place_of(table)}", timeout=PATIENT_SECONDS))  # noqa: S608 - names come from tables.py

    async def chunks(self, table: Table) -> AsyncGenerator[list[Any], None]:
        """Yield them as Python sees them, in the order of their primary key."""
        asked = in_order(self.place_of(table)).postgresql
        cursor = await self.driver.cursor(asked.text, timeout=PATIENT_SECONDS)
        while records := await cursor.fetch(CHUNK, timeout=PATIENT_SECONDS):
            yield [asked.row(record) for record in records]

    async def last_id(self, table: Table) -> int:
        """Return the last id that a table has given away, 0 before the first."""
        if not is_numbered(table):
            return 0
        return (self._last_ids or await _last_ids_now(self.driver))[table.name]

    def place_of(self, table: Table) -> Table:
        """Return where the rows of a table are."""
        return self._instead.get(table.name, table)


async def _last_ids_now(driver: Driver) -> dict[str, int]:
    # Not fetchrow, which leaves the question open: whoever sets a sequence would wait for its end, at full load.
    (record,) = await driver.fetch(_LAST_IDS)
    return dict(record)


async def of_this_moment(driver: Driver) -> PostgresRows:
    """Return the rows of a transaction that reads repeatably, whatever others do until it ends."""
    # What empties a table empties it for those who have begun to read, and no transaction keeps a sequence as it was.
    await driver.execute(f"LOCK TABLE {_names()} IN ACCESS SHARE MODE", timeout=PATIENT_SECONDS)
    return PostgresRows(driver, last_ids=await _last_ids_now(driver))


async def empty(driver: Driver) -> None:
    """Take all rows away, inside a transaction that has begun: at once, or, where somebody reads for long, row by row.

    Who empties at once waits for every reader, and whoever would read meanwhile waits behind it.
    """
    try:
        async with driver.transaction():
            await driver.execute(f"SET LOCAL lock_timeout = '{READERS_SECONDS}s'")
            await driver.execute(f"TRUNCATE {_names()}", timeout=PATIENT_SECONDS)
            await driver.execute("SET LOCAL lock_timeout TO DEFAULT")
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        for table in reversed(TABLES):
            await driver.execute(f"DELETE FROM {table.name}", timeout=PATIENT_SECONDS)  # noqa: S608 - names come from tables.py


async def set_last_id(driver: Driver, table: Table, last: int) -> None:
    """Go on counting after an id, in a table that counts its rows."""
    if is_numbered(table):
        await driver.execute(_GO_ON_AFTER.format(table.name, int(last) + 1))


def _names() -> str:
    return ", ".join(table.name for table in TABLES)

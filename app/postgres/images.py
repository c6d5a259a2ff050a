"""Copies whole states between PostgreSQL and SQLite images, in which seeds and snapshots are kept. It commits nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Table

from ..errors import StartRefused
from ..moving.rows import TABLES, is_numbered
from ..sqlite.image import Image, written_whole
from ..sqlite.rows import SqliteRows, staging_file
from .connections import PATIENT_SECONDS, Driver
from .rows import PostgresRows, empty, of_this_moment, set_last_id

_UNFIT = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


async def pour(driver: Driver, image: Image) -> None:
    """Replace all rows by those of an image, inside a transaction that has begun.

    Raises what opening the image raises, and StartRefused for what PostgreSQL cannot store.
    """
    with image.opened() as connection:
        source = SqliteRows(connection)
        await empty(driver)
        for table in TABLES:
            await _pour(driver, table, _each(source.chunks(table)))
            await set_last_id(driver, table, await source.last_id(table))


async def _pour(driver: Driver, table: Table, records: AsyncIterator[Any]) -> None:
    columns = [column.name for column in table.columns]
    try:
        await driver.copy_records_to_table(table.name, columns=columns, records=records, timeout=PATIENT_SECONDS)
    except (*_UNFIT, OverflowError, ValueError) as error:  # The words of the driver repeat the value.
        reason = error.args[0] if isinstance(error, _UNFIT) else "a text or a number that it cannot store"
        raise StartRefused(f"PostgreSQL refuses its rows of {table.name}: {reason}") from error


async def draw(driver: Driver, path: Path, moment: datetime) -> None:
    """Write all that is committed at one moment to an image's file of this date, which is there whole or not at all."""
    with written_whole(path, moment) as unfinished:
        async with driver.transaction(isolation="repeatable_read", readonly=True):
            await _draw(await of_this_moment(driver), unfinished)


async def _draw(source: PostgresRows, unfinished: Path) -> None:
    staging = await asyncio.to_thread(staging_file, unfinished)
    with closing(staging.connection):
        for table in TABLES:
            async for chunk in source.chunks(table):
                await staging.put(table, chunk)
        await staging.set_last_ids({table.name: await source.last_id(table) for table in TABLES if is_numbered(table)})


async def _each(chunks: AsyncIterator[list[Any]]) -> AsyncIterator[Any]:
    async for chunk in chunks:
        for row in chunk:
            yield row

"""Copies whole states between PostgreSQL and SQLite images, in which seeds and snapshots are kept. It commits nothing."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, select

from ..schema import HEAD, VERSION_TABLE
from ..sqlite.database import engine_over
from ..sqlite.image import Image
from ..statements import Statement
from ..tables import metadata
from .connections import Driver

_CHUNK = 5_000
_LAST_ID = "SELECT setval(pg_get_serial_sequence('{0}', 'id'), greatest($1, 1), $1 > 0)"
_LAST_VALUE = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {0}_id_seq"


async def pour(driver: Driver, image: Image) -> None:
    """Replace all rows by those of an image, inside a transaction that has begun. Raises what opening the image raises."""
    tables = metadata.sorted_tables
    with image.opened() as source:
        await driver.execute(f"TRUNCATE {', '.join(table.name for table in tables)}", timeout=None)
        for table in tables:
            columns = [column.name for column in table.columns]
            await driver.copy_records_to_table(table.name, columns=columns, records=_rows(source, table), timeout=None)
            if "id" in table.columns:
                await driver.execute(_LAST_ID.format(table.name), _last_id(source, table))


async def draw(driver: Driver, path: Path, moment: datetime) -> None:
    """Write all that is committed at one moment to an image's file of this date, which is there whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with closing(sqlite3.connect(unfinished, isolation_level=None, check_same_thread=False)) as target:
            async with driver.transaction(isolation="repeatable_read", readonly=True):
                await asyncio.to_thread(_make, target)
                for table in metadata.sorted_tables:
                    await _draw_table(driver, target, table)
            target.execute("COMMIT")
        os.utime(unfinished, (moment.timestamp(), moment.timestamp()))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _rows(source: sqlite3.Connection, table: Table) -> Iterator[Any]:
    statement = Statement(select(table))
    return (statement.row(stored) for stored in source.execute(statement.text))


def _last_id(source: sqlite3.Connection, table: Table) -> int:
    row = source.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table.name]).fetchone()
    return int(row[0]) if row else 0


def _make(target: sqlite3.Connection) -> None:
    """Make the schema, and begin the transaction that the rows come in."""
    with engine_over(target).begin() as begun:
        metadata.create_all(begun)
    target.execute(VERSION_TABLE)
    target.execute("INSERT INTO alembic_version VALUES (?)", [HEAD])
    target.execute("BEGIN")


async def _draw_table(driver: Driver, target: sqlite3.Connection, table: Table) -> None:
    asked = Statement(select(table)).postgresql
    kept = Statement(insert(table))
    async for chunk in _chunks(driver, asked):
        await asyncio.to_thread(target.executemany, kept.text, [kept.bind(row._asdict()) for row in chunk])
    if "id" in table.columns:
        last = await driver.fetchval(_LAST_VALUE.format(table.name))
        target.execute("DELETE FROM sqlite_sequence WHERE name = ?", [table.name])
        target.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table.name, last])


async def _chunks(driver: Driver, asked: Statement) -> Any:
    cursor = await driver.cursor(asked.text)
    while chunk := await cursor.fetch(_CHUNK):
        yield [asked.row(record) for record in chunk]

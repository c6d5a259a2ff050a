"""A schema of a PostgreSQL database that is filled with rows before they take the place of others."""

from typing import Any

import asyncpg
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.schema import CreateTable

from ..errors import StartRefused
from ..moving.rows import TABLES
from ..schema import HEAD
from .connections import PATIENT_SECONDS, Driver
from .rows import PostgresRows

SCHEMA = "standin_moving"
FORGET = f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"
_FOUND = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1"
_LARGEST_INTEGER = 2**31 - 1


class PostgresStaging(PostgresRows):
    """Tables without constraints but for their primary keys. Each `put` is kept for itself."""

    async def put(self, table: Table, rows: list[Any]) -> None:
        """Keep some rows, all of them or none. Raises StartRefused for what PostgreSQL cannot store."""
        columns = [column.name for column in table.columns]
        try:
            await self.driver.copy_records_to_table(
                table.name, schema_name=SCHEMA, columns=columns, records=rows, timeout=PATIENT_SECONDS
            )
        except (asyncpg.DataError, OverflowError, ValueError) as error:
            raise StartRefused(_refusal(table, rows)) from error

    async def clear(self, table: Table) -> None:
        """Forget the rows of a table."""
        await self.driver.execute(f"TRUNCATE {staged(table)}")

    async def chunks(self, table: Table) -> Any:
        """Yield its rows as Python sees them, in the order of their primary key."""
        async with self.driver.transaction(readonly=True):
            async for chunk in super().chunks(table):
                yield chunk


async def staging_in(driver: Driver) -> PostgresStaging:
    """Return what an earlier call has begun to fill, or a new one where that was of another schema."""
    found = await driver.fetchval(_FOUND, SCHEMA)
    tables = {table.name: staged(table) for table in TABLES}
    if found != HEAD:
        async with driver.transaction():
            await driver.execute(FORGET)
            await driver.execute(f"CREATE SCHEMA {SCHEMA}")
            await driver.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{HEAD}'")
            for table in tables.values():
                made = CreateTable(table).compile(dialect=dialect())  # type: ignore[no-untyped-call] # SQLAlchemy's own
                await driver.execute(str(made))
    return PostgresStaging(driver, tables)


def staged(table: Table) -> Table:
    """Return the table of the staging place that has the columns of another."""
    columns = [
        Column(
            column.name,
            Text(collation="C") if isinstance(column.type, Text) else column.type,
            primary_key=column.primary_key,
            autoincrement=False,
        )
        for column in table.columns
    ]
    return Table(table.name, MetaData(schema=SCHEMA), *columns)


def _refusal(table: Table, rows: list[Any]) -> str:
    for row in rows:
        for column, value in zip(table.columns, row, strict=True):
            if isinstance(value, str) and "\0" in value:
                return f"{_row(table, row)}: {column.name} has a NUL, which PostgreSQL stores in no text."
            narrow = isinstance(column.type, Integer) and not isinstance(column.type, BigInteger)
            if narrow and isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
                return f"{_row(table, row)}: {column.name} is {value}, expected at most {_LARGEST_INTEGER}."
    return f"{table.name}: PostgreSQL refuses some of the rows from {_row(table, rows[0])} on."


def _row(table: Table, row: Any) -> str:
    key = ", ".join(f"{column.name} = {getattr(row, column.name)!r}" for column in table.primary_key.columns)
    return f"{table.name}, the row with {key}"

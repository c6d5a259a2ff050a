"""What a refusal of PostgreSQL would have been called by SQLite (contract section 4). It asks no database."""

from functools import cache

import asyncpg
from sqlalchemy import Table

from ..errors import DatabaseError
from ..tables import metadata, named_unique_sets

_CODES = {"23505": 2067, "23514": 275, "23502": 1299}
# PostgreSQL 18 names the rule that keeps a parent, with a SQLSTATE of its own; the recordings are of earlier ones.
_RESTRICT = ("violates RESTRICT setting of foreign key constraint", "violates foreign key constraint")
_FOREIGN_KEY = "FOREIGN KEY constraint failed"


def translate(error: asyncpg.PostgresError | asyncpg.InterfaceError) -> DatabaseError:
    """Return a refusal in both databases' words; PostgreSQL's are its own."""
    native = str(getattr(error, "message", None) or error).replace(*_RESTRICT)
    return DatabaseError(_in_sqlite(error, native), native)


def not_unique(table: Table, columns: tuple[str, ...]) -> str:
    """Return SQLite's words for a row whose values of these columns are there already."""
    return f"(code: 2067) UNIQUE constraint failed: {', '.join(f'{table.name}.{column}' for column in columns)}"


def found_by(table: Table, columns: tuple[str, ...]) -> str:
    """Return the question whether there is a row with given values of these columns."""
    return f"SELECT 1 FROM {table.name} WHERE " + " AND ".join(  # noqa: S608 - names come from tables.py
        f"{column} = ${number}" for number, column in enumerate(columns, 1)
    )


@cache
def unique_sets(table: Table) -> list[tuple[str, ...]]:
    """Return the sets of columns that no two rows share, in the order of their making, each once; ids are none."""
    return list(dict.fromkeys(columns for _, columns in named_unique_sets(table)))


def _in_sqlite(error: asyncpg.PostgresError | asyncpg.InterfaceError, native: str) -> str:
    state = str(getattr(error, "sqlstate", ""))
    if state == "23505":
        return _unique(str(getattr(error, "constraint_name", "")))
    if state in ("23503", "23001"):
        return f"(code: {1811 if native.startswith('update or delete') else 787}) {_FOREIGN_KEY}"
    if state == "23514":
        return f"(code: {_CODES[state]}) CHECK constraint failed: {getattr(error, 'constraint_name', '')}"
    return f"(code: {_CODES.get(state, 1)}) {native}"


def _unique(constraint: str) -> str:
    for table in metadata.tables.values():
        for name, columns in named_unique_sets(table):
            if name == constraint:
                return not_unique(table, columns)
    return f"(code: 2067) UNIQUE constraint failed: {constraint}"

"""What a refusal of SQLite would have been called by PostgreSQL (contract 2.0 and section 4).

It reads the database to find out, and never changes it.
"""

import sqlite3
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Table

from ..errors import DatabaseError
from ..tables import named_unique_sets

NUL = DatabaseError("", 'invalid byte sequence for encoding "UTF8": 0x00')

# The words of PostgreSQL for troubles that are not a constraint's, by SQLite's primary result code.
_TROUBLES = {
    sqlite3.SQLITE_BUSY: "canceling statement due to lock timeout",
    sqlite3.SQLITE_LOCKED: "canceling statement due to lock timeout",
    sqlite3.SQLITE_READONLY: "cannot execute INSERT in a read-only transaction",
    sqlite3.SQLITE_FULL: "could not extend file: No space left on device",
    sqlite3.SQLITE_IOERR: "could not read or write a block: Input/output error",
}


def translate(error: sqlite3.Error) -> DatabaseError:
    """Return a failure of the database itself: locked, full, read-only, gone."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return DatabaseError(_native(error), _TROUBLES.get(code & 0xFF, str(error)))


def refused_insert(
    connection: sqlite3.Connection, error: sqlite3.IntegrityError, table: Table, row: dict[str, Any]
) -> DatabaseError:
    """Return the refusal of an insert of `row`, with the constraint that PostgreSQL would have named first."""
    if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return DatabaseError(_native(error), _missing_parent(connection, table, row))
    for name, columns in named_unique_sets(table):
        if _exists(connection, table.name, dict(zip(columns, (row[column] for column in columns), strict=True))):
            return DatabaseError(_native(error), f'duplicate key value violates unique constraint "{name}"')
    return DatabaseError(_native(error), f'new row for relation "{table.name}" violates a constraint: {error}')


def refused_update(error: sqlite3.IntegrityError, table: Table) -> DatabaseError:
    """Return the refusal of an update, whose unique columns SQLite names itself."""
    named = tuple(part.rsplit(".", 1)[-1] for part in str(error).split(": ")[-1].split(", "))
    for name, columns in named_unique_sets(table):
        if columns == named:
            return DatabaseError(_native(error), f'duplicate key value violates unique constraint "{name}"')
    return DatabaseError(_native(error), str(error))


def refused_delete(
    connection: sqlite3.Connection, error: sqlite3.IntegrityError, table: Table, key: dict[str, Any]
) -> DatabaseError:
    """Return the refusal to delete a row that others refer to, with the table that PostgreSQL would have named."""
    for child in ("clients", "user_mfa", "hosts"):
        if _exists(connection, child, key):
            text = f'update or delete on table "{table.name}" violates foreign key constraint'
            return DatabaseError(_native(error), f'{text} "{child}_tenant_fkey" on table "{child}"')
    return DatabaseError(_native(error), str(error))


def _native(error: sqlite3.Error) -> str:
    return f"(code: {getattr(error, 'sqlite_errorcode', sqlite3.SQLITE_ERROR)}) {error}"


def _missing_parent(connection: sqlite3.Connection, table: Table, row: dict[str, Any]) -> str:
    for key in _foreign_keys(table):
        pairs = [(element.parent.name, element.column) for element in key.elements]
        parent = {column.name: row[name] for name, column in pairs}
        if not _exists(connection, pairs[0][1].table.name, parent):
            return f'insert or update on table "{table.name}" violates foreign key constraint "{key.name!s}"'
    return f'insert or update on table "{table.name}" violates a foreign key constraint'


def _exists(connection: sqlite3.Connection, table: str, values: dict[str, Any]) -> bool:
    where = " AND ".join(f"{name} = ?" for name in values)
    found = connection.execute(f"SELECT 1 FROM {table} WHERE {where}", list(values.values()))  # noqa: S608 - names come from tables.py
    return found.fetchone() is not None


def _foreign_keys(table: Table) -> list[ForeignKeyConstraint]:
    """Return a table's foreign keys in the order in which PostgreSQL checks them: that of their declaration."""
    return sorted(table.foreign_key_constraints, key=lambda key: key._creation_order)

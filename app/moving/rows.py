"""What moving needs of a database: all rows of a table in one order, and a place to put them. It opens none."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from sqlalchemy import Table, select

from ..oauth_tables import oauth_clients
from ..statements import Statement

CHUNK = 5_000  # rows that are in memory at a time

TABLES = oauth_clients.metadata.sorted_tables  # those of TMS too, parents before their children


class Rows(Protocol):
    """The rows of one database at one moment."""

    async def count(self, table: Table) -> int:
        """Return how many a table has."""

    def chunks(self, table: Table) -> AsyncIterator[list[Any]]:
        """Yield them as Python sees them, in the order of their primary key."""

    async def last_id(self, table: Table) -> int:
        """Return the last id that a table has given away, 0 before the first; it may be spent."""


class Staging(Rows, Protocol):
    """A place that is filled a chunk at a time, and keeps what it has when its process dies."""

    async def put(self, table: Table, rows: list[Any]) -> None:
        """Keep some rows, all of them or none. Raises StartRefused for what this database cannot store."""

    async def clear(self, table: Table) -> None:
        """Forget the rows of a table."""


def in_order(table: Table) -> Statement:
    """Return the question for all rows; both databases sort text by its bytes."""
    return Statement(select(table).order_by(*table.primary_key.columns))


def is_numbered(table: Table) -> bool:
    """Return whether a table counts its rows by an id."""
    return "id" in table.columns

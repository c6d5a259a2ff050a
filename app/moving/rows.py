"""What moving needs of a database: all rows of a table in one order, and a place to put them. It opens none."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Protocol

from sqlalchemy import Table, select

from ..errors import StartRefused
from ..oauth_tables import oauth_clients
from ..schema import HEAD
from ..statements import Statement

CHUNK = 5_000  # rows that are in memory at a time

TABLES = oauth_clients.metadata.sorted_tables  # those of TMS too, parents before their children


class Rows(Protocol):
    """The rows of one database at one moment."""

    async def count(self, table: Table) -> int:
        """Return how many a table has."""

    def chunks(self, table: Table) -> AsyncGenerator[list[Any], None]:
        """Yield them as Python sees them, in the order of their primary key."""

    async def last_id(self, table: Table) -> int:
        """Return the last id that a table has given away, 0 before the first; it may be spent."""


class Staging(Rows, Protocol):
    """A place that is filled a chunk at a time, and keeps what it has when its process dies."""

    async def put(self, table: Table, rows: list[Any]) -> None:
        """Keep some rows, all of them or none. Raises StartRefused for what this database cannot store."""

    async def clear(self, table: Table) -> None:
        """Forget the rows of a table."""


class Target(Protocol):
    """A database that is to have other rows, and its staging place."""

    async def rows(self) -> int:
        """Return how many it has now, in all tables."""

    async def stage(self) -> Staging:
        """Return the place that is filled first, with what is in it already. Raises StartRefused."""

    async def put_in_place(self, last_ids: dict[str, int], judge: "Judge", replace: bool) -> None:
        """Replace all rows by those of the staging place at once, and give that up.

        `judge` is shown what has arrived; where it raises, as little is changed as can be. Raises StartRefused for rows
        that have come since the carrying began, unless they may be replaced.
        """


Judge = Callable[[Rows], Awaitable[None]]


def refuse_other_revision(database: str, found: str | None) -> None:
    """Raise StartRefused for a database that has not this code's schema."""
    if found is None:
        raise StartRefused(f"{database}: it is empty, expected a database that the stand-in made.")
    if found != HEAD:
        raise StartRefused(
            f"{database}: its schema revision is {found!r}, expected {HEAD}, to which a start of this stand-in brings it."
        )


def refuse_rows(database: str, there: int) -> None:
    """Raise StartRefused for a database that has any."""
    if there:
        raise StartRefused(
            f"{database}: it has {there:,} rows, expected a database without any, or --replace to lose them."
        )


async def count_all(rows: Rows) -> int:
    """Return how many there are in all tables."""
    return sum([await rows.count(table) for table in TABLES])


def in_order(table: Table) -> Statement:
    """Return the question for all rows; both databases sort text by its bytes."""
    return Statement(select(table).order_by(*table.primary_key.columns))


def is_numbered(table: Table) -> bool:
    """Return whether a table counts its rows by an id."""
    return "id" in table.columns

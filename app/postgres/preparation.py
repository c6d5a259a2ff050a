"""Brings a PostgreSQL database to the schema of this code, as one process, however many start at once."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import asyncpg
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from ..errors import DatabaseGone, StartRefused
from ..schema import HEAD, REVISIONS, Planted, Preparation, Prepared, bring_up
from .connections import Connections, shown
from .locks import START

Result = TypeVar("Result")

_EXPECTED_EMPTY = "expected an empty database, or one that the stand-in made"
_REASONS: list[tuple[type[Exception], str]] = [
    (asyncpg.InvalidCatalogNameError, "there is no such database, expected one that exists: createdb makes it"),
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        "the server refuses this user or password, expected those of a role",
    ),
    (asyncpg.InsufficientPrivilegeError, "the role may not make tables in it, expected its owner"),
    (asyncpg.TooManyConnectionsError, "the server has no place for more connections, expected some to be free"),
    (OSError, "no server answers there, expected a running PostgreSQL"),
    (TimeoutError, "no server answers there, expected a running PostgreSQL"),
]


async def prepare(url: str, preparation: Preparation[Planted]) -> Prepared[Planted]:
    """Migrate and seed the database of a URL in one transaction. Raises StartRefused with one sentence."""
    return await _in_transaction(url, lambda begun: _brought_up(begun, url, preparation))


async def revision_of(url: str) -> str | None:
    """Return the revision that a database is at, or None when it is empty. Raises StartRefused for a stranger's."""
    return await _in_transaction(url, lambda begun: _revision_of(begun, url))


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn a failure of the database into a sentence. Raises StartRefused."""
    try:
        yield
    except (
        DatabaseGone,
        DBAPIError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        OSError,
        TimeoutError,
        ValueError,
    ) as error:
        raise StartRefused(f"{shown(url)}: {_reason(error)}.") from error


async def _in_transaction(url: str, work: Callable[[Connection], Result]) -> Result:
    connections = Connections(url, 1, autocommit=False)
    try:
        with explained(url):
            async with connections.engine.begin() as begun:
                return await begun.run_sync(work)
    finally:
        await connections.close()


def _brought_up(begun: Connection, url: str, preparation: Preparation[Planted]) -> Prepared[Planted]:
    begun.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": START})
    if begun.execute(text("SHOW server_encoding")).scalar() != "UTF8":
        raise StartRefused(f"{shown(url)}: its encoding is not UTF8, expected a database made with ENCODING 'UTF8'.")
    return bring_up(begun, _revision_of(begun, url), preparation)


def _revision_of(begun: Connection, url: str) -> str | None:
    """Return the revision that the database is at, or None when it is empty. Raises StartRefused for a stranger's."""
    names = inspect(begun).get_table_names()
    if not names:
        return None
    row = begun.execute(text("SELECT version_num FROM alembic_version")).first() if "alembic_version" in names else None
    if row is None or not re.match("tms_", row[0]):
        raise StartRefused(f"{shown(url)}: this database belongs to another program, {_EXPECTED_EMPTY}.")
    if row[0] not in REVISIONS:
        raise StartRefused(f"{shown(url)}: revision {row[0]!r} is unknown to this code, expected {HEAD} or older.")
    return str(row[0])


def _reason(error: BaseException) -> str:
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    for kind, reason in _REASONS:
        if any(isinstance(cause, kind) for cause in chain):
            return reason
    return f"the database cannot be brought to this code's schema: {chain[-1]}"

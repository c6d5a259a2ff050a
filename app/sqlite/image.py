"""Whole states of the database as SQLite images: the seed, and snapshots in files. It knows no request and no clock."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, bindparam, update

from ..errors import StartRefused
from ..oauth_tables import oauth_clients, oauth_users
from ..schema import HEAD
from ..statements import Statement
from ..tables import metadata
from .database import MEMORY, engine_over, open_sqlite

_BUSY_PAUSE = 0.002  # seconds between two looks at a database that another process holds
_STRANGER = "this is no snapshot of a stand-in, expected what GET snapshots/NAME has answered"
VERSION_TABLE = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))
"""
_STAMPED = [table for table in metadata.tables.values() if {"created", "updated"} <= set(table.columns.keys())]
_SEEDED_ONCE = [oauth_clients, oauth_users]


class Image(Protocol):
    """A whole state, which is read as a SQLite database of this code's schema."""

    def opened(self) -> AbstractContextManager[sqlite3.Connection]:
        """Open it for reading, in whatever thread. Raises StartRefused for a file that is none."""


class SeedImage:
    """A seed as a database in memory, ready to be copied. Its moments are renewed for each copy."""

    def __init__(self, plant: Callable[[Connection], object]) -> None:
        """Plant a seed in an empty schema. Raises what `plant` raises."""
        self._connection = open_sqlite(MEMORY)
        try:
            with engine_over(self._connection).begin() as begun:
                metadata.create_all(begun)
                plant(begun)
            self._connection.execute(VERSION_TABLE)
            self._connection.execute("INSERT INTO alembic_version VALUES (?)", [HEAD])
        except BaseException:
            self._connection.close()
            raise

    def of(self, moment: datetime) -> "Image":
        """Return the seed with its records made at `moment`."""
        return DatedSeed(self._connection, moment)

    def close(self) -> None:
        """Let go of the memory."""
        self._connection.close()


_RENEW = [
    Statement(update(table).values({name: bindparam(name, type_=table.c[name].type) for name in names}))
    for tables, names in ((_STAMPED, ("created", "updated")), (_SEEDED_ONCE, ("created",)))
    for table in tables
]


class DatedSeed:
    """A seed whose records are made at one moment."""

    def __init__(self, connection: sqlite3.Connection, moment: datetime) -> None:
        self._connection = connection
        self._moment = moment

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Renew the moments and give the seed."""
        for statement in _RENEW:
            self._connection.execute(statement.text, statement.bind({"created": self._moment, "updated": self._moment}))
        yield self._connection


class FileImage:
    """A snapshot in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Give what the file holds. Raises StartRefused as `revision_of_file` does."""
        revision_of_file(self._path)
        with closing(_opened(self._path)) as connection:
            yield connection


def save(connection: sqlite3.Connection, path: Path, moment: datetime) -> None:
    """Write all that is committed to a file of this date, which is there whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as image:
            connection.backup(image, sleep=_BUSY_PAUSE)
            image.execute("PRAGMA journal_mode = DELETE")
        os.utime(unfinished, (moment.timestamp(), moment.timestamp()))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def restore(connection: sqlite3.Connection, image: Image) -> None:
    """Leave what an image holds in a database, and nothing else. Raises what opening it raises."""
    with image.opened() as source:
        source.backup(connection, sleep=_BUSY_PAUSE)


def revision_of_file(path: Path) -> str:
    """Return the schema revision of a snapshot, which is this code's. Raises StartRefused for any other file."""
    try:
        with closing(_opened(path)) as image:
            row = image.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        raise StartRefused(_STRANGER) from None
    if row is None or row[0] != HEAD:
        found = "none" if row is None else repr(row[0])
        raise StartRefused(f"its schema revision is {found}, expected {HEAD}, the one of this code")
    return str(row[0])


def check_whole(path: Path) -> None:
    """Read all of a snapshot, 1 ms for each MB. Raises StartRefused for a damaged one, or as `revision_of_file` does."""
    revision_of_file(path)
    try:
        with closing(_opened(path)) as image:
            found = image.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error:
        raise StartRefused(_STRANGER) from None
    if found != ("ok",):
        raise StartRefused("the file is damaged, expected what GET snapshots/NAME has answered")


def _opened(path: Path) -> sqlite3.Connection:
    """Open a snapshot, which nobody changes while it is there, so that SQLite puts nothing beside it."""
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, check_same_thread=False)

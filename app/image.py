"""Whole states of the database as SQLite images: the seed, and snapshots in files. It knows no request and no clock."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, bindparam, update

from .database import HEAD, MEMORY, engine_over, open_sqlite
from .errors import StartRefused
from .oauth_tables import oauth_clients, oauth_users
from .statements import Statement
from .tables import metadata

_BUSY_PAUSE = 0.002  # seconds between two looks at a database that another process holds
_STRANGER = "this is no snapshot of a stand-in, expected what GET snapshots/NAME has answered"
_UNREADABLE = (
    sqlite3.Error,
    UnicodeDecodeError,
)  # The second is SQLite's own sentence, with bytes of a damaged schema.
_VERSION_TABLE = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))
"""
_STAMPED = [table for table in metadata.tables.values() if {"created", "updated"} <= set(table.columns.keys())]
_SEEDED_ONCE = [oauth_clients, oauth_users]


class SeedImage:
    """A seed as a database in memory, ready to be copied. Its moments are renewed for each copy."""

    def __init__(self, plant: Callable[[Connection], object]) -> None:
        """Plant a seed in an empty schema. Raises what `plant` raises."""
        self._connection = open_sqlite(MEMORY)
        try:
            with engine_over(self._connection).begin() as begun:
                metadata.create_all(begun)
                plant(begun)
            self._connection.execute(_VERSION_TABLE)
            self._connection.execute("INSERT INTO alembic_version VALUES (?)", [HEAD])
        except BaseException:
            self._connection.close()
            raise

    def copy_to(self, connection: sqlite3.Connection, moment: datetime) -> None:
        """Leave the seed and nothing else in a database, its records made at `moment`."""
        for statement in _RENEW:
            self._connection.execute(statement.text, statement.bind({"created": moment, "updated": moment}))
        self._connection.backup(connection, sleep=_BUSY_PAUSE)

    def close(self) -> None:
        """Let go of the memory."""
        self._connection.close()


_RENEW = [
    Statement(update(table).values({name: bindparam(name, type_=table.c[name].type) for name in names}))
    for tables, names in ((_STAMPED, ("created", "updated")), (_SEEDED_ONCE, ("created",)))
    for table in tables
]


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


def restore(connection: sqlite3.Connection, path: Path) -> None:
    """Leave what a file holds in a database, and nothing else. Raises StartRefused as `revision_of_file` does."""
    revision_of_file(path)
    with closing(_opened(path)) as image:
        image.backup(connection, sleep=_BUSY_PAUSE)


def revision_of_file(path: Path) -> str:
    """Return the schema revision of a snapshot, which is this code's. Raises StartRefused for any other file."""
    try:
        with closing(_opened(path)) as image:
            row = image.execute("SELECT version_num FROM alembic_version").fetchone()
    except _UNREADABLE:
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
    except _UNREADABLE:
        raise StartRefused(_STRANGER) from None
    if found != ("ok",):
        raise StartRefused("the file is damaged, expected what GET snapshots/NAME has answered")


def _opened(path: Path) -> sqlite3.Connection:
    """Open a snapshot, which nobody changes while it is there, so that SQLite puts nothing beside it."""
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, check_same_thread=False)

"""Whole states of the database as SQLite images: the seed, and snapshots in files. It knows no request and no clock."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, bindparam, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex

from ..clock import Clock
from ..errors import StartRefused
from ..oauth_tables import oauth_clients, oauth_users
from ..private_files import make_private
from ..schema import HEAD, make
from ..statements import Statement
from ..tables import metadata
from .database import BUSY_TIMEOUT_MILLISECONDS, MEMORY, engine_over, open_sqlite

_BUSY_PAUSE = 0.002  # seconds between two looks at a database that another process holds
_STRANGER = "this is no snapshot of a stand-in, expected what GET snapshots/NAME has answered"
_UNREADABLE = (
    sqlite3.Error,
    UnicodeDecodeError,
)  # The second is SQLite's own sentence, with bytes of a damaged schema.
# Hidden columns are generated ones: they would run a stranger's expressions.
_COLUMNS = """
SELECT made.name, columns.name, columns.hidden
FROM sqlite_master AS made, pragma_table_xinfo(made.name) AS columns
WHERE made.type = 'table' AND made.name NOT LIKE 'sqlite#_%' ESCAPE '#'
"""
_FOREIGN = "SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%'"
_INDEXES = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
_OURS = {(table.name, column.name, 0) for table in metadata.tables.values() for column in table.columns}
_OURS.add(("alembic_version", "version_num", 0))
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
                make(begun)
                plant(begun)
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
    with written_whole(path, moment) as unfinished:
        make_private(unfinished)
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as image:
            connection.backup(image, sleep=_BUSY_PAUSE, progress=_no_longer_than_writes())
            image.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def written_whole(path: Path, moment: datetime) -> Iterator[Path]:
    """Give the path of a file that takes the place of `path`, with this date, when all of it is written."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield unfinished
        os.utime(unfinished, (moment.timestamp(), moment.timestamp()))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def restore(connection: sqlite3.Connection, image: Image) -> None:
    """Leave what an image holds in a database, and nothing else. Raises what opening it raises, and sqlite3.Error."""
    with image.opened() as source:
        source.backup(connection, sleep=_BUSY_PAUSE, progress=_no_longer_than_writes())


def _no_longer_than_writes() -> Callable[[int, int, int], None]:
    """Return what ends a copy that meets a lock for as long as a write would wait; by itself it tries for ever."""
    gives_up = Clock.stopwatch() + BUSY_TIMEOUT_MILLISECONDS / 1000

    def look(status: int, _remaining: int, _total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and Clock.stopwatch() > gives_up:
            locked = sqlite3.OperationalError("database is locked")
            locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise locked

    return look


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
    """Read all of a snapshot, 1 ms for each MB. Raises StartRefused for a damaged one, or as `revision_of_file` does.

    So it does for one with anything in it but our tables: a trigger or a view of a stranger's would run in our database.
    """
    revision_of_file(path)
    try:
        with closing(_opened(path)) as image:
            columns = {*image.execute(_COLUMNS)}
            foreign = image.execute(_FOREIGN).fetchone()
            indexes = {sql for (sql,) in image.execute(_INDEXES)}
            found = image.execute("PRAGMA quick_check(1)").fetchone()
    except _UNREADABLE:
        raise StartRefused(_STRANGER) from None
    if foreign is not None or columns != _OURS or not indexes <= _our_indexes():
        raise StartRefused("it holds other tables, views or triggers than a stand-in's")
    if found != ("ok",):
        raise StartRefused("the file is damaged, expected what GET snapshots/NAME has answered")


@cache
def _our_indexes() -> set[str]:
    indexes = (index for table in metadata.tables.values() for index in table.indexes)
    return {str(CreateIndex(index).compile(dialect=sqlite.dialect())) for index in indexes}


def _opened(path: Path) -> sqlite3.Connection:
    """Open a snapshot, which nobody changes while it is there, so that SQLite puts nothing beside it."""
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, check_same_thread=False)

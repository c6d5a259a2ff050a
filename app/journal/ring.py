"""The ring that entries are kept in: an SQLite file beside the database, or memory. It knows neither HTTP nor secrets.

A row is written where a request ends, in some 20 microseconds, because with several processes on one database each has
to see what the others have answered; there is no fsync, since nothing of it has to survive.
"""

import contextlib
import errno
import logging
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..private_files import make_private

MOST_ENTRIES = 10_000
MOST_BYTES = 16 * 1024 * 1024  # of entries as they are stored

_SPINS = 200  # attempts to write beside another process, whose own writes take microseconds
_PATIENCE_MILLISECONDS = 1_000
_CHECKPOINT_PAGES = 250
_PRUNED_EVERY = 32  # rows; what is over the limits meanwhile nobody sees

_ENTRIES = """
CREATE TABLE IF NOT EXISTS entries (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, operation TEXT NOT NULL, template TEXT NOT NULL, status INTEGER NOT NULL,
  upto INTEGER NOT NULL, entry BLOB NOT NULL)
"""
_EMPTIED = "CREATE TABLE IF NOT EXISTS emptied (last_id INTEGER NOT NULL, only INTEGER PRIMARY KEY CHECK (only = 1))"
_NEVER_EMPTIED = "INSERT OR IGNORE INTO emptied VALUES (0, 1)"
_INSERT = """
INSERT INTO entries (id, at, operation, template, status, upto, entry)
VALUES (
  coalesce((SELECT id FROM entries ORDER BY id DESC LIMIT 1), (SELECT last_id FROM emptied)) + 1, ?, ?, ?, ?,
  coalesce((SELECT upto FROM entries ORDER BY id DESC LIMIT 1), 0) + ?, ?)
"""
_PRUNE = """
DELETE FROM entries WHERE id < min((SELECT id FROM entries ORDER BY id DESC LIMIT 1), max(
  (SELECT id FROM entries ORDER BY id DESC LIMIT 1) - ? + 1,
  coalesce((
    SELECT id FROM entries
    WHERE upto - length(entry) >= (SELECT upto FROM entries ORDER BY id DESC LIMIT 1) - ? ORDER BY id LIMIT 1
  ), 9223372036854775807)))
"""
_FIND = """
SELECT id, entry FROM entries
WHERE id > :after AND at >= :since AND status BETWEEN :least AND :most
  AND (:name IS NULL OR operation = :name OR template = :name)
ORDER BY id DESC LIMIT :limit
"""
_COUNT = """
SELECT count(*) FROM (
  SELECT 1 FROM entries
  WHERE id > :after AND at >= :since AND status BETWEEN :least AND :most
    AND (:name IS NULL OR operation = :name OR template = :name)
  LIMIT :limit)
"""
_DROPPED = "SELECT (SELECT id FROM entries ORDER BY id LIMIT 1) - 1 - last_id FROM emptied"
_REMEMBER_LAST = "UPDATE emptied SET last_id = coalesce((SELECT max(id) FROM entries), last_id)"
_DELETE = "DELETE FROM entries"

_log = logging.getLogger("tms_standin.journal")


class Wanted(NamedTuple):
    """Which entries are asked for: by a name of their operation, statuses from and to, instant and last known id."""

    name: str | None = None
    least: int = 0
    most: int = 999
    since: float = 0.0
    after: int = 0
    limit: int = 100


class Row(NamedTuple):
    """An entry as it is stored: its instant in seconds, both names, its status, and all of it as JSON."""

    at: float
    operation: str
    template: str
    status: int
    entry: bytes


class Found(NamedTuple):
    """The newest entries that match, the oldest first, as (id, JSON), and how many the ring has dropped since emptied."""

    entries: list[tuple[int, bytes]]
    dropped: int


class Ring:
    """At most so many entries and bytes; the oldest make room. Every method may be called from any thread."""

    def __init__(self, path: Path | None, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._limits = (most_entries, most_bytes)
        self._lock = threading.Lock()
        self._reading_lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._unpruned = 0

    def add(self, row: Row) -> None:
        """Append an entry. Where that fails, for want of space, the log says so and the entry is lost."""
        try:
            with self._lock:
                connection = self._opened()
                self._insert(connection, (*row[:4], len(row.entry), row.entry))
                self._unpruned += 1
                if self._unpruned >= _PRUNED_EVERY:
                    self._prune(connection)
        except sqlite3.Error as error:
            _log.warning("an entry of the journal is lost: %s", error)

    def find(self, wanted: Wanted) -> Found:
        """Return what is asked for."""
        with self._reading() as connection:
            if connection is None:
                return Found([], 0)
            rows = connection.execute(_FIND, wanted._asdict()).fetchall()
            return Found(rows[::-1], connection.execute(_DROPPED).fetchone()[0] or 0)

    def count(self, wanted: Wanted) -> int:
        """Return how many entries match, at most `wanted.limit`."""
        with self._reading() as connection:
            return connection.execute(_COUNT, wanted._asdict()).fetchone()[0] if connection else 0

    def empty(self) -> None:
        """Remove all entries. The numbers go on, so that what was seen of the journal is not seen again."""
        with self._reading() as connection:
            if connection is not None:
                connection.execute("BEGIN IMMEDIATE")
                for statement in (_REMEMBER_LAST, _DELETE):
                    connection.execute(statement)
                connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock, self._reading_lock:
            for connection in (self._connection, self._reader):
                if connection is not None:
                    connection.close()
            self._connection = self._reader = None

    def _insert(self, connection: sqlite3.Connection, values: tuple[float | str | int | bytes, ...]) -> None:
        """Write a row. SQLite's own waiting sleeps a millisecond at least, and this one holds the loop."""
        for _ in range(_SPINS):
            try:
                connection.execute(_INSERT, values)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
            else:
                return
        connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_MILLISECONDS}")
        try:
            connection.execute(_INSERT, values)
        finally:
            connection.execute("PRAGMA busy_timeout = 0")

    def _prune(self, connection: sqlite3.Connection) -> None:
        self._unpruned = 0
        with contextlib.suppress(sqlite3.OperationalError):  # Another process writes: it, or the next time, does it.
            connection.execute(_PRUNE, self._limits)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """Give the connection that a request's end does not wait for, or None while there has been no entry at all.

        One thread at a time has it: a transaction of two would be one. Raises OSError for a file that cannot be used.
        """
        with self._lock if self._path is None else self._reading_lock:
            connection = None
            try:
                connection = self._connection if self._path is None else self._opened_reader(self._path)
                if connection is not None:
                    self._prune(connection)
                yield connection
            except sqlite3.Error as error:
                if connection is not None and connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise OSError(errno.EIO, str(error)) from error

    def _opened_reader(self, path: Path) -> sqlite3.Connection | None:
        if self._reader is None and path.exists():
            self._reader = _open(path, _PATIENCE_MILLISECONDS)
        return self._reader

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _open(self._path or ":memory:", 0)
        return self._connection


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files that a ring may leave."""
    return (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))


def _open(path: Path | str, busy_milliseconds: int) -> sqlite3.Connection:
    if isinstance(path, Path):
        make_private(path)
    connection = sqlite3.connect(
        path, timeout=_PATIENCE_MILLISECONDS / 1_000, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        for statement in (_ENTRIES, _EMPTIED, _NEVER_EMPTIED):
            connection.execute(statement)
        connection.execute(f"PRAGMA busy_timeout = {busy_milliseconds}")
    except BaseException:
        connection.close()
        raise
    return connection

"""Opens a SQLite database and brings it to the schema of this code. It knows neither requests nor the writer."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from ..errors import StartRefused
from ..private_files import make_private
from ..schema import HEAD, REVISIONS, Planted, Preparation, Prepared, bring_up

MEMORY = ":memory:"
BUSY_TIMEOUT_MILLISECONDS = 5_000

_WAL_ATTEMPTS = 20
_EXPECTED_URL = "expected sqlite:///FILE, sqlite:// for a database in memory, or postgresql://USER@HOST/DATABASE"
_EXPECTED_FILE = "expected a database that the stand-in made, or the name of a file that is not there yet"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite#_%' ESCAPE '#'"
_REASONS = {
    sqlite3.SQLITE_NOTADB: f"it is not an SQLite database, {_EXPECTED_FILE}",
    sqlite3.SQLITE_CORRUPT: f"the database is damaged, {_EXPECTED_FILE}",
    sqlite3.SQLITE_FULL: "there is no space left for it, expected some megabytes on the disk",
    sqlite3.SQLITE_IOERR: "the disk refused to read or write, expected one that works and has space left",
    sqlite3.SQLITE_READONLY: "it cannot be written, expected a file and a directory that may be written",
    sqlite3.SQLITE_BUSY: f"another process holds it locked, expected it free within {BUSY_TIMEOUT_MILLISECONDS} ms",
}


def location_of(url: str) -> str:
    """Return the file's path of `sqlite:///FILE`, or `:memory:` of `sqlite://` (design 2.2).

    Raises StartRefused for everything else, in words that repeat nothing of the URL: it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StartRefused(f"standin.database: this is no database's URL, {_EXPECTED_URL}.") from None
    location = MEMORY if url == "sqlite://" else parsed.database
    if parsed != URL.create("sqlite", database=parsed.database) or not location or "\0" in location:
        raise StartRefused(f"standin.database: this URL is not served, {_EXPECTED_URL}.")
    return location


def open_sqlite(location: str) -> sqlite3.Connection:
    """Return a connection in autocommit mode: whoever writes begins and ends the transaction.

    It may be used from any thread, one at a time; foreign keys are on, a commit is on disk when it returns.
    Raises StartRefused with the path and the reason.
    """
    _refuse_what_a_killed_process_left(location)
    if location != MEMORY:
        make_private(location)
    with explained(location):
        connection = sqlite3.connect(location, isolation_level=None, check_same_thread=False, cached_statements=512)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
    return connection


def prepare(connection: sqlite3.Connection, location: str, preparation: Preparation[Planted]) -> Prepared[Planted]:
    """Bring the database to this code's schema, with its seed, in one transaction.

    Of two processes that start at once the second finds the work done. Raises StartRefused, also for a file of another
    program or of newer code, which stays as it was.
    """
    with explained(location):
        revision_of(connection, location)
        if location != MEMORY and _switch_to_wal(connection) != "wal":
            raise StartRefused(f"{named(location)}: its file system cannot hold a WAL file, expected a local disk.")
        with engine_over(connection).begin() as begun:
            return bring_up(begun, revision_of(connection, location), preparation)


def engine_over(connection: sqlite3.Connection) -> Engine:
    """Return an engine whose only connection is this one, and whose transactions hold the write lock from the start."""
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool, hide_parameters=True)
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def revision_of(connection: sqlite3.Connection, location: str) -> str | None:
    """Return the revision that a database is at, or None when it is empty. Raises StartRefused for a stranger's."""
    names = {name for (name,) in connection.execute(_TABLES)}
    if not names:
        return None
    row = (
        connection.execute("SELECT version_num FROM alembic_version").fetchone() if "alembic_version" in names else None
    )
    if row is None:
        raise StartRefused(f"{named(location)}: this database belongs to another program, {_EXPECTED_FILE}.")
    if row[0] not in REVISIONS:
        raise StartRefused(f"{named(location)}: revision {row[0]!r} is unknown to this code, expected {HEAD} or older.")
    return str(row[0])


def _refuse_what_a_killed_process_left(location: str) -> None:
    """Refuse a stranger's database while its -wal file holds commits that are not in the file yet.

    Any other connection would carry them over when it closes, which changes the file; a read-only one cannot.
    """
    with suppress(OSError, sqlite3.Error):
        if Path(f"{location}-wal").stat().st_size:
            address = f"{Path(location).absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True)) as connection:
                revision_of(connection, location)


def _switch_to_wal(connection: sqlite3.Connection, attempts: int = _WAL_ATTEMPTS) -> str:
    """Ask for the write-ahead log and return the mode that is on then.

    While anybody else is busy SQLite refuses the switch at once, whatever the timeout.
    """
    try:
        return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
    except sqlite3.OperationalError as error:
        if not attempts or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
    connection.execute("BEGIN EXCLUSIVE")  # This does wait.
    connection.execute("COMMIT")
    return _switch_to_wal(connection, attempts - 1)


@contextmanager
def explained(location: str) -> Iterator[None]:
    """Turn a failure of the database into the sentence that ends the start. Raises StartRefused."""
    try:
        yield
    except (sqlite3.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StartRefused(f"{named(location)}: {_reason(location, cause)}.") from error


def _reason(location: str, cause: BaseException | None) -> str:
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_CANTOPEN:
        return f"{_why_not_opened(Path(location))}, expected a file in a directory that may be written"
    return _REASONS.get(code, f"the database cannot be brought to this code's schema: {cause}")


def _why_not_opened(path: Path) -> str:
    """Ask the operating system, because SQLite does not tell."""
    try:
        path.open("a").close()
    except OSError as error:
        return f"it cannot be opened ({error.strerror})"
    return "it cannot be opened"


def named(location: str) -> str:
    """Return what to call a database in a sentence."""
    return "the database in memory" if location == MEMORY else str(Path(location).absolute())

"""Reads the key rows of a server's SQLite file from outside. It never writes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def _open(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        yield connection


def last_key(database: Path) -> int:
    """Return the highest id in pubkeys, 0 when there is none."""
    with _open(database) as connection:
        highest: int = connection.execute("SELECT coalesce(max(id), 0) FROM pubkeys").fetchone()[0]
        return highest


def count_keys(database: Path) -> int:
    """Return the number of keys."""
    with _open(database) as connection:
        count: int = connection.execute("SELECT count(*) FROM pubkeys").fetchone()[0]
        return count


def fingerprints_after(database: Path, key: int) -> list[str]:
    """Return the fingerprints of the keys whose id is above `key`."""
    with _open(database) as connection:
        query = "SELECT public_key_fingerprint FROM pubkeys WHERE id > ? ORDER BY id"
        return [fingerprint for (fingerprint,) in connection.execute(query, (key,))]


def defects(database: Path) -> list[str]:
    """Return what PRAGMA integrity_check and foreign_key_check complain about; none for a sound file."""
    with _open(database) as connection:
        broken = [line for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"]
        orphans = [f"row {row} of {table} has no {parent}" for table, row, parent, _ in _orphans(connection)]
        return [*broken, *orphans]


def _orphans(connection: sqlite3.Connection) -> list[tuple[str, int, str, int]]:
    return connection.execute("PRAGMA foreign_key_check").fetchall()


def answered(file: Path) -> list[str]:
    """Return the fingerprints that wrk wrote down, one for each 201 answer."""
    return file.read_text("utf-8").splitlines()


def difference(given: list[str], stored: list[str]) -> list[str]:
    """Return one sentence for each way in which the keys answered are not the new rows; none when they are equal."""
    lost = len(set(given) - set(stored))
    extra = len(set(stored) - set(given))
    return [
        *([f"{lost} keys answered are not in the database"] if lost else []),
        *([f"{extra} new rows were never answered"] if extra else []),
        *([f"{len(given)} keys answered, {len(stored)} new rows"] if len(given) != len(stored) else []),
    ]

"""The databases of the servers that are killed, read from outside: their rows, and whether they are sound."""

import asyncio
import itertools
import shutil
import signal
import sqlite3
import subprocess
from abc import ABC, abstractmethod
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from app.tables import metadata
from tests.load import rows
from tests.postgresql import Postgres, program


class Database(ABC):
    """One database, empty until a server makes its tables."""

    url: str

    @abstractmethod
    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""

    @abstractmethod
    def defects(self) -> list[str]:
        """Return what the database itself says is broken."""

    def orphans(self) -> list[str]:
        """Return one sentence for each foreign key that some row breaks, asked for by a query."""
        broken = ((key, self.rows(query)[0][0]) for key, query in _foreign_keys())
        return [f"{count} rows break {key}" for key, count in broken if count]


class SqliteDatabase(Database):
    """A SQLite file in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "tms.db"
        self.url = f"sqlite:///{self.path}"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(query).fetchall()

    def defects(self) -> list[str]:
        """Return what PRAGMA integrity_check and foreign_key_check complain about."""
        return rows.defects(self.path)


class PostgresDatabase(Database):
    """A database of a PostgreSQL server that runs."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self.url = server.create()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return asyncio.run(self._fetch(query))

    async def _fetch(self, query: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    def defects(self) -> list[str]:
        """Return what pg_amcheck complains about: every table and index, page by page."""
        flags = ["--no-password", "--host=127.0.0.1", f"--port={self.server.port}", "--username=standin"]
        command = [program("pg_amcheck"), *flags, "--install-missing", "--heapallindexed", self.url.rpartition("/")[2]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return [] if done.returncode == 0 else [line for line in (done.stdout + done.stderr).splitlines() if line]


class Folders:
    """Where new SQLite databases come from."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    def new(self) -> Database:
        """Return a database that is not there yet."""
        return SqliteDatabase(self._folder / f"database{next(self._numbers)}")

    def drop(self, database: Database) -> None:
        """Take one away."""
        assert isinstance(database, SqliteDatabase)
        shutil.rmtree(database.path.parent)


class Cluster:
    """Where new PostgreSQL databases come from."""

    name = "PostgreSQL"

    def __init__(self, server: Postgres) -> None:
        self.server = server

    def new(self) -> Database:
        """Return an empty database."""
        return PostgresDatabase(self.server)

    def drop(self, database: Database) -> None:
        """Take one away."""
        self.server.drop(database.url)

    def crash(self) -> None:
        """End PostgreSQL without a checkpoint, and start it again on what its log holds."""
        self.server.stop(signal.SIGQUIT)
        self.server.start()


def _foreign_keys() -> list[tuple[str, str]]:
    """Return the name of each foreign key and a query that counts the rows without their parents."""
    queries = []
    for table in metadata.tables.values():
        for key in table.foreign_key_constraints:
            parent = key.referred_table.name
            same = " AND ".join(f"child.{pair.parent.name} = parent.{pair.column.name}" for pair in key.elements)
            given = " AND ".join(f"child.{pair.parent.name} IS NOT NULL" for pair in key.elements)
            missing = f"parent.{key.elements[0].column.name} IS NULL"
            join = f"{table.name} AS child LEFT JOIN {parent} AS parent ON {same}"
            queries.append((str(key.name), f"SELECT count(*) FROM {join} WHERE {given} AND {missing}"))
    return queries

"""Looks at a server's database from outside: keys, bytes of the write-ahead log, bytes in all. It never writes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol

import asyncpg

from tests.load import rows
from tests.load.server import MEBIBYTE, database_of
from tests.postgresql import running_postgres

SQLITE, POSTGRESQL = "sqlite", "postgresql"
# SQLite carries the log over as soon as it has 1,000 pages (4 MiB); four times that means that it did not come to it.
SQLITE_WAL_BOUND = 16 * MEBIBYTE
# PostgreSQL means to stay below max_wal_size, which its manual calls a soft limit.
POSTGRESQL_MAX_WAL = 256
POSTGRESQL_WAL_BOUND = 2 * POSTGRESQL_MAX_WAL * MEBIBYTE


class Database(Protocol):
    """What a soak asks of an engine. `wal_bound` is how many bytes its log may have."""

    wal_bound: int

    async def keys(self) -> int:
        """Return how many keys there are."""

    async def wal(self) -> int:
        """Return the bytes of the write-ahead log."""

    async def size(self) -> int:
        """Return the bytes of the database without its log."""


class SqliteFile:
    """A file, and its -wal beside it."""

    wal_bound = SQLITE_WAL_BOUND

    def __init__(self, path: Path) -> None:
        """Take the file of a server that has started."""
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")

    async def keys(self) -> int:
        """Return how many keys there are."""
        return await asyncio.to_thread(rows.count_keys, self._path)

    async def wal(self) -> int:
        """Return the bytes of the write-ahead log."""
        return self._wal.stat().st_size if self._wal.exists() else 0

    async def size(self) -> int:
        """Return the bytes of the database without its log."""
        return self._path.stat().st_size


class PostgresDatabase:
    """A database of a PostgreSQL server whose user may see the files of its log."""

    wal_bound = POSTGRESQL_WAL_BOUND

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Take an open connection, for this alone."""
        self._connection = connection

    async def keys(self) -> int:
        """Return how many keys there are."""
        return int(await self._connection.fetchval("SELECT count(*) FROM pubkeys"))

    async def wal(self) -> int:
        """Return the bytes of the write-ahead log."""
        return int(await self._connection.fetchval("SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()"))

    async def size(self) -> int:
        """Return the bytes of the database without its log."""
        return int(await self._connection.fetchval("SELECT pg_database_size(current_database())"))


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[Database]:
    """Give the look at the database of a URL as the server's settings write it."""
    if url.startswith("sqlite:///"):
        yield SqliteFile(Path(url.removeprefix("sqlite:///")))
        return
    connection = await asyncpg.connect(url)
    try:
        yield PostgresDatabase(connection)
    finally:
        await connection.close()


@contextmanager
def fresh(engine: str, directory: Path) -> Iterator[str]:
    """Give the URL of an empty database in a directory. PostgreSQL's server is started for it, and writes through."""
    if engine == SQLITE:
        yield f"sqlite:///{database_of(directory)}"
        return
    folder = directory / "postgresql"
    folder.mkdir()
    with running_postgres(folder, f"max_wal_size={POSTGRESQL_MAX_WAL}MB", durable=True) as server:
        yield server.create()

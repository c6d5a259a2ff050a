"""What is looked at from outside: a real SQLite file and a real PostgreSQL."""

import sqlite3
from contextlib import closing

import asyncpg
import pytest

from tests.load.server import database_of
from tests.soak.databases import POSTGRESQL, POSTGRESQL_WAL_BOUND, SQLITE, SQLITE_WAL_BOUND, fresh, watching

TABLE = "CREATE TABLE pubkeys (id integer)"
TWO_KEYS = "INSERT INTO pubkeys VALUES (1), (2)"


async def test_a_sqlite_file(tmp_path):
    """Keys, the log beside the file and the file; a log that is not there is empty."""
    with fresh(SQLITE, tmp_path) as url:
        assert url == f"sqlite:///{database_of(tmp_path)}"
        with closing(sqlite3.connect(database_of(tmp_path), isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(TABLE)
            connection.execute(TWO_KEYS)
            async with watching(url) as database:
                assert (await database.keys(), database.wal_bound) == (2, SQLITE_WAL_BOUND)
                log = database_of(tmp_path).with_name("tms.db-wal")
                assert await database.wal() == log.stat().st_size > 0
                assert await database.size() == database_of(tmp_path).stat().st_size > 0
        async with watching(url) as database:
            assert await database.wal() == 0


@pytest.mark.system("postgresql", "pg_ctlcluster")
async def test_a_postgresql_database(tmp_path):
    """Keys, all files of the server's log and the database's own; the URL is as the stand-in's settings write it."""
    with fresh(POSTGRESQL, tmp_path) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(TABLE)
        await connection.execute(TWO_KEYS)
        await connection.close()
        async with watching(url) as database:
            assert (await database.keys(), database.wal_bound) == (2, POSTGRESQL_WAL_BOUND)
            assert 0 < await database.wal() <= POSTGRESQL_WAL_BOUND
            assert await database.size() > 1_000_000
    assert url.startswith("postgresql://")

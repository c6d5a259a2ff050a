"""Tests of app/postgres/images.py: whole states between PostgreSQL and SQLite images."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from app.errors import StartRefused
from app.oauth_tables import metadata
from app.postgres.connections import Connections
from app.postgres.images import draw, pour
from app.postgres.rows import of_this_moment
from app.sqlite.image import FileImage, SeedImage, check_whole
from app.tables import pubkeys
from tests.postgres.conftest import MOMENT, planting

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")

PARENTS = "INSERT INTO tenants (tenant, enabled, created, updated) VALUES ('{0}', true, now(), now());"
CHILDREN = "INSERT INTO hosts (tenant, host, addr, created, updated) VALUES ('{0}', 'host', '', now(), now())"


@pytest.fixture
async def driver(url):
    """Return a connection to a database with the standard seed."""
    connections = Connections(url, 1)
    async with connections.lend() as lent:
        yield lent
    await connections.close()


def rows(path):
    """Return all rows of an image by table, and the last ids."""
    with closing(sqlite3.connect(path)) as connection:
        found = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in metadata.tables}
        return found | {"last ids": connection.execute("SELECT * FROM sqlite_sequence ORDER BY name").fetchall()}


async def test_there_and_back(driver, tmp_path):
    """What was drawn is a whole snapshot of its date; poured and drawn again it is the same, spent ids included."""
    await driver.fetch("SELECT nextval('pubkeys_id_seq') FROM generate_series(1, 40)")
    await draw(driver, tmp_path / "one", MOMENT)
    check_whole(tmp_path / "one")
    assert (tmp_path / "one").stat().st_mtime == MOMENT.timestamp()
    await driver.execute("UPDATE pubkeys SET host_account = host_account; DELETE FROM pubkeys")
    async with driver.transaction():
        await pour(driver, FileImage(tmp_path / "one"))
        assert await driver.fetchval("SHOW lock_timeout") == "0"
    await draw(driver, tmp_path / "two", MOMENT + timedelta(hours=1))
    found = rows(tmp_path / "two")
    assert (found, len(found["pubkeys"])) == (rows(tmp_path / "one"), 1)
    assert ("pubkeys", 41) in found["last ids"]
    assert await driver.fetchval("SELECT nextval('pubkeys_id_seq')") == 42


async def test_a_seed(driver):
    """Nothing but its rows is left, made at the moment that is asked for, and ids begin anew."""
    seed = SeedImage(planting("empty").plant)
    try:
        async with driver.transaction():
            await pour(driver, seed.of(MOMENT + timedelta(days=1)))
    finally:
        seed.close()
    assert await driver.fetchval("SELECT count(*) FROM clients") == 0
    assert await driver.fetchval("SELECT nextval('clients_id_seq')") == 1
    assert {row["created"] for row in await driver.fetch("SELECT created FROM tenants")} == {MOMENT + timedelta(days=1)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            "UPDATE clients SET app_version = 'pass1word' || char(0)",
            'clients: invalid byte sequence for encoding "UTF8": 0x00',
        ),
        ("UPDATE pubkeys SET max_uses = 3000000000", "pubkeys: a text or a number that it cannot store"),
        ("DELETE FROM tenants", 'admin: insert or update on table "admin" violates foreign key constraint'),
    ],
)
async def test_what_postgresql_cannot_store(driver, tmp_path, change, reason):
    """A snapshot of SQLite may hold more; the reason repeats no value, and nothing has changed."""
    await draw(driver, tmp_path / "one", MOMENT)
    with closing(sqlite3.connect(tmp_path / "one")) as connection:
        connection.execute(change)
        connection.commit()
    await driver.execute("INSERT INTO tenants (tenant, enabled, created, updated) VALUES ('new', true, now(), now())")
    with pytest.raises(StartRefused) as refused:
        async with driver.transaction():
            await pour(driver, FileImage(tmp_path / "one"))
    assert str(refused.value).startswith(f"PostgreSQL refuses its rows of {reason}")
    assert "pass1word" not in str(refused.value)
    assert await driver.fetchval("SELECT count(*) FROM tenants") == 3


async def test_more_than_a_chunk(driver, tmp_path, monkeypatch):
    """Rows come in pieces, none twice and none left out."""
    monkeypatch.setattr("app.postgres.rows.CHUNK", 7)
    monkeypatch.setattr("app.sqlite.rows.CHUNK", 5)
    await driver.execute(
        "INSERT INTO hosts (tenant, host, addr, created, updated) "
        "SELECT 'test', 'host' || number, '', now(), now() FROM generate_series(1, 36) AS number"
    )
    await draw(driver, tmp_path / "one", MOMENT)
    async with driver.transaction():
        await pour(driver, FileImage(tmp_path / "one"))
    assert await driver.fetchval("SELECT count(DISTINCT host) FROM hosts") == 36
    assert len(rows(tmp_path / "one")["hosts"]) == 36


async def test_a_pouring_that_is_undone(driver, tmp_path):
    """Rows and last ids are those of before."""
    await draw(driver, tmp_path / "one", MOMENT)
    await driver.fetch("SELECT nextval('pubkeys_id_seq') FROM generate_series(1, 40)")
    with pytest.raises(ZeroDivisionError):
        async with driver.transaction():
            await pour(driver, FileImage(tmp_path / "one"))
            raise ZeroDivisionError
    assert await driver.fetchval("SELECT count(*) FROM pubkeys") == 1
    assert await driver.fetchval("SELECT nextval('pubkeys_id_seq')") == 42


async def test_an_image_that_is_none(driver, tmp_path):
    """Nothing has changed."""
    (tmp_path / "one").write_bytes(b"buy milk")
    with pytest.raises(StartRefused, match="no snapshot of a stand-in"):
        async with driver.transaction():
            await pour(driver, FileImage(tmp_path / "one"))
    assert await driver.fetchval("SELECT count(*) FROM clients") == 1


async def test_a_drawing_that_fails(driver, tmp_path, monkeypatch):
    """No file is left, neither the snapshot nor a half of it."""
    monkeypatch.setattr("app.sqlite.rows.SqliteStaging.set_last_ids", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await draw(driver, tmp_path / "one", MOMENT)
    assert list(tmp_path.iterdir()) == []


async def test_emptied_while_somebody_reads_for_long(driver, url, tmp_path, monkeypatch):
    """Nobody waits for that reader, or behind it; it goes on seeing the rows and the last ids of its moment."""
    monkeypatch.setattr("app.postgres.rows.READERS_SECONDS", 0.1)
    await draw(driver, tmp_path / "one", MOMENT)
    await driver.fetch("SELECT nextval('pubkeys_id_seq') FROM generate_series(1, 40)")
    others = Connections(url, 2)
    async with others.lend() as reader, others.lend() as other:
        async with reader.transaction(isolation="repeatable_read", readonly=True):
            seen = await of_this_moment(reader)
            async with asyncio.timeout(30):
                async with driver.transaction():
                    await pour(driver, FileImage(tmp_path / "one"))
                    assert await other.fetchval("SELECT count(*) FROM pubkeys") == 1
                    assert await driver.fetchval("SHOW lock_timeout") == "0"
            assert (await seen.count(pubkeys), await seen.last_id(pubkeys)) == (1, 41)
        assert await other.fetchval("SELECT nextval('pubkeys_id_seq')") == 2
    await others.close()
    await draw(driver, tmp_path / "two", MOMENT)
    assert rows(tmp_path / "two")["pubkeys"] == rows(tmp_path / "one")["pubkeys"]


async def test_drawn_while_all_is_replaced(driver, url, tmp_path):
    """A snapshot is of the rows before a replacement or of those after it, and never without the parents of its rows."""
    await draw(driver, tmp_path / "full", MOMENT)
    others = Connections(url, 1)
    async with others.lend() as other:

        async def replacements():
            for number in range(12):
                async with other.transaction():
                    await pour(other, FileImage(tmp_path / "full"))
                    await other.execute(PARENTS.format(f"t{number}") + CHILDREN.format(f"t{number}"))

        replacing = asyncio.create_task(replacements())
        drawn = 0
        while not replacing.done():
            await draw(driver, tmp_path / "one", MOMENT)
            with closing(sqlite3.connect(tmp_path / "one")) as connection:
                assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
                [(tenants,)] = connection.execute("SELECT count(*) FROM tenants")
                [(keys,)] = connection.execute("SELECT count(*) FROM pubkeys")
            assert (tenants, keys) in ((2, 1), (3, 1))
            drawn += 1
        await replacing
    await others.close()
    assert drawn > 1

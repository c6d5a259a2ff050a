"""Tests of app/postgres/preparation.py: what a database becomes at a start, and which ones are refused."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.errors import StartRefused
from app.oauth_tables import metadata  # It imports those of TMS.
from app.postgres.connections import Connections, shown
from app.postgres.preparation import prepare
from app.postgres.store import REMEMBERED
from app.schema import HEAD, Prepared
from tests.postgres.conftest import planting

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")


@pytest.fixture
def empty(postgres):
    """The URL of an empty database."""
    url = postgres.create()
    yield url
    postgres.drop(url)


async def refused(url):
    """Return the sentence of a refused start, without the URL in front of it."""
    with pytest.raises(StartRefused) as found:
        await prepare(url, planting())
    assert "pass1word" not in str(found.value)
    return str(found.value).removeprefix(f"{shown(url)}: ")


async def test_a_new_database_is_migrated_and_seeded_once(empty):
    """The second start finds the work done."""
    first = await prepare(empty, planting())
    assert (first.revision_found, first.planted.tenants) == (None, ("default", "test"))
    assert await prepare(empty, planting()) == Prepared(HEAD, None)


async def test_of_many_starts_at_once_one_does_the_work(empty):
    """The others wait for it."""
    found = await asyncio.gather(*(prepare(empty, planting()) for _ in range(4)))
    assert sorted(str(each.revision_found) for each in found) == ["None", HEAD, HEAD, HEAD]


async def test_a_start_may_take_longer_than_any_statement_of_a_request(empty, monkeypatch):
    """A revision may rewrite a large table, and whoever starts beside it waits until it is done."""
    monkeypatch.setattr("app.postgres.connections.STATEMENT_SECONDS", 0.2)
    slow = planting()._replace(check=lambda begun: begun.exec_driver_sql("SELECT pg_sleep(0.5)"))
    assert (await prepare(empty, slow)).revision_found is None


async def test_the_migrations_make_what_the_tables_say(url):
    """Tables, columns, types, constraints and indexes are the same; beside them stands what the processes share."""
    connections = Connections(url, 1, autocommit=False)
    async with connections.engine.connect() as connection:
        found = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), metadata)
        )
    await connections.close()
    removed = {difference[1].name for difference in found if difference[0] == "remove_table"}
    assert removed == {
        "standin_board",
        "standin_replicas",
        "standin_snapshot_pieces",
        "standin_snapshots",
        "standin_tallies",
    }
    assert [difference for difference in found if difference[0] != "remove_table"] == []


def test_whoever_changes_what_processes_remember_tells_them(postgres, url):
    """The tables that have the trigger are those whose rows are remembered, no fewer."""
    told = postgres.run(
        "SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'standin_forget'", url.rpartition("/")[2]
    )
    assert set(told.split()) == REMEMBERED


def test_every_text_is_sorted_by_its_bytes(postgres, url):
    """A column of text without the collation "C" would be sorted as the database's locale has it."""
    others = postgres.run(
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' AND table_name NOT LIKE 'standin%'",
        url.rpartition("/")[2],
    )
    assert others == ""


def test_foreign_keys_are_checked_in_the_order_of_their_declaration(postgres, url):
    """The tenant's first, as the real schema has it (contract section 3); PostgreSQL goes by the triggers' names."""
    found = postgres.run(
        "SELECT conname FROM pg_trigger JOIN pg_constraint ON pg_constraint.oid = tgconstraint "
        "WHERE tgrelid = 'pubkeys'::regclass AND conrelid = tgrelid AND tgname LIKE '%\\_c\\_%' "
        'AND tgtype & 4 = 4 ORDER BY tgname COLLATE "C"',
        url.rpartition("/")[2],
    ).split()
    keys = sorted(metadata.tables["pubkeys"].foreign_key_constraints, key=lambda key: key._creation_order)
    assert found == [key.name for key in keys]


async def test_a_database_of_another_program_is_refused(postgres, empty):
    """It stays as it was."""
    postgres.run("CREATE TABLE other (x int)", empty.rpartition("/")[2])
    expected = "expected an empty database, or one that the stand-in made."
    assert await refused(empty) == f"this database belongs to another program, {expected}"
    assert (
        postgres.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", empty.rpartition("/")[2]) == "other"
    )


async def test_a_database_of_newer_code_is_refused(postgres, url):
    """The sentence names both revisions."""
    postgres.run("UPDATE alembic_version SET version_num = 'tms_9999'", url.rpartition("/")[2])
    assert await refused(url) == f"revision 'tms_9999' is unknown to this code, expected {HEAD} or older."


async def test_a_database_that_is_not_there(postgres):
    """The sentence says how to make one."""
    url = postgres.url("nowhere").replace("standin@", "standin:pass1word@")
    assert await refused(url) == "there is no such database, expected one that exists: createdb makes it."


async def test_a_server_that_is_not_there():
    """Nobody listens at that port."""
    url = "postgresql://standin:pass1word@127.0.0.1:1/tms"
    assert await refused(url) == "no server answers there, expected a running PostgreSQL."


async def test_a_role_that_is_not_there(postgres):
    """The server does not know it."""
    url = postgres.url("postgres").replace("standin@", "nobody:pass1word@")
    assert await refused(url) == "the server refuses this user or password, expected those of a role."


async def test_a_role_that_may_make_nothing(postgres, empty):
    """The sentence says who may."""
    postgres.run("DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
    assert (
        await refused(empty.replace("standin@", "guest@")) == "the role may not make tables in it, expected its owner."
    )


async def test_a_database_of_another_encoding_is_refused(postgres):
    """Not every name could be stored in it."""
    postgres.run("CREATE DATABASE narrow TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    sentence = "its encoding is not UTF8, expected a database made with ENCODING 'UTF8'."
    assert await refused(postgres.url("narrow")) == sentence

"""Tests of app/postgres/words.py: each kind of refusal, provoked in a real PostgreSQL, in SQLite's words."""

import asyncpg
import pytest

from app.postgres.words import translate, unique_sets
from app.tables import clients, delegations, pubkeys

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")

SQL = {
    "INSERT INTO tenants (tenant, enabled, created, updated) VALUES ('test', true, now(), now())": (
        "(code: 2067) UNIQUE constraint failed: tenants.tenant"
    ),
    "INSERT INTO tenants (id, tenant, enabled, created, updated) VALUES (1, 'x', true, now(), now())": (
        "(code: 2067) UNIQUE constraint failed: tenants_pkey"
    ),
    "INSERT INTO hosts (tenant, host, addr, created, updated) VALUES ('x', 'h', 'a', now(), now())": (
        "(code: 787) FOREIGN KEY constraint failed"
    ),
    "DELETE FROM tenants WHERE tenant = 'test'": "(code: 1811) FOREIGN KEY constraint failed",
    "UPDATE pubkeys SET max_uses = -1": "(code: 275) CHECK constraint failed: pubkeys_max_uses_check",
    "UPDATE tenants SET enabled = NULL": (
        '(code: 1299) null value in column "enabled" of relation "tenants" violates not-null constraint'
    ),
    "SELECT nothing": '(code: 1) column "nothing" does not exist',
}


@pytest.mark.parametrize("sql", SQL)
async def test_a_refusal_in_the_words_of_sqlite(store, sql):
    """With SQLite's extended result code; PostgreSQL's words are its own."""
    async with store._readers.lend() as driver:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await driver.execute(sql)
    found = translate(refused.value)
    assert (found.sqlite, found.postgresql) == (SQL[sql], refused.value.message)


async def test_postgresql_18_keeps_a_parent_in_other_words(store):
    """They are those of the versions before (contract 2.0), which the recordings have."""
    words = 'update or delete on table "tenants" violates {}foreign key constraint "k" on table "clients"'
    raised = words.format("RESTRICT setting of ")
    async with store._readers.lend() as driver:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await driver.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE = '{raised}'; END $$")
    found = translate(refused.value)
    assert (found.sqlite, found.postgresql) == ("(code: 1811) FOREIGN KEY constraint failed", words.format(""))


def test_the_sets_of_columns_that_no_two_rows_share():
    """In the order of their making; an index that repeats a constraint's columns is no second one."""
    assert unique_sets(clients) == [("tenant", "app_name", "app_version"), ("tenant", "client_id")]
    assert unique_sets(delegations) == [("tenant", "client_id", "client_user_id")]
    assert unique_sets(pubkeys) == [("public_key_fingerprint", "host")]

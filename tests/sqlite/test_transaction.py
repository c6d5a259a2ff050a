"""Tests of app/transaction.py alone, on a real schema in memory; what several share is in test_store.py."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, delete, select, update

from app.clock import NEVER
from app.errors import DatabaseError
from app.modes import Modes
from app.oauth_tables import oauth_users
from app.settings import Settings
from app.sqlite.constraints import NUL
from app.sqlite.database import MEMORY, open_sqlite
from app.sqlite.transaction import SqliteTransaction, execute, fetch_one, refuse_nul, statement_row
from app.statements import Insert, Statement, matching
from app.tables import tenants, user_mfa

MOMENT = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
STORED = "2026-11-23T18:00:00.000000+00:00"
STAMPS = {"created": MOMENT, "updated": MOMENT}
NEW_TENANT, NEW_USER, NEW_PERSON = Insert(tenants), Insert(user_mfa), Insert(oauth_users)
ORPHAN = {"tenant": "none", "tms_user_id": "u", "enabled": True, "expires_at": NEVER, **STAMPS}
STATE = Statement(select(tenants.c.id, tenants.c.enabled).where(matching(tenants, "tenant")))
NEW_STATE = Statement(update(tenants).values(enabled=bindparam("new_state")).where(matching(tenants, "tenant")))
NEW_NAME = Statement(update(tenants).values(tenant=bindparam("new_name")).where(matching(tenants, "tenant")))
DELETE_TENANT = Statement(delete(tenants).where(matching(tenants, "tenant")))
DUPLICATE = (
    "(code: 2067) UNIQUE constraint failed: tenants.tenant",
    'duplicate key value violates unique constraint "tenants_tenant_key"',
)
MISSING = (
    "(code: 787) FOREIGN KEY constraint failed",
    'insert or update on table "user_mfa" violates foreign key constraint "user_mfa_tenant_fkey"',
)
both = pytest.mark.parametrize("wire_version", ["0.3.0", "0.1.0"])


@pytest.fixture
def connection(schema):
    """Return a copy of it with the tenant `a`."""
    with closing(open_sqlite(MEMORY)) as connection:
        schema.backup(connection)
        connection.execute("INSERT INTO tenants VALUES (1, 'a', 1, ?, ?)", [STORED, STORED])
        yield connection


def transaction_on(connection, wire_version="0.3.0"):
    """Return a transaction of a version."""
    return SqliteTransaction(connection, Modes.of(Settings(wire_version=wire_version)))


def stored(connection):
    """Return id, name and state of the tenants."""
    return connection.execute("SELECT id, tenant, enabled FROM tenants ORDER BY id").fetchall()


async def refused(awaitable):
    """Return the words of both databases for what is refused."""
    with pytest.raises(DatabaseError) as failed:
        await awaitable
    return failed.value.sqlite, failed.value.postgresql


@both
async def test_insert(connection, wire_version):
    """A new row, and no id is spent beside its own."""
    transaction = transaction_on(connection, wire_version)
    assert await transaction.insert(NEW_TENANT, tenant="b", enabled=False, **STAMPS) is None
    assert stored(connection) == [(1, "a", 1), (2, "b", 0)]
    assert transaction.spent_ids == {}


@both
async def test_a_refused_insert(connection, wire_version):
    """The words of both databases, nothing changed, and one id spent."""
    transaction = transaction_on(connection, wire_version)
    assert await refused(transaction.insert(NEW_TENANT, tenant="a", enabled=False, **STAMPS)) == DUPLICATE
    assert await refused(transaction.insert(NEW_USER, **ORPHAN)) == MISSING
    assert stored(connection) == [(1, "a", 1)]
    assert transaction.spent_ids == {"tenants": 1, "user_mfa": 1}


@both
async def test_insert_if_absent(connection, wire_version):
    """A row that is in the way stays as it is, without an error; another one is added."""
    transaction = transaction_on(connection, wire_version)
    assert await transaction.insert_if_absent(NEW_TENANT, tenant="a", enabled=False, **STAMPS) is False
    assert await transaction.insert_if_absent(NEW_TENANT, tenant="b", enabled=False, **STAMPS) is True
    assert stored(connection) == [(1, "a", 1), (3 if wire_version == "0.3.0" else 2, "b", 0)]


@both
async def test_a_table_that_does_not_count_its_rows(connection, wire_version):
    """The authorization server's rows are known by their keys, so no id is spent, whichever version is served."""
    transaction = transaction_on(connection, wire_version)
    row = {"username": "a", "password_hash": "hash", "created": MOMENT}
    await transaction.insert(NEW_PERSON, **row)
    assert await transaction.insert_if_absent(NEW_PERSON, **{**row, "password_hash": "other"}) is False
    assert (await refused(transaction.insert(NEW_PERSON, **row)))[0] == (
        "(code: 1555) UNIQUE constraint failed: oauth_users.username"
    )
    assert await transaction.insert_if_absent(NEW_PERSON, **{**row, "username": "b"}) is True
    assert connection.execute("SELECT * FROM oauth_users").fetchall() == [("a", "hash", STORED), ("b", "hash", STORED)]
    assert transaction.spent_ids == {}


@both
async def test_insert_if_absent_without_its_parent(connection, wire_version):
    """A missing parent is no row in the way."""
    assert await refused(transaction_on(connection, wire_version).insert_if_absent(NEW_USER, **ORPHAN)) == MISSING
    assert connection.execute("SELECT count(*) FROM user_mfa").fetchone() == (0,)


async def test_update(connection):
    """The count of the rows that were changed, which may be none."""
    transaction = transaction_on(connection)
    assert await transaction.update(NEW_STATE, tenants, tenant="a", new_state=False) == 1
    assert await transaction.update(NEW_STATE, tenants, tenant="b", new_state=False) == 0
    assert stored(connection) == [(1, "a", 0)]


async def test_a_refused_update(connection):
    """Two rows cannot become one, and no id is spent."""
    transaction = transaction_on(connection)
    await transaction.insert(NEW_TENANT, tenant="b", enabled=True, **STAMPS)
    assert await refused(transaction.update(NEW_NAME, tenants, tenant="b", new_name="a")) == DUPLICATE
    assert stored(connection) == [(1, "a", 1), (2, "b", 1)]
    assert transaction.spent_ids == {}


async def test_delete(connection):
    """The count of the rows that were deleted, which may be none."""
    transaction = transaction_on(connection)
    assert await transaction.delete(DELETE_TENANT, tenants, tenant="b") == 0
    assert await transaction.delete(DELETE_TENANT, tenants, tenant="a") == 1
    assert stored(connection) == []


async def test_a_refused_delete(connection):
    """A tenant that a user belongs to stays."""
    transaction = transaction_on(connection)
    await transaction.insert(NEW_USER, **{**ORPHAN, "tenant": "a"})
    assert await refused(transaction.delete(DELETE_TENANT, tenants, tenant="a")) == (
        "(code: 1811) FOREIGN KEY constraint failed",
        'update or delete on table "tenants" violates foreign key constraint "user_mfa_tenant_fkey" on table "user_mfa"',
    )
    assert stored(connection) == [(1, "a", 1)]


async def test_one(connection):
    """The first row as a named tuple of Python values, or None, with the writes so far."""
    transaction = transaction_on(connection)
    await transaction.update(NEW_STATE, tenants, tenant="a", new_state=False)
    row = await transaction.one(STATE, tenant="a")
    assert (row, row._asdict()) == ((1, False), {"id": 1, "enabled": False})
    assert await transaction.one(STATE, tenant="b") is None


async def test_a_nul_in_0_3_0(connection):
    """Every way to the database refuses it, nothing changes, and no id is spent."""
    transaction = transaction_on(connection)
    ways = [
        transaction.one(STATE, tenant="\0"),
        transaction.insert(NEW_TENANT, tenant="b\0", enabled=True, **STAMPS),
        transaction.insert_if_absent(NEW_TENANT, tenant="\0b", enabled=True, **STAMPS),
        transaction.update(NEW_NAME, tenants, tenant="a", new_name="a\0b"),
        transaction.delete(DELETE_TENANT, tenants, tenant="\0"),
    ]
    assert [await refused(way) for way in ways] == [(NUL.sqlite, NUL.postgresql)] * 5
    assert stored(connection) == [(1, "a", 1)]
    assert transaction.spent_ids == {}


async def test_a_nul_in_0_1_0(connection):
    """It is stored and found again."""
    transaction = transaction_on(connection, "0.1.0")
    await transaction.insert(NEW_TENANT, tenant="b\0c", enabled=True, **STAMPS)
    assert await transaction.one(STATE, tenant="b\0c") == (2, True)
    assert await transaction.one(STATE, tenant="b") is None
    assert stored(connection)[1] == (2, "b\0c", 1)


def test_only_a_text_can_hold_a_nul():
    """Numbers, instants and texts without one pass."""
    refuse_nul(Modes.of(Settings()), {"number": 0, "flag": False, "moment": MOMENT, "text": "\\0", "empty": ""})


def test_fetch_one_and_execute(connection):
    """A violated constraint goes to the caller as it is, every other failure in the words of both databases."""
    modes = Modes.of(Settings())
    assert fetch_one(connection, modes, STATE, {"tenant": "a"}) == (1, True)
    with pytest.raises(sqlite3.IntegrityError):
        execute(connection, modes, NEW_TENANT, {"tenant": "a", "enabled": True, **STAMPS})
    connection.execute("DROP TABLE user_mfa")
    with pytest.raises(DatabaseError) as failed:
        execute(connection, modes, NEW_USER, ORPHAN)
    assert (failed.value.sqlite, failed.value.postgresql) == (
        "(code: 1) no such table: user_mfa",
        "no such table: user_mfa",
    )


def test_statement_row_is_what_is_stored():
    """By column name, as the constraints are looked up."""
    row = statement_row(NEW_TENANT, {"tenant": "a", "enabled": True, **STAMPS})
    assert row == {"tenant": "a", "enabled": 1, "created": STORED, "updated": STORED}

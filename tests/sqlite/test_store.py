"""Tests of app/store.py on real files: shared commits, savepoints, the cache, ids, locks, a full disk."""

import asyncio
import logging
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from struct import unpack

import pytest
from sqlalchemy import bindparam, delete, insert, select, update

from app import store as store_module
from app.clock import NEVER
from app.errors import DatabaseError, DatabaseGone, Refusal, RowsReplaced, StartRefused
from app.modes import Modes
from app.schema import Preparation
from app.settings import Settings
from app.sqlite import image as image_module
from app.sqlite import writer as writer_module
from app.sqlite.constraints import NUL
from app.sqlite.database import MEMORY, open_sqlite, prepare
from app.sqlite.image import FileImage
from app.sqlite.store import SqliteStore
from app.statements import Insert, Statement, matching
from app.steering.board import Board
from app.store import PAGE
from app.tables import hosts, tenants, user_mfa
from tests.servers import ROOT

MOMENT = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
STAMPS = {"created": MOMENT, "updated": MOMENT}
NEW_TENANT, NEW_HOST, NEW_USER = Insert(tenants), Insert(hosts), Insert(user_mfa)
STATE = Statement(select(tenants.c.id, tenants.c.enabled).where(matching(tenants, "tenant")))
NEW_STATE = Statement(update(tenants).values(enabled=bindparam("new_state")).where(matching(tenants, "tenant")))
DELETE_TENANT = Statement(delete(tenants).where(matching(tenants, "tenant")))
NAMES = Statement(select(tenants.c.tenant).order_by(tenants.c.id))
NAMED = Statement(select(tenants.c.id).where(matching(tenants, "tenant")))

LOCKED = ("(code: 5) database is locked", "canceling statement due to lock timeout")
FULL = ("(code: 13) database or disk is full", "could not extend file: No space left on device")
IOERR = ("(code: 778) disk I/O error", "could not read or write a block: Input/output error")
FRAME = 24  # Bytes of a frame's head in a -wal file, behind the file's own head of 32.


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Return the path of a migrated database without any row."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    with closing(open_sqlite(str(path))) as connection:
        prepare(connection, str(path), Preparation(lambda _begun: None, lambda _begun: None, enable_test_tenant=True))
    return path


@pytest.fixture
async def open_store(template, tmp_path):
    """Return a function that opens a store on tmp_path/tms.db, or in memory, with the schema and no row."""
    opened = []

    async def open_one(location=None, wire_version="0.3.0", board=None):
        store = SqliteStore(
            location or str(tmp_path / "tms.db"), Modes.of(Settings(wire_version=wire_version)), board or Board(None)
        )
        await store.open(lambda connection: copy(template, connection))
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store):
    """Return a store on a file."""
    return await open_store()


@pytest.fixture
def path(tmp_path):
    """Return the path of that file."""
    return tmp_path / "tms.db"


@pytest.fixture(params=["file", MEMORY])
async def either(request, open_store):
    """Return a store on a file, and one in memory."""
    return await open_store(None if request.param == "file" else MEMORY)


def copy(template, connection):
    """Put the schema into an empty database, in WAL where there is a file."""
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        with closing(sqlite3.connect(template)) as source:
            source.backup(connection)
    connection.execute("PRAGMA journal_mode = WAL")


def adding(tenant, enabled=True):
    """Return the work that adds a tenant."""
    return lambda transaction: transaction.insert(NEW_TENANT, tenant=tenant, enabled=enabled, **STAMPS)


def adding_if_absent(tenant):
    """Return the work that adds a tenant unless it is there."""
    return lambda transaction: transaction.insert_if_absent(NEW_TENANT, tenant=tenant, enabled=True, **STAMPS)


def setting(tenant, enabled):
    """Return the work that enables or disables a tenant."""
    return lambda transaction: transaction.update(NEW_STATE, tenants, tenant=tenant, new_state=enabled)


def deleting(tenant):
    """Return the work that deletes a tenant."""
    return lambda transaction: transaction.delete(DELETE_TENANT, tenants, tenant=tenant)


@contextmanager
def outside(path):
    """Open a plain connection of another program."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as connection:
        yield connection


def names_in(path):
    """Return the names of the tenants as another program sees them, in the order of their ids."""
    with outside(path) as connection:
        return [name for (name,) in connection.execute("SELECT tenant FROM tenants ORDER BY id")]


async def names(store):
    """Return the names of the tenants as the store sees them."""
    return [row.tenant async for page in store.pages(NAMES) for row in page]


async def ids(store):
    """Return the ids of the tenants by name."""
    return {name: (await store.one(NAMED, tenant=name)).id for name in await names(store)}


def commits(path):
    """Return how many commits the write-ahead log holds: a frame that ends one knows the database's size."""
    log = path.with_name(path.name + "-wal").read_bytes()
    page = unpack(">I", log[8:12])[0] if log else 0
    return sum(unpack(">I", log[at + 4 : at + 8])[0] > 0 for at in range(32, len(log), FRAME + page))


async def turns(count=3):
    """Let the loop turn a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def refused(awaitable):
    """Return the words of both databases for what is refused."""
    with pytest.raises(DatabaseError) as failed:
        await awaitable
    return failed.value.sqlite, failed.value.postgresql


def texts(outcomes):
    """Return the words of both databases for each outcome that is a refusal."""
    return [(one.sqlite, one.postgresql) if isinstance(one, DatabaseError) else one for one in outcomes]


# Opening and closing.


async def test_open_prepares_the_writer_and_returns_what_that_returns(tmp_path):
    """The store knows nothing of migrations and seeds; it only lets them at its connection before anybody else."""
    path = tmp_path / "new.db"
    store = SqliteStore(str(path), Modes.of(Settings()), Board(None))
    assert await store.open(lambda connection: connection.execute("CREATE TABLE x (y)").fetchall() or "done") == "done"
    await store.close()
    with outside(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("x",)]


async def test_a_failed_preparation_lets_go_of_the_file(path, open_store):
    """The error goes on as it is, and the file can be opened again; a connection left open would be a warning."""

    def fail(_connection):
        raise StartRefused("seed.toml: no.")

    store = SqliteStore(str(path), Modes.of(Settings()), Board(None))
    with pytest.raises(StartRefused, match=r"^seed\.toml: no\.$"):
        await store.open(fail)
    assert await names(await open_store()) == []


async def test_an_unopenable_file_stops_the_start(tmp_path):
    """With the sentence of database.py."""
    with pytest.raises(StartRefused, match="No such file or directory"):
        await SqliteStore(str(tmp_path / "missing" / "tms.db"), Modes.of(Settings()), Board(None)).open(
            lambda connection: connection
        )


async def test_close_finishes_what_waits(path, store):
    """Writes that wait when the server stops are done, answered and on disk."""
    waiting = [asyncio.create_task(store.write(adding(name))) for name in "abc"]
    await turns(1)
    await store.close()
    assert [task.done() for task in waiting] == [True] * 3
    assert await asyncio.gather(*waiting) == [None] * 3
    assert names_in(path) == ["a", "b", "c"]


async def test_close_leaves_no_log_behind(path, store):
    """The last connection carries everything over into the file itself."""
    await store.write(adding("a"))
    await store.close()
    assert not path.with_name("tms.db-wal").exists()
    assert names_in(path) == ["a"]


# Shared commits.


async def test_many_writes_share_few_commits(path, store):
    """Of 300 concurrent writes each is seen by another connection as soon as it is answered."""
    before = commits(path)

    async def add(connection, number):
        await store.write(adding(f"t{number}"))
        found = connection.execute("SELECT 1 FROM tenants WHERE tenant = ?", [f"t{number}"]).fetchall()
        return found == [(1,)]

    with outside(path) as connection:
        seen = await asyncio.gather(*[add(connection, number) for number in range(300)])
    assert seen == [True] * 300
    assert commits(path) - before < 10
    assert len(names_in(path)) == 300


async def test_writes_in_a_row_commit_one_by_one(path, store):
    """Nobody waits for others to come."""
    before = commits(path)
    for name in "abcde":
        await store.write(adding(name))
    assert commits(path) - before == 5


async def test_writes_that_come_during_a_commit_share_the_next(path, store):
    """They are not answered with the first."""
    before = commits(path)
    first = asyncio.create_task(store.write(adding("first")))
    await turns(2)
    assert await asyncio.gather(first, *[store.write(adding(name)) for name in "abc"]) == [None] * 4
    assert names_in(path) == ["first", "a", "b", "c"]
    assert commits(path) - before == 2


async def test_writes_run_in_the_order_of_their_arrival(either):
    """The later of two writes to one row wins."""
    await either.write(adding("a"))
    await asyncio.gather(*[either.write(setting("a", enabled)) for enabled in (False, True, False)])
    assert (await either.one(STATE, tenant="a")).enabled is False


async def test_each_caller_gets_its_own_result(either):
    """Whatever a work returns."""

    def returning(value):
        async def work(transaction):
            await transaction.insert(NEW_TENANT, tenant=f"t{value}", enabled=True, **STAMPS)
            return value

        return work

    assert await asyncio.gather(*[either.write(returning(number)) for number in range(20)]) == list(range(20))


async def test_counts_of_changed_rows(either):
    """Update and delete return how many; nothing found is no error."""
    await either.write(adding("a"))
    assert await either.write(setting("a", False)) == 1
    assert await either.write(setting("nobody", False)) == 0
    assert await either.write(deleting("nobody")) == 0
    assert await either.write(deleting("a")) == 1
    assert await names(either) == []


async def test_a_transaction_reads_its_own_writes(either):
    """And nobody else does before the commit."""

    async def work(transaction):
        await transaction.insert(NEW_TENANT, tenant="a", enabled=False, **STAMPS)
        inside = await transaction.one(STATE, tenant="a")
        return inside, await transaction.one(STATE, tenant="b")

    assert await either.write(work) == ((1, False), None)


async def test_a_write_is_not_seen_before_its_commit(path, store):
    """Neither by the store's own readers nor by another program."""
    seen = []

    async def work(transaction):
        await transaction.insert(NEW_TENANT, tenant="a", enabled=True, **STAMPS)
        seen.append((await store.one(STATE, tenant="a"), names_in(path)))

    await store.write(work)
    assert seen == [(None, [])]


# A savepoint for each request.


async def test_a_failing_write_undoes_itself_alone(either):
    """The others of its transaction stay, before and behind it, and each error reaches its own caller."""

    async def two_then_refuse(transaction):
        await transaction.insert(NEW_TENANT, tenant="undone1", enabled=True, **STAMPS)
        await transaction.update(NEW_STATE, tenants, tenant="a", new_state=False)
        raise Refusal(404, "NOT_FOUND")

    async def two_then_clash(transaction):
        await transaction.insert(NEW_TENANT, tenant="undone2", enabled=True, **STAMPS)
        await transaction.insert(NEW_TENANT, tenant="a", enabled=True, **STAMPS)

    async def broken(transaction):
        await transaction.insert(NEW_TENANT, tenant="undone3", enabled=True, **STAMPS)
        raise ValueError("a fault of ours")

    works = [adding("a"), two_then_refuse, adding("b"), two_then_clash, broken, adding("c")]
    outcomes = await asyncio.gather(*[either.write(work) for work in works], return_exceptions=True)
    assert [outcomes[index] for index in (0, 2, 5)] == [None] * 3
    assert (type(outcomes[1]), outcomes[1].status, outcomes[1].message) == (Refusal, 404, "NOT_FOUND")
    assert texts([outcomes[3]]) == [
        (
            "(code: 2067) UNIQUE constraint failed: tenants.tenant",
            'duplicate key value violates unique constraint "tenants_tenant_key"',
        )
    ]
    assert (type(outcomes[4]), str(outcomes[4])) == (ValueError, "a fault of ours")
    assert await names(either) == ["a", "b", "c"]
    assert (await either.one(STATE, tenant="a")).enabled is True


async def test_a_statement_that_the_database_refuses_outright(path, store):
    """A fault that is no constraint's has the words of both databases too, and the next write is served."""
    broken = Statement(insert(tenants).values(id=bindparam("id"), tenant=bindparam("tenant")))
    broken.text = broken.text.replace("tenants", "no_such_table")

    async def work(transaction):
        await transaction.insert(NEW_TENANT, tenant="undone", enabled=True, **STAMPS)
        return await transaction.update(broken, tenants, id=1, tenant="x")

    assert await refused(store.write(work)) == (
        "(code: 1) no such table: no_such_table",
        "no such table: no_such_table",
    )
    assert await store.write(adding("a")) is None
    assert names_in(path) == ["a"]


async def test_a_caller_that_is_gone_disturbs_nobody(path, store):
    """A cancelled request does not keep the others of its transaction from their answers."""
    tasks = [asyncio.create_task(store.write(adding(name))) for name in "abc"]
    await turns(1)
    tasks[1].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), asyncio.CancelledError, type(None)]
    assert {"a", "c"} <= set(names_in(path))
    assert await store.write(adding("d")) is None


async def test_a_work_that_is_cancelled_itself(either):
    """Nobody waits for ever, nothing of its transaction is stored, and the next one is served."""

    async def cancelled(_transaction):
        raise asyncio.CancelledError

    works = [adding("a"), cancelled]
    outcomes = await asyncio.gather(*[either.write(work) for work in works], return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 2
    assert await either.write(adding("b")) is None
    assert await names(either) == ["b"]


# The cache.


async def found_by(store, tenant="a"):
    """Return what the cache gives in a new turn of the loop; the same object again means that nothing was read."""
    await turns()
    return await store.cached(STATE, tenant=tenant)


async def test_cached_reads_once(either):
    """What is not there is asked for again, so that callers cannot fill the memory with names."""
    await either.write(adding("a"))
    first = await found_by(either)
    assert first == (1, True)
    assert await found_by(either) is first
    assert await found_by(either, "b") is None
    assert await found_by(either) is first


async def test_cached_tells_statements_and_parameters_apart(either):
    """A tenant's state is not another's, nor another statement's row."""
    await either.write(adding("a"))
    await either.write(adding("b", enabled=False))
    assert await found_by(either, "a") == (1, True)
    assert await found_by(either, "b") == (2, False)
    assert await either.cached(NAMED, tenant="a") == (1,)


async def test_our_own_commit_empties_the_cache(either):
    """At once: the very next line of whoever wrote sees it, and what was missing is found."""
    assert await either.cached(STATE, tenant="a") is None
    await either.write(adding("a"))
    assert await either.cached(STATE, tenant="a") == (1, True)
    await either.write(setting("a", False))
    assert await either.cached(STATE, tenant="a") == (1, False)
    await either.write(deleting("a"))
    assert await either.cached(STATE, tenant="a") is None


async def test_another_connections_commit_empties_the_cache(path, store):
    """In the next turn of the loop, which is before any request that came after that commit."""
    await store.write(adding("a"))
    assert await found_by(store) == (1, True)
    with outside(path) as connection:
        connection.execute("UPDATE tenants SET enabled = 0")
        await turns(1)
        assert await store.cached(STATE, tenant="a") == (1, False)
        connection.execute("DELETE FROM tenants")
        await turns(1)
        assert await store.cached(STATE, tenant="a") is None


async def test_another_stores_commit_empties_the_cache(open_store):
    """Two processes on one file are two stores: what one has answered the other sees."""
    one, other = await open_store(), await open_store()
    for round_ in range(20):
        assert await found_by(other, f"t{round_}") is None
        await one.write(adding(f"t{round_}"))
        await turns(1)
        assert (await other.cached(STATE, tenant=f"t{round_}")).enabled is True
        await other.write(setting(f"t{round_}", False))
        await turns(1)
        assert (await one.cached(STATE, tenant=f"t{round_}")).enabled is False


async def test_nothing_else_empties_the_cache(path, store):
    """Reads do not, nor what another connection takes back."""
    await store.write(adding("a"))
    first = await found_by(store)
    await store.one(STATE, tenant="a")
    assert await names(store) == ["a"]
    with outside(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE tenants SET enabled = 0")
        assert await found_by(store) is first
        connection.execute("ROLLBACK")
    assert await found_by(store) is first
    assert names_in(path) == ["a"]
    assert await found_by(store) is first


async def test_a_write_that_was_refused_shows_nothing(either):
    """The cache never holds a row of a transaction that came to nothing."""
    await either.write(adding("a"))

    async def work(transaction):
        await transaction.update(NEW_STATE, tenants, tenant="a", new_state=False)
        await either.cached(STATE, tenant="b")
        raise Refusal(404, "NOT_FOUND")

    with pytest.raises(Refusal):
        await either.write(work)
    assert await found_by(either) == (1, True)


async def test_the_cache_does_not_grow_without_end(either, monkeypatch):
    """It starts anew where it is full, and goes on giving the right rows."""
    monkeypatch.setattr(store_module, "MOST_REMEMBERED", 2)
    await asyncio.gather(*[either.write(adding(name)) for name in "abc"])
    first = await found_by(either, "a")
    await found_by(either, "b")
    assert await found_by(either, "a") is first
    assert await found_by(either, "c") == (3, True)
    again = await found_by(either, "a")
    assert (again == first, again is first) == (True, False)


# Long reads.


@pytest.mark.parametrize("count", [0, 1, PAGE, PAGE + 1, 2 * PAGE + 7])
async def test_pages_come_in_pieces(either, count):
    """Whole pieces first, the rest last, nothing for nothing, in the order that was asked for."""
    wanted = [f"t{number:05}" for number in range(count)]
    await asyncio.gather(*[either.write(adding(name)) for name in wanted])
    pages = [page async for page in either.pages(NAMES)]
    assert [len(page) for page in pages] == [PAGE] * (count // PAGE) + ([count % PAGE] if count % PAGE else [])
    assert [row.tenant for page in pages for row in page] == wanted


async def test_pages_are_read_by_their_parameters(either):
    """With the values of Python in the rows."""
    await either.write(adding("a"))
    whole = Statement(select(tenants).where(matching(tenants, "tenant")))
    assert [page async for page in either.pages(whole, tenant="a")] == [[(1, "a", True, MOMENT, MOMENT)]]
    assert [page async for page in either.pages(whole, tenant="b")] == []


async def test_a_long_read_is_of_one_moment(store):
    """What is written between two pieces does not show in the second."""
    await asyncio.gather(*[store.write(adding(f"t{number:05}")) for number in range(PAGE + 1)])
    pages = store.pages(NAMES)
    first = await anext(pages)
    await store.write(deleting(f"t{PAGE:05}"))
    assert [len(first), *[len(page) async for page in pages]] == [PAGE, 1]
    assert len(await names(store)) == PAGE


async def test_a_long_read_that_fails(store):
    """The words of both databases, here as well."""
    broken = Statement(select(tenants.c.id))
    broken.text = "SELECT id FROM no_such_table"
    failure = ("(code: 1) no such table: no_such_table", "no such table: no_such_table")
    assert await refused(anext(store.pages(broken))) == failure


async def test_a_read_that_fails(either):
    """Likewise."""
    broken = Statement(select(tenants.c.id))
    broken.text = "SELECT id FROM no_such_table"
    failure = ("(code: 1) no such table: no_such_table", "no such table: no_such_table")
    assert await refused(either.one(broken)) == failure
    assert await refused(either.cached(broken)) == failure


async def test_reads_after_the_end(store):
    """A reader that is closed is an error of the database, not of ours."""
    await store.close()
    closed = ("(code: 1) Cannot operate on a closed database.", "Cannot operate on a closed database.")
    assert await refused(store.one(STATE, tenant="a")) == closed
    assert await refused(store.cached(STATE, tenant="a")) == closed


# Row ids.


async def test_ids_of_0_3_0_are_those_of_a_sequence(either):
    """One after the other, and none comes back after a delete."""
    for name in "abc":
        await either.write(adding(name))
    await either.write(deleting("c"))
    await either.write(adding("d"))
    assert await ids(either) == {"a": 1, "b": 2, "d": 4}


async def test_a_refused_insert_of_0_3_0_spends_an_id(either):
    """A duplicate, and in an empty table a missing parent."""
    await either.write(adding("a"))
    for _ in range(2):
        await refused(either.write(adding("a")))
    await either.write(adding("b"))
    assert await ids(either) == {"a": 1, "b": 4}
    user = {"tms_user_id": "u", "enabled": True, "expires_at": NEVER, **STAMPS}
    await refused(either.write(lambda transaction: transaction.insert(NEW_USER, tenant="none", **user)))
    await either.write(lambda transaction: transaction.insert(NEW_USER, tenant="a", **user))
    assert (await either.one(Statement(select(user_mfa.c.id)))).id == 2


async def test_an_insert_of_0_3_0_that_finds_its_row_spends_an_id(either):
    """Exactly one, however often the row was there."""
    await either.write(adding("a"))
    await either.write(adding_if_absent("a"))
    await either.write(adding("b"))
    await either.write(adding_if_absent("a"))
    await either.write(adding_if_absent("a"))
    await either.write(adding_if_absent("c"))
    assert await ids(either) == {"a": 1, "b": 3, "c": 6}
    assert (await either.one(STATE, tenant="a")).enabled is True


async def test_an_insert_if_absent_without_its_parent(either):
    """A missing parent is no row in the way: it is refused, as with any insert."""
    user = {"tenant": "none", "tms_user_id": "u", "enabled": True, "expires_at": NEVER, **STAMPS}
    missing = 'insert or update on table "user_mfa" violates foreign key constraint "user_mfa_tenant_fkey"'
    refusal = await refused(either.write(lambda transaction: transaction.insert_if_absent(NEW_USER, **user)))
    assert refusal == ("(code: 787) FOREIGN KEY constraint failed", missing)


async def test_a_spent_id_of_0_3_0_is_left_out(either):
    """spend_ids is for an insert that would find its row there; it needs no write of its own."""
    await either.write(adding("a"))
    for _ in range(3):
        await either.spend_ids(tenants)
    await either.write(setting("a", False))
    await either.write(adding("b"))
    assert await ids(either) == {"a": 1, "b": 5}


async def test_ids_are_spent_in_a_table_without_any_row(either):
    """The next id of an empty table is not the first then."""
    await either.spend_ids(tenants)
    await either.spend_ids(tenants)
    await either.write(setting("nobody", False))
    await either.write(adding("a"))
    assert await ids(either) == {"a": 3}


async def test_ids_spent_before_a_replacement_are_not_spent_after_it(either, tmp_path):
    """They were ids of rows that are gone."""
    await either.save(tmp_path / "empty", MOMENT)
    await either.write(adding("a"))
    await either.spend_ids(tenants)
    await either.replace(FileImage(tmp_path / "empty"))
    await either.write(adding("b"))
    assert await ids(either) == {"b": 1}


async def test_a_text_that_is_refused_spends_no_id(either):
    """PostgreSQL refuses a NUL before it asks the sequence."""
    await refused(either.write(adding("a\0")))
    await either.write(adding("b"))
    assert await ids(either) == {"b": 1}


async def test_ids_of_0_1_0_are_the_largest_plus_one(open_store):
    """No gaps after refusals, after rows that were there, after spent ids; the largest comes back after a delete."""
    store = await open_store(wire_version="0.1.0")
    await store.write(adding("a"))
    await refused(store.write(adding("a")))
    await store.write(adding_if_absent("a"))
    await store.spend_ids(tenants)
    await store.write(adding_if_absent("b"))
    await store.write(adding("c"))
    assert await ids(store) == {"a": 1, "b": 2, "c": 3}
    await store.write(deleting("c"))
    await store.write(adding("d"))
    await store.write(deleting("a"))
    await store.write(adding("e"))
    assert await ids(store) == {"b": 2, "d": 3, "e": 4}


# NUL characters.


@pytest.mark.parametrize("location", [None, MEMORY])
async def test_0_3_0_refuses_a_nul(open_store, location):
    """Wherever a text may go, and nothing changes; a NUL that is no character of a text is none."""
    store = await open_store(location)
    await store.write(adding("a"))
    works = [adding("a\0"), adding_if_absent("a\0"), setting("\0", False), deleting("\0a")]
    for work in works:
        assert await refused(store.write(work)) == (NUL.sqlite, NUL.postgresql)
    assert await refused(store.one(STATE, tenant="\0")) == (NUL.sqlite, NUL.postgresql)
    assert await refused(store.cached(STATE, tenant="\0")) == (NUL.sqlite, NUL.postgresql)
    assert await refused(anext(store.pages(STATE, tenant="\0"))) == (NUL.sqlite, NUL.postgresql)
    assert await names(store) == ["a"]


@pytest.mark.parametrize("location", [None, MEMORY])
async def test_0_1_0_stores_a_nul(open_store, location):
    """And gives it back; the text does not end there."""
    store = await open_store(location, wire_version="0.1.0")
    await store.write(adding("a\0b"))
    await store.write(adding("a"))
    assert await names(store) == ["a\0b", "a"]
    assert await store.one(STATE, tenant="a\0b") == (1, True)
    assert await store.cached(STATE, tenant="a\0c") is None


# A database that is locked.


async def test_a_short_lock_only_delays(path, store):
    """The loop runs on meanwhile: what was stored is read, and the write is answered when the lock is gone."""
    await store.write(adding("a"))
    with outside(path) as holder:
        holder.execute("BEGIN IMMEDIATE")
        holder.execute("UPDATE tenants SET enabled = 0")
        waiting = [asyncio.create_task(store.write(adding(name))) for name in "bc"]
        for _ in range(20):
            await asyncio.sleep(0.005)
            assert await store.one(STATE, tenant="a") == (1, True)
            assert await store.cached(STATE, tenant="a") == (1, True)
        assert await names(store) == ["a"]
        assert [task.done() for task in waiting] == [False, False]
        holder.execute("COMMIT")
    assert await asyncio.gather(*waiting) == [None, None]
    assert names_in(path) == ["a", "b", "c"]
    assert await found_by(store) == (1, False)


async def test_a_long_lock_refuses_every_waiting_write(path, store, monkeypatch, caplog):
    """In the words of both databases, with one line in the log; nothing is stored, and all is well afterwards."""
    monkeypatch.setattr(writer_module, "BUSY_TIMEOUT_MILLISECONDS", 100)
    await store.write(adding("a"))
    with outside(path) as holder, caplog.at_level(logging.WARNING):
        holder.execute("BEGIN IMMEDIATE")
        works = [adding("b"), setting("a", False), deleting("a")]
        outcomes = await asyncio.gather(*[store.write(work) for work in works], return_exceptions=True)
        assert texts(outcomes) == [LOCKED] * 3
        assert await names(store) == ["a"]
        holder.execute("ROLLBACK")
    line = f"{path}: 3 writes were refused: (code: 5) database is locked"
    assert caplog.record_tuples == [("tms_standin.store", logging.WARNING, line)]
    await asyncio.gather(*[store.write(adding(name)) for name in "bc"])
    assert names_in(path) == ["a", "b", "c"]
    assert await found_by(store) == (1, True)


async def test_a_long_lock_refuses_other_rows(path, store, tmp_path, monkeypatch):
    """A reset waits as long as a write, not for ever, and whoever writes behind it is served."""
    monkeypatch.setattr(image_module, "BUSY_TIMEOUT_MILLISECONDS", 100)
    await store.write(adding("a"))
    await store.save(tmp_path / "image", MOMENT)
    with outside(path) as holder:
        holder.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(30):
            assert await refused(store.replace(FileImage(tmp_path / "image"))) == LOCKED
        behind = asyncio.create_task(store.write(adding("b")))
        holder.execute("ROLLBACK")
    assert await behind is None
    assert names_in(path) == ["a", "b"]
    await store.replace(FileImage(tmp_path / "image"))
    assert names_in(path) == ["a"]


@contextmanager
def replacing_elsewhere(path):
    """Have another process be at replacing the rows."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom app.steering.board import Board\n"
        "board = Board(Path(sys.argv[1]))\nboard.open()\n"
        "with board.replacing_rows():\n    print(flush=True)\n    sys.stdin.read()\nboard.close()\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as other:
        other.stdout.readline()
        yield
        other.communicate()


async def test_rows_that_another_process_replaces(path, open_store, tmp_path):
    """A write waits until they are there, and is then told that what its request has read is gone; none waits at the end."""
    board = Board(tmp_path / "steering")
    board.open()
    store = await open_store(board=board)
    with replacing_elsewhere(tmp_path / "steering"):
        waiting = [asyncio.create_task(store.write(adding(name))) for name in "ab"]
        await asyncio.sleep(0.1)
        assert not any(task.done() for task in waiting)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RowsReplaced] * 2
    await store.write(adding("c"))
    assert names_in(path) == ["c"]
    with replacing_elsewhere(tmp_path / "steering"):
        waiting = [asyncio.create_task(store.write(adding("d")))]
        await asyncio.sleep(0.02)
        async with asyncio.timeout(30):
            await store.close()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RowsReplaced]
    board.close()


async def test_a_write_inside_of_a_write(either):
    """It would wait for itself: it is refused, and everybody is served on."""

    async def work(_transaction):
        await either.write(adding("inner"))

    async with asyncio.timeout(30):
        with pytest.raises(RuntimeError, match="inside of another"):
            await either.write(work)
        await either.write(adding("a"))
    assert await names(either) == ["a"]


async def test_a_write_that_waits_behind_a_refused_one_is_served(path, store, monkeypatch):
    """It came while the lock was waited for, and gets a patience of its own."""
    monkeypatch.setattr(writer_module, "BUSY_TIMEOUT_MILLISECONDS", 300)
    with outside(path) as holder:
        holder.execute("BEGIN IMMEDIATE")
        first = asyncio.create_task(store.write(adding("a")))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(store.write(adding("b")))
        assert await refused(first) == LOCKED
        holder.execute("ROLLBACK")
    assert await second is None
    assert names_in(path) == ["b"]


async def test_a_short_lock_of_another_store_only_delays(path, open_store):
    """Two processes that write at once wait for one another."""
    one, other = await open_store(), await open_store()
    works = [
        store.write(adding(f"{number}{name}")) for number in range(50) for name, store in (("x", one), ("y", other))
    ]
    assert await asyncio.gather(*works) == [None] * 100
    assert len(set(names_in(path))) == 100


async def test_a_transaction_that_cannot_even_begin(path, store, caplog):
    """Another cause than a lock is not waited for."""
    await store.write(adding("a"))
    store._writer.connection.close()
    assert await refused(store.write(adding("b"))) == (
        "(code: 1) Cannot operate on a closed database.",
        "Cannot operate on a closed database.",
    )
    assert [record.name for record in caplog.records] == ["tms_standin.store"]
    assert names_in(path) == ["a"]


# A disk without space.


@contextmanager
def full(store):
    """Let the database grow no further: SQLite itself finds it full then."""
    pages = store._writer.connection.execute("PRAGMA page_count").fetchone()[0]
    store._writer.connection.execute(f"PRAGMA max_page_count = {pages}")
    yield
    store._writer.connection.execute("PRAGMA max_page_count = 1000000")


async def test_a_full_disk_refuses_every_waiting_write(either, caplog):
    """SQLite undoes the whole transaction then, so nobody's write was done; all is well when there is space again."""
    await either.write(adding("a"))
    works = [adding("b"), setting("a", False), adding("x" * 100_000), deleting("a"), adding("c")]
    with full(either), caplog.at_level(logging.WARNING):
        outcomes = await asyncio.gather(*[either.write(work) for work in works], return_exceptions=True)
        assert texts(outcomes) == [FULL] * 5
        assert await names(either) == ["a"]
        assert await found_by(either) == (1, True)
        assert await either.write(setting("a", False)) == 1
    assert [(record.name, record.levelno) for record in caplog.records] == [("tms_standin.store", logging.WARNING)]
    assert caplog.messages[0].endswith(": 5 writes were refused: (code: 13) database or disk is full")
    assert await asyncio.gather(*[either.write(work) for work in works]) == [None, 1, None, 1, None]
    assert await names(either) == ["b", "x" * 100_000, "c"]


@pytest.mark.parametrize("then", ["raise another", "go on"])
async def test_a_work_that_hides_a_full_disk(either, then):
    """Nobody is told that it was done, and nobody waits for ever."""

    async def hiding(transaction):
        try:
            await transaction.insert(NEW_TENANT, tenant="x" * 100_000, enabled=True, **STAMPS)
        except DatabaseError:
            if then == "raise another":
                raise Refusal(403, "Missing or expired dependency") from None

    with full(either):
        works = [adding("b"), hiding, adding("c")]
        outcomes = await asyncio.gather(*[either.write(work) for work in works], return_exceptions=True)
        assert [isinstance(outcome, Exception) for outcome in outcomes] == [True] * 3
        assert await names(either) == []
    assert await either.write(adding("d")) is None
    assert await names(either) == ["d"]


async def test_a_commit_that_fails(path, store, caplog):
    """The file may not grow any more, which only the commit finds out: nobody is answered as if it was done."""
    await store.write(adding("a"))
    first = await found_by(store)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        works = [adding("b"), setting("a", False), deleting("a")]
        outcomes = await asyncio.gather(*[store.write(work) for work in works], return_exceptions=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert texts(outcomes) == [IOERR] * 3
    assert [record.name for record in caplog.records] == ["tms_standin.store"]
    assert await names(store) == ["a"]
    assert await found_by(store) == first
    assert await asyncio.gather(*[store.write(work) for work in works]) == [None, 1, 1]
    assert names_in(path) == ["b"]


READ_ONLY = ("(code: 8) attempt to write a readonly database", "cannot execute INSERT in a read-only transaction")


async def test_a_database_that_may_only_be_read(path, store):
    """Nothing is begun; reads go on, and writes again when it may be written."""
    await store.write(adding("a"))
    store._writer.connection.execute("PRAGMA query_only = 1")
    assert await refused(store.write(adding("b"))) == READ_ONLY
    assert await found_by(store) == (1, True)
    store._writer.connection.execute("PRAGMA query_only = 0")
    await store.write(adding("b"))
    assert names_in(path) == ["a", "b"]


async def test_a_database_whose_file_was_removed(path, store, tmp_path):
    """Nothing is read from a file without a name, nothing that was written there is answered, and none is made anew."""
    await store.write(adding("a"))
    await store.save(tmp_path / "image", MOMENT)
    path.unlink()
    asked = (store.write(adding("b")), store.one(STATE, tenant="a"), store.cached(STATE, tenant="a"), store.few(NAMES))
    for answer in asked:
        with pytest.raises(DatabaseGone, match="the database file was removed or replaced; restart the stand-in"):
            await answer
    with pytest.raises(DatabaseGone):
        async for _ in store.pages(NAMES):
            pass
    with pytest.raises(DatabaseGone):
        await store.replace(FileImage(tmp_path / "image"))
    assert not path.exists()


async def test_a_transaction_that_cannot_be_finished(path, store):
    """It may only be read from some moment on, which the last statement finds out: what was done is undone."""
    await store.write(adding("a"))
    await store.spend_ids(tenants)

    async def forbid(_transaction):
        store._writer.connection.execute("PRAGMA query_only = 1")

    works = [adding("b"), forbid]
    outcomes = await asyncio.gather(*[store.write(work) for work in works], return_exceptions=True)
    assert texts(outcomes) == [READ_ONLY] * 2
    assert names_in(path) == ["a"]
    store._writer.connection.execute("PRAGMA query_only = 0")
    await store.write(adding("b"))
    await store.write(adding("c"))
    assert await ids(store) == {"a": 1, "b": 2, "c": 4}


def savepoints_of(store):
    """Return a list that fills with the savepoints which the writer makes from now on."""
    made = []
    store._writer.connection.set_trace_callback(
        lambda text: made.append(text) if text.startswith("SAVEPOINT") else None
    )
    return made


async def test_a_batch_in_which_nothing_fails_needs_no_savepoint(either):
    """After one in which something did, the next fifty have one for each write, and then none again."""
    made = savepoints_of(either)
    await asyncio.gather(*[either.write(adding(name)) for name in "abc"])
    assert made == []
    outcomes = await asyncio.gather(
        either.write(adding("d")), either.write(adding("a")), either.write(adding("e")), return_exceptions=True
    )
    assert [isinstance(outcome, DatabaseError) for outcome in outcomes] == [False, True, False]
    assert made == ["SAVEPOINT request"] * 3
    for number in range(60):
        await either.write(adding(f"f{number}"))
    assert made == ["SAVEPOINT request"] * (3 + 49)
    assert await names(either) == ["a", "b", "c", "d", "e", *[f"f{number}" for number in range(60)]]


async def test_a_work_that_is_run_again_is_answered_once(either):
    """What its first run has written is undone with the batch, and its second run's result counts."""
    runs = []

    async def counted(transaction):
        runs.append(await transaction.insert_if_absent(NEW_TENANT, tenant="counted", enabled=True, **STAMPS))
        return len(runs)

    async def refusing(_transaction):
        raise Refusal(404, "NOT_FOUND")

    result, failure = await asyncio.gather(either.write(counted), either.write(refusing), return_exceptions=True)
    assert (result, type(failure), runs) == (2, Refusal, [True, True])
    assert await names(either) == ["counted"]


async def test_a_work_that_is_run_again_spends_its_ids_once(either):
    """Those of an insert whose refusal it has lived with."""
    await either.write(adding("a"))

    async def lenient(transaction):
        with suppress(DatabaseError):
            await transaction.insert(NEW_TENANT, tenant="a", enabled=True, **STAMPS)

    async def refusing(_transaction):
        raise Refusal(404, "NOT_FOUND")

    await asyncio.gather(either.write(lenient), either.write(refusing), return_exceptions=True)
    await either.write(adding("b"))
    assert await ids(either) == {"a": 1, "b": 3}

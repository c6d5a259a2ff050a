"""Tests of app/postgres/store.py over a real PostgreSQL: reads, writes, conflicts, ids, replaced rows."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import bindparam, select, update

from app.errors import DatabaseError, Refusal, RowsReplaced
from app.oauth.failures import person_limit
from app.postgres.locks import PRESENCE
from app.postgres.store import READERS
from app.sqlite.image import FileImage
from app.statements import Insert, Statement, matching
from app.steering.board import EPOCH
from app.steering.state import State
from app.store import PAGE, Writing
from app.tables import clients, hosts, pubkeys, tenants
from tests.postgres.conftest import MOMENT, a_full_disk

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")

TENANT = Statement(select(tenants.c.id, tenants.c.enabled, tenants.c.created).where(matching(tenants, "tenant")))
ALL = Statement(select(tenants.c.tenant, tenants.c.id).order_by(tenants.c.tenant))
NEW_TENANT, NEW_HOST, NEW_CLIENT = Insert(tenants), Insert(hosts), Insert(clients)
DISABLE = Statement(
    update(tenants).where(matching(tenants, "tenant")).values(enabled=bindparam("flag", type_=tenants.c.enabled.type))
)
MOVE = Statement(update(hosts).where(matching(hosts, "host")).values(addr=bindparam("addr")))
# Ends the connection of whoever waits until all processes know of a write.
END_WAITING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%(generation < $1%'
"""
WRITTEN = {"created": MOMENT, "updated": MOMENT}
HOSTS = Statement(select(hosts.c.host).where(matching(hosts, "tenant")).order_by(hosts.c.host))


def adding(name, **values):
    """Return a work that adds a tenant."""
    return lambda transaction: transaction.insert(NEW_TENANT, tenant=name, **{"enabled": True, **WRITTEN, **values})


async def names(store):
    """Return all tenants with their ids."""
    return {row.tenant: row.id for row in await store.few(ALL)}


async def test_a_row_has_the_values_that_sqlite_gives(store):
    """Numbers, booleans and aware times, under the columns' names; what is not there is None."""
    row = await store.one(TENANT, tenant="test")
    assert (row.id, row.enabled, row.created) == (2, True, MOMENT)
    assert await store.cached(TENANT, tenant="nobody") is None


async def test_text_is_sorted_by_its_bytes(store):
    """Whatever the locale of the database: capital letters first, the empty text before all."""
    for name in ("b", "B", "a", "é", "-", ""):
        await store.write(adding(name))
    assert list(await names(store)) == ["", "-", "B", "a", "b", "default", "test", "é"]


@pytest.mark.parametrize("count", [0, 1, PAGE, PAGE + 1])
async def test_pages_come_in_pieces(store, count):
    """Each has at most PAGE rows, and together they are all."""

    async def fill(transaction):
        for number in range(count):
            await transaction.insert(NEW_HOST, tenant="test", host=f"{number:04}", addr="a", **WRITTEN)

    await store.write(fill)
    pages = [page async for page in store.pages(HOSTS, tenant="test")]
    assert [len(page) for page in pages] == [PAGE] * (count // PAGE) + [count % PAGE] * (count % PAGE > 0)
    assert [row.host for page in pages for row in page] == [f"{number:04}" for number in range(count)]


async def test_whoever_needs_no_more_pages(store):
    """The connection is as good as new for the next reader."""
    async with store._readers.lend() as driver:
        pid = driver.get_server_pid()
    pages = store.pages(ALL)
    assert len(await anext(pages)) == 2
    await pages.aclose()
    async with store._readers.lend() as driver:
        assert (driver.get_server_pid(), driver.is_in_transaction()) == (pid, False)


async def test_what_a_work_raises_undoes_it(store):
    """Its writes are gone, the error is the caller's, and the next one goes on."""

    async def half(transaction):
        await transaction.insert(NEW_TENANT, tenant="half", enabled=True, **WRITTEN)
        raise Refusal(404, "NOT_FOUND")

    with pytest.raises(Refusal):
        await store.write(half)
    assert await names(store) == {"default": 1, "test": 2}
    assert await store.write(lambda transaction: transaction.one(TENANT, tenant="half")) is None


async def test_a_work_that_hides_a_refusal_is_refused(store):
    """PostgreSQL keeps nothing of it, whatever it has written before and afterwards; its caller must not believe so."""

    async def hiding(transaction):
        await transaction.insert(NEW_TENANT, tenant="new", enabled=True, **WRITTEN)
        with suppress(DatabaseError):
            await transaction.insert(NEW_TENANT, tenant="test", enabled=True, **WRITTEN)

    with pytest.raises(DatabaseError, match="the transaction was rolled back"):
        await store.write(hiding)
    assert await names(store) == {"default": 1, "test": 2}


async def test_a_refusal_has_the_words_of_both_databases(store):
    """PostgreSQL's are its own; the id is spent."""
    with pytest.raises(DatabaseError) as refused:
        await store.write(adding("test"))
    assert refused.value.postgresql == 'duplicate key value violates unique constraint "tenants_tenant_key"'
    assert refused.value.sqlite == "(code: 2067) UNIQUE constraint failed: tenants.tenant"
    await store.write(adding("next"))
    assert (await names(store))["next"] == 4


async def test_spent_ids_leave_gaps(store):
    """As after an insert that found its row there; each table has a sequence of its own."""
    await store.spend_ids(tenants, hosts, tenants)
    await store.write(adding("next"))
    assert (await names(store))["next"] == 5


async def test_ids_of_0_1_0_have_no_gaps(store_for):
    """The largest plus one, whatever was spent; a refused insert spends none."""
    store = await store_for(wire_version="0.1.0")
    await store.spend_ids(tenants)
    with pytest.raises(DatabaseError):
        await store.write(adding("test"))
    await store.write(adding("next"))
    assert (await names(store))["next"] == 3


async def test_the_sequence_goes_on_behind_ids_that_it_has_not_given(store_for):
    """Rows of wire version 0.1.0 are in its way; nobody is told."""
    old, new = await store_for(wire_version="0.1.0"), await store_for()
    for name in "abc":
        await old.write(adding(name))
    await new.write(adding("d"))
    await new.write(adding("e"))
    assert await names(new) == {"a": 3, "b": 4, "c": 5, "d": 6, "default": 1, "e": 7, "test": 2}


async def test_many_take_the_largest_id_plus_one_at_once(store_for, monkeypatch):
    """One after the other, whichever host they come from: nobody is too late, let alone too often."""
    for module in ("store", "transaction"):
        monkeypatch.setattr(f"app.postgres.{module}.TRIES", 1)
    stores = [await store_for(wire_version="0.1.0") for _ in range(2)]

    async def adding_if_absent(store, number):
        row = {"tenant": "test", "host": f"h{number}", "addr": "a", **WRITTEN}
        return await store.write(lambda transaction: transaction.insert_if_absent(NEW_HOST, **row))

    await asyncio.gather(*(stores[number % 2].write(adding(f"t{number}")) for number in range(20)))
    assert sorted((await names(stores[0])).values()) == list(range(1, 23))
    assert all(await asyncio.gather(*(adding_if_absent(stores[number % 2], number) for number in range(20))))


async def test_two_that_change_what_they_have_read_follow_each_other(store_for):
    """No count is lost among twenty guesses at two hosts, whose first rows are made at once."""
    stores = [await store_for(), await store_for()]
    limit = person_limit("password", 100)
    await asyncio.gather(
        *(store.write(lambda transaction: limit.note(transaction, "here", MOMENT)) for store in stores * 10)
    )
    from app.oauth.failures import _FIND

    assert (await stores[0].one(_FIND, source="password here")).failures == 20


async def test_those_who_block_each_other_try_again(store):
    """PostgreSQL ends one of two transactions that wait for each other; both are done in the end."""
    met = asyncio.Barrier(2)

    def crossing(first, second):
        tries = []

        async def work(transaction):
            tries.append(first)
            await transaction.update(MOVE, hosts, host=first, addr=second)
            if len(tries) == 1:
                await met.wait()
            await transaction.update(MOVE, hosts, host=second, addr=first)
            return len(tries)

        return work

    for name in "ab":
        await store.write(
            lambda transaction, name=name: transaction.insert(NEW_HOST, tenant="test", host=name, addr="", **WRITTEN)
        )
    tries = await asyncio.gather(store.write(crossing("a", "b")), store.write(crossing("b", "a")))
    assert max(tries) > 1


async def test_a_write_that_waits_for_a_read_of_its_own_store(store):
    """Twice as many as there are connections read beside their transactions, and none waits for ever."""

    async def work(transaction):
        await transaction.one(TENANT, tenant="test")
        return (await store.one(TENANT, tenant="test")).id

    found = await asyncio.gather(*(store.write(work) for _ in range(30)))
    assert found == [2] * 30


async def test_rows_that_were_replaced(store, tmp_path):
    """A write that has read the rows before is refused; one that has read none is done after it."""
    await store.save(tmp_path / "before", MOMENT)
    await store.write(adding("gone"))
    epoch = store._board.words[EPOCH]
    await store.replace(FileImage(tmp_path / "before"))
    assert await names(store) == {"default": 1, "test": 2}
    with pytest.raises(RowsReplaced):
        await store.write(adding("late"), epoch)
    await store.write_whatever_was_read(adding("next"))
    assert await names(store) == {"default": 1, "next": 3, "test": 2}


async def test_a_commit_whose_connection_ends_before_all_have_forgotten(store):
    """It is answered: what is committed is there, and whoever was told otherwise would do it again."""
    async with store._board._connections.lend() as silent:
        await silent.execute("SELECT pg_advisory_lock_shared($1)", PRESENCE)
        await silent.execute("INSERT INTO standin_replicas VALUES (pg_backend_pid(), 0, 0, 0)")
        writing = asyncio.create_task(store.write(adding("new")))
        async with asyncio.timeout(30):
            while not await silent.fetchval(END_WAITING):  # noqa: ASYNC110 - the event is the database's
                await asyncio.sleep(0.01)
            await writing
    assert await names(store) == {"default": 1, "new": 3, "test": 2}


async def test_a_commit_on_a_host_whose_disk_is_full(store_for, monkeypatch):
    """It is answered as well, though the host can take nothing over that others have set."""
    one, other = await store_for(), await store_for()
    monkeypatch.setattr("app.postgres.board._RETRY_SECONDS", 0.02)
    with a_full_disk(other._board):
        await one._board.alter(lambda _state: State(modes={"strict": True}))
        await other.write(adding("new"))
    assert await names(one) == {"default": 1, "new": 3, "test": 2}


async def test_rows_that_are_replaced_for_a_long_time(store_for, monkeypatch):
    """Reads and writes wait longer than a database may say nothing otherwise; the board can be looked at meanwhile."""
    monkeypatch.setattr("app.postgres.connections.STATEMENT_SECONDS", 1.0)
    store, other = await store_for(), await store_for()
    async with store._board.replacing() as driver:
        await driver.execute("LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE")
        asked = [
            asyncio.create_task(each)
            for each in (other.one(TENANT, tenant="test"), other.few(ALL), other.write_whatever_was_read(adding("new")))
        ]
        await asyncio.sleep(1.2)
        await other._board.look()
        assert not any(task.done() for task in asked)
    row, rows, written = await asyncio.gather(*asked)
    assert (row.id, len(rows), written) == (2, 2, None)
    assert await names(store) == {"default": 1, "new": 3, "test": 2}


async def test_what_needs_no_rows_while_they_are_replaced(store_for):
    """Who asks whether the database answers, or counts, waits for nobody, however many wait for rows or to set something."""
    store, other = await store_for(), await store_for()
    async with store._board.replacing() as driver:
        await driver.execute("LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE")
        asked = [asyncio.create_task(other.one(TENANT, tenant="test")) for _ in range(2 * READERS)]
        asked += [asyncio.create_task(other._board.alter(lambda state: state)) for _ in range(6)]
        await asyncio.sleep(0.2)
        async with asyncio.timeout(30):
            await other.check()
            assert await other._board.tally(1) == 0
        assert not any(task.done() for task in asked)
    await asyncio.gather(*asked)


async def test_another_host_is_told_of_replaced_rows(store_for, tmp_path):
    """What it has read is refused at once, though nobody has told its board by hand."""
    one, other = await store_for(), await store_for()
    epoch = other._board.words[EPOCH]
    await one.save(tmp_path / "before", MOMENT)
    await one.replace(FileImage(tmp_path / "before"))
    assert other._board.words[EPOCH] == epoch + 2
    with pytest.raises(RowsReplaced):
        await other.write(adding("late"), epoch)


async def test_a_change_is_seen_by_every_host_that_remembers(store_for):
    """As soon as it is answered, however often it is asked for meanwhile."""
    one, other = await store_for(), await store_for()
    first = await other.cached(TENANT, tenant="test")
    assert await other.cached(TENANT, tenant="test") is first
    for flag in (False, True) * 5:
        asked = [asyncio.create_task(other.cached(TENANT, tenant="test")) for _ in range(5)]
        await one.write(lambda transaction, flag=flag: transaction.update(DISABLE, tenants, tenant="test", flag=flag))
        found = await other.cached(TENANT, tenant="test")
        assert found.enabled is flag
        assert await other.cached(TENANT, tenant="test") is found
        await asyncio.gather(*asked)


async def test_a_process_that_hears_nothing_remembers_nothing(store):
    """It asks the database each time."""
    store._board.remembered = None
    first = await store.cached(TENANT, tenant="test")
    again = await store.cached(TENANT, tenant="test")
    assert (again == first, again is first) == (True, False)


async def test_what_is_remembered_does_not_grow_without_end(store, monkeypatch):
    """It starts anew where it is full; what is not there is not remembered."""
    monkeypatch.setattr("app.store.MOST_REMEMBERED", 2)
    for name in ("nobody", "default", "test"):
        await store.cached(TENANT, tenant=name)
    assert len(store._cache) == 2
    await store.cached(Statement(select(tenants.c.id).where(matching(tenants, "tenant"))), tenant="test")
    assert len(store._cache) == 1


async def test_keys_are_not_remembered(store):
    """Nobody tells of a change of theirs."""
    by_id = Statement(select(pubkeys.c.id).where(matching(pubkeys, "id")))
    assert await store.cached(by_id, id=1) is not await store.cached(by_id, id=1)
    assert store._cache == {}


async def test_a_nul_is_refused_in_both_versions(store_for):
    """PostgreSQL stores none, in a text to find as in one to store."""
    for wire_version in ("0.3.0", "0.1.0"):
        store = await store_for(wire_version=wire_version)
        for attempt in (store.one(TENANT, tenant="a\0"), store.write(adding("a\0"))):
            with pytest.raises(DatabaseError) as refused:
                await attempt
            assert refused.value.postgresql == 'invalid byte sequence for encoding "UTF8": 0x00'


async def test_a_number_that_does_not_fit_is_refused(store):
    """The driver refuses it before the server is asked."""
    by_id = Statement(select(pubkeys.c.id).where(matching(pubkeys, "id")))
    with pytest.raises(DatabaseError, match="int32"):
        await store.one(by_id, id=2**40)


async def test_what_is_measured(store):
    """Each write is a transaction of its own; a refused one is none."""
    before = store.writing
    await store.write(adding("a"))
    with pytest.raises(DatabaseError):
        await store.write(adding("a"))
    assert store.writing == Writing(0, (before.written + 1, *[0] * 8), before.written + 1)

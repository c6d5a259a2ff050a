"""Tests of app/postgres/board.py: two hosts on one database, of which each has a board of its own."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager, suppress

import pytest

from app.errors import DatabaseGone
from app.postgres.board import PostgresBoard
from app.postgres.locks import PRESENCE, REPLACEMENT
from app.postgres.presence import known_to_all
from app.steering.board import EPOCH, GENERATION
from app.steering.state import NOTHING, ClockState, State
from tests.postgres.conftest import a_full_disk, logged

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")

# Those that hold the lock and have said so.
HEARING = """
SELECT pid FROM standin_replicas WHERE pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = $1)
"""
END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
FROZEN = State(clock=ClockState("offset", None, 60.0), modes={"strict": True})


@asynccontextmanager
async def host(url, path):
    """Join as a host whose files are at `path`, and leave."""
    board = PostgresBoard(url, path)
    await board.join()
    try:
        yield board
    finally:
        await board.leave()


@pytest.fixture
async def two(url, tmp_path):
    """Return the boards of two hosts."""
    async with host(url, tmp_path / "one") as one, host(url, tmp_path / "other") as other:
        yield one, other


async def test_the_other_host_knows_when_a_change_returns(two):
    """Nobody has to wait, look or ask: its next request finds the state and the same generation."""
    one, other = two
    await one.alter(lambda _state: FROZEN)
    assert (other.read(), one.read()) == ((one.words[GENERATION], FROZEN), (other.words[GENERATION], FROZEN))


async def test_changes_at_once_lose_nothing(two):
    """Twenty of each host, each built on the one before."""

    def one_more(state):
        return State(modes={"strict": state.modes.get("strict", 0) + 1})

    await asyncio.gather(*(board.alter(one_more) for board in two * 20))
    assert [board.read()[1].modes for board in two] == [{"strict": 40}] * 2


async def test_a_change_that_fails_leaves_the_state(two):
    """What it raises is its caller's; the next change goes on."""
    one, other = two
    await one.alter(lambda _state: FROZEN)
    with pytest.raises(ZeroDivisionError):
        await other.alter(lambda _state: 1 / 0)
    assert one.read()[1] == other.read()[1] == FROZEN
    await other.alter(lambda _state: NOTHING)
    assert one.read()[1] == NOTHING


async def test_each_count_is_given_once(two):
    """Whichever host asks; what is cleared with a change begins at zero."""
    one, other = two
    counts = await asyncio.gather(*(board.tally(3) for board in two * 10))
    assert sorted(counts) == list(range(20))
    assert (await other.tally(4), await one.tallied(3), await one.tallied(5)) == (0, 20, 0)

    def cleared(state):
        one.clear(range(3, 4))
        return state

    await one.alter(cleared)
    assert (await other.tally(3), await other.tallied(4)) == (0, 1)


async def test_the_last_to_leave_forgets_what_was_set(url, tmp_path):
    """Who comes while another is there finds it; who comes afterwards finds nothing, and a later generation."""
    async with host(url, tmp_path / "one") as one:
        await one.alter(lambda _state: FROZEN)
        async with host(url, tmp_path / "other") as other:
            assert other.read()[1] == FROZEN
    async with host(url, tmp_path / "third") as third:
        assert third.read()[1] == NOTHING
        assert third.words[GENERATION] > one.words[GENERATION]
    assert list(tmp_path.iterdir()) == []


async def test_what_is_remembered_is_forgotten_after_any_change(two, postgres, url):
    """Whoever makes it, even by hand; both hosts hear of it, and of no change to other tables."""
    one, other = two
    forgotten = []
    one.forget, other.forget = lambda: forgotten.append("one"), lambda: forgotten.append("other")
    name, before = url.rpartition("/")[2], other.remembered
    postgres.run("UPDATE hosts SET addr = 'x'", name)
    assert (forgotten, other.remembered) == ([], before)
    postgres.run("UPDATE clients SET enabled = false", name)
    async with one._connections.lend() as driver:
        await known_to_all(driver)
    assert (sorted(forgotten), one.remembered, other.remembered) == (["one", "other"], before + 1, before + 1)


async def test_the_epoch_is_odd_while_rows_are_replaced(two):
    """On both hosts, from before the first row goes; it is even again when they are there."""
    one, other = two
    before = other.words[EPOCH]
    async with one.replacing() as driver:
        assert (one.words[EPOCH], other.words[EPOCH]) == (before + 1, before + 1)
        await driver.execute("DELETE FROM hosts")
    assert (one.words[EPOCH], other.words[EPOCH]) == (before + 2, before + 2)


async def test_a_replacement_that_fails_is_over(two):
    """Its rows are undone, and its epoch is even again."""
    one, other = two
    with suppress(ZeroDivisionError):
        async with one.replacing() as driver:
            await driver.execute("DELETE FROM tenants WHERE tenant = 'nobody'")
            raise ZeroDivisionError
    assert one.words[EPOCH] == other.words[EPOCH]
    assert other.words[EPOCH] % 2 == 0


async def test_replacements_follow_each_other(two):
    """A second host waits for the first."""
    order = []

    async def replace(board):
        async with board.replacing():
            order.append("begun")
            await asyncio.sleep(0.01)
            order.append("done")

    await asyncio.gather(*(replace(board) for board in two * 2))
    assert order == ["begun", "done"] * 4


async def test_a_process_that_died_over_a_replacement(two, postgres, url):
    """Others finish for it, once its connection is gone, and not before."""
    one, other = two
    name = url.rpartition("/")[2]
    postgres.run("UPDATE standin_board SET epoch = epoch | 1", name)
    async with one._connections.lend() as driver:
        await driver.execute("SELECT pg_advisory_lock($1)", REPLACEMENT)
        await other.finish_for_dead_processes()
        assert other.words[EPOCH] % 2 == 1
        await driver.execute("SELECT pg_advisory_unlock_all()")
    await other.finish_for_dead_processes()
    assert (one.words[EPOCH] % 2, other.words[EPOCH] % 2) == (0, 0)


async def test_a_host_that_says_nothing_holds_nobody_up_for_ever(two, monkeypatch):
    """A change returns after a while, and the other host hears of it when it can."""
    monkeypatch.setattr("app.postgres.presence.ACKNOWLEDGED_SECONDS", 0.05)
    one, other = two
    other._hearing.cancel()
    await asyncio.gather(other._hearing, return_exceptions=True)
    async with other._connections.lend() as silent:
        await silent.execute("SELECT pg_advisory_lock_shared($1)", PRESENCE)
        await silent.execute("INSERT INTO standin_replicas VALUES (pg_backend_pid(), 0, 0, 0)")
        await one.alter(lambda _state: FROZEN)
        assert other.read()[1] == NOTHING
        await silent.execute("SELECT pg_advisory_unlock_all()")
    await other.look()
    assert other.read()[1] == FROZEN


@asynccontextmanager
async def no_connection(**_once):
    """Stand for a database that cannot be reached."""
    raise DatabaseGone
    yield


async def present(board):
    """Return the numbers of the connections that hear, once each has said how far."""
    with suppress(DatabaseGone):  # A connection of ours may be among those that have just been ended.
        async with board._connections.lend() as driver:
            return {record["pid"] for record in await driver.fetch(HEARING, PRESENCE)}
    return set()


async def test_a_connection_that_was_lost_is_replaced(two, postgres, url):
    """The processes hear of changes again, and what was set stays."""
    one, other = two
    await one.alter(lambda _state: FROZEN)
    before = await present(one)
    postgres.run(END_ALL, url.rpartition("/")[2])
    async with asyncio.timeout(60):
        while len(await present(one) - before) < 2:  # noqa: ASYNC110 - the event is the database's
            await asyncio.sleep(0.02)
    await other.alter(lambda state: State(modes=state.modes | {"quirks": "real"}))
    assert one.read()[1].modes == other.read()[1].modes == {"strict": True, "quirks": "real"}


async def test_who_starts_while_the_others_have_lost_their_connections(url, tmp_path, postgres, monkeypatch):
    """What was set stays: they are there, and will be back in a moment."""
    async with host(url, tmp_path / "one") as one:
        await one.alter(lambda _state: FROZEN)
        with monkeypatch.context() as away:
            away.setattr(one._connections, "lend", no_connection)
            postgres.run(END_ALL, url.rpartition("/")[2])
            async with asyncio.timeout(60):
                while one.hears:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.02)
            async with host(url, tmp_path / "one") as late:
                assert late.read()[1] == one.read()[1] == FROZEN


async def test_a_database_that_was_made_anew(url, tmp_path, postgres):
    """Whoever starts begins anew there, and the processes that were there before find nothing set either."""
    async with host(url, tmp_path / "one") as one:
        await one.alter(lambda _state: FROZEN)
        postgres.run(
            "UPDATE standin_board SET generation = 0, epoch = 0, state = '{}';" + END_ALL, url.rpartition("/")[2]
        )
        async with asyncio.timeout(60), host(url, tmp_path / "one") as late:
            while not one.read() == late.read() == (1, NOTHING):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)


async def test_who_hears_nothing_soon_remembers_nothing(url, tmp_path, monkeypatch):
    """A backend that keeps its connection and does not answer is left within a look, and others need not wait for it."""
    monkeypatch.setattr("app.postgres.board.LISTEN_SECONDS", 0.05)
    monkeypatch.setattr("app.postgres.connections.STATEMENT_SECONDS", 120)
    async with host(url, tmp_path / "one") as one:
        (backend,) = await present(one)
        monkeypatch.setattr("app.postgres.board.LOOK_SECONDS", 0.3)
        os.kill(backend, signal.SIGSTOP)
        try:
            async with asyncio.timeout(30):
                while one.hears:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.02)
        finally:
            monkeypatch.undo()
            os.kill(backend, signal.SIGCONT)


async def test_a_process_that_is_told_nothing_looks_by_itself(url, tmp_path, postgres, monkeypatch):
    """What lies between may have cut its connection without a word."""
    monkeypatch.setattr("app.postgres.board.LISTEN_SECONDS", 0.02)
    async with host(url, tmp_path / "one") as one:
        before = one.words[EPOCH]
        postgres.run("UPDATE standin_board SET epoch = epoch + 2", url.rpartition("/")[2])
        async with asyncio.timeout(30):
            while one.words[EPOCH] != before + 2:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)


async def test_a_full_disk_does_not_end_the_hearing(url, tmp_path, monkeypatch, caplog):
    """What could not be taken over then is taken over later; the log tells of it once, and of its end."""
    monkeypatch.setattr("app.postgres.board._RETRY_SECONDS", 0.02)
    async with host(url, tmp_path / "one") as one, host(url, tmp_path / "other") as other:
        with a_full_disk(other):
            await one.alter(lambda _state: FROZEN)
            await logged(caplog, 1)
            await asyncio.sleep(0.2)
        failed, known = await logged(caplog, 2)
        assert other.read()[1] == FROZEN
    assert failed.startswith(f"{url}: what is set on it cannot be taken over: [Errno 2]")
    assert known == f"{url}: the database answers, and what is set on it is known again"


async def test_a_full_disk_keeps_nobody_from_replacing_rows(url, tmp_path):
    """The host that could not is told so, and the lock is free for the next one, on whichever host."""
    async with host(url, tmp_path / "one") as one, host(url, tmp_path / "other") as other:
        with a_full_disk(other):
            await one.alter(lambda _state: FROZEN)
            with pytest.raises(FileNotFoundError):
                async with other.replacing():
                    pass
            with pytest.raises(FileNotFoundError):
                await other.finish_for_dead_processes()
            async with asyncio.timeout(30), one.replacing():
                pass
        assert one.words[EPOCH] % 2 == 0


async def test_an_older_copy_takes_the_place_of_the_database(two, postgres, url):
    """Its numbers count, though they are smaller than those that were known."""
    one, other = two
    name = url.rpartition("/")[2]
    older = postgres.run("SELECT generation, epoch FROM standin_board", name).split("|")
    await one.alter(lambda _state: FROZEN)
    async with one.replacing():
        pass
    postgres.run(f"UPDATE standin_board SET generation = {older[0]}, epoch = {older[1]}, state = '{{}}'", name)
    await other.look()
    assert [str(other.words[GENERATION]), str(other.words[EPOCH])] == older
    assert other.read()[1] == NOTHING


async def test_a_process_of_another_database_on_the_server(url, tmp_path, postgres, seeded):
    """It does not stand for one of this database that is no more and had the same number."""
    elsewhere = postgres.create(seeded)
    async with host(elsewhere, tmp_path / "elsewhere") as stranger, stranger._connections.lend() as driver:
        pid = await driver.fetchval("SELECT pid FROM standin_replicas")
        postgres.run(f"INSERT INTO standin_replicas VALUES ({pid}, 0, 0, 0)", url.rpartition("/")[2])
        async with host(url, tmp_path / "one"):
            found = postgres.run(f"SELECT count(*) FROM standin_replicas WHERE pid = {pid}", url.rpartition("/")[2])
    postgres.drop(elsewhere)
    assert found == "0"

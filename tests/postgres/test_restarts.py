"""What outlives a lost connection, and what may take long: a board and a store over a real PostgreSQL."""

import asyncio

import asyncpg
import pytest

from app.errors import DatabaseGone
from app.postgres import connections
from app.sqlite.image import FileImage
from app.steering.state import ClockState, State
from tests.postgres.conftest import MOMENT

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")

ALONE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tms-standin'"
HELD = "SELECT count(*) FROM pg_locks WHERE relation = 'standin_board'::regclass AND mode = 'ExclusiveLock' AND granted"
FROZEN = State(clock=ClockState("frozen", MOMENT))


async def until(is_so):
    """Return as soon as it is so."""
    while not is_so():  # noqa: ASYNC110 - the event is the database's
        await asyncio.sleep(0.001)


async def test_what_is_set_outlives_a_restart_of_the_database(store_for, postgres):
    """All processes lose their connections at once, and whoever is the first to come back finds the state."""
    stores = [await store_for() for _ in range(2)]
    await stores[0]._board.alter(lambda _state: FROZEN)
    postgres.run(ALONE)
    deaf = set()
    await until(lambda: deaf.update(store for store in stores if not store._board.hears) or len(deaf) == 2)
    await until(lambda: all(store._board.hears for store in stores))
    for store in stores:
        await store._board.look()
    assert [store._board.read()[1] for store in stores] == [FROZEN] * 2


async def test_replacing_rows_may_take_longer_than_a_statement(store_for, url, tmp_path, monkeypatch):
    """It waits for whoever keeps others from writing to a table, however long that one takes; so does what is set."""
    monkeypatch.setattr(connections, "STATEMENT_SECONDS", 1.0)
    monkeypatch.setattr("app.postgres.rows.READERS_SECONDS", 0.1)
    store = await store_for()
    await store.save(tmp_path / "image.sqlite", MOMENT)
    reader = await asyncpg.connect(url)
    try:
        async with reader.transaction():
            await reader.execute("LOCK TABLE pubkeys IN SHARE MODE")
            replacing = asyncio.create_task(store.replace(FileImage(tmp_path / "image.sqlite")))
            while not await reader.fetchval(HELD):  # noqa: ASYNC110 - the event is the database's
                await asyncio.sleep(0.01)
            setting = asyncio.create_task(store._board.alter(lambda _state: FROZEN))
            await asyncio.sleep(1.5)
            assert not (replacing.done() or setting.done())
        await asyncio.gather(replacing, setting)
    finally:
        await reader.close()


async def refuse(reader, writer):
    """Answer as a server that has not recovered yet: no TLS, then FATAL 57P03."""
    for answer in (b"N", b"E\0\0\0\x2eSFATAL\0C57P03\0Mthe system is starting up\0\0"):
        await reader.read(1000)
        writer.write(answer)
    await writer.drain()
    writer.close()


async def test_a_database_that_is_starting_is_gone():
    """It takes connections and refuses them, which is no other fault than that it does not answer."""
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        starting = connections.Connections(f"postgresql://standin@127.0.0.1:{port}/test", 1)
        with pytest.raises(DatabaseGone) as told:
            async with starting.lend():
                pass
        await starting.close()
    assert "starting up" in str(told.value.__cause__)

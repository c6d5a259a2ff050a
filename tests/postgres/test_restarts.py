"""What outlives a lost connection, and what may take long: a board and a store over a real PostgreSQL."""

import asyncio

import asyncpg
import pytest

from app.postgres import connections
from app.sqlite.image import FileImage
from app.steering.state import ClockState, State
from tests.postgres.conftest import MOMENT

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")

ALONE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tms-standin'"
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
    for hears in (False, True):
        await until(lambda hears=hears: all(store._board.hears == hears for store in stores))
    for store in stores:
        await store._board.look()
    assert [store._board.read()[1] for store in stores] == [FROZEN] * 2


async def test_replacing_rows_may_take_longer_than_a_statement(store_for, url, tmp_path, monkeypatch):
    """It waits for a reader of a table, however long that one takes."""
    monkeypatch.setattr(connections, "STATEMENT_SECONDS", 0.2)
    store = await store_for()
    await store.save(tmp_path / "image.sqlite", MOMENT)
    reader = await asyncpg.connect(url)
    try:
        async with reader.transaction():
            await reader.execute("LOCK TABLE pubkeys IN ACCESS SHARE MODE")
            replacing = asyncio.create_task(store.replace(FileImage(tmp_path / "image.sqlite")))
            await asyncio.sleep(0.5)
            assert not replacing.done()
        await replacing
    finally:
        await reader.close()

"""Fixtures: stores over one database in a real PostgreSQL, each as another process on another host would have it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.modes import Modes
from app.postgres.board import PostgresBoard
from app.postgres.preparation import prepare
from app.postgres.store import PostgresStore
from app.schema import Preparation
from app.seed import plant
from app.settings import Settings
from tests.postgresql import Postgres

MOMENT = datetime(2026, 11, 23, 18, tzinfo=UTC)

StoreFor = Callable[..., Awaitable[PostgresStore]]


def planting(seed: str = "standard") -> Preparation:
    """Return what makes a database of the tests."""
    return Preparation(lambda begun: plant(begun, seed, "adminsecret1", MOMENT, False), lambda _begun: None, True)


@pytest.fixture(scope="session")
def seeded(postgres: Postgres) -> str:
    """The name of a database with the standard seed, of which tests get copies."""
    url = postgres.create()
    asyncio.run(prepare(url, planting()))
    return url.rpartition("/")[2]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a change wait for every process however busy the machine is, rather than give up on one."""
    monkeypatch.setattr("app.postgres.presence.ACKNOWLEDGED_SECONDS", 30)


@pytest.fixture
def url(postgres: Postgres, seeded: str) -> Iterator[str]:
    """The URL of a database of this test alone."""
    url = postgres.create(seeded)
    yield url
    postgres.drop(url)


@pytest.fixture
async def store_for(url: str, tmp_path) -> AsyncIterator[StoreFor]:
    """Return a function that opens the test's database as one more host would, with modes of its own."""
    async with AsyncExitStack() as stack:
        opened: list[PostgresStore] = []

        async def open_store(**modes: object) -> PostgresStore:
            board = PostgresBoard(url, tmp_path / f"host{len(opened)}")
            store = PostgresStore(url, Modes.of(Settings(**modes)), board)
            await store.prepare(planting())
            await board.join()
            stack.push_async_callback(board.leave)
            stack.push_async_callback(store.close)
            opened.append(store)
            return store

        yield open_store


@pytest.fixture
async def store(store_for: StoreFor) -> PostgresStore:
    """The store of the only process."""
    return await store_for()


@contextmanager
def a_full_disk(board: PostgresBoard) -> Iterator[None]:
    """Keep a host from taking anything over that is set elsewhere."""
    with pytest.MonkeyPatch.context() as full:
        full.setattr(board, "_store", lambda _state: Path("/nowhere/to/be/found").stat())
        yield


async def logged(caplog: pytest.LogCaptureFixture, number: int) -> list[str]:
    """Return what boards have told the log, as soon as it is that many lines."""
    async with asyncio.timeout(30):
        while True:
            lines = [line for name, _, line in caplog.record_tuples if name == "tms_standin.board"]
            if len(lines) >= number:
                return lines
            await asyncio.sleep(0.02)

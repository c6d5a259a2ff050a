"""Tests of app/postgres/connections.py: how connections are lent, and how one that is gone is told."""

import asyncio
import errno
import os
import socket

import pytest

from app.errors import DatabaseGone, StartRefused
from app.postgres.connections import Connections, driver_url, shown

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")

EXPECTED = "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE."


@pytest.fixture
async def connections(url):
    """Return two connections to a database."""
    connections = Connections(url, 2)
    yield connections
    await connections.close()


async def test_whoever_comes_when_all_are_lent_waits(connections):
    """Nobody is refused, however many there are and however long it takes (contract D9)."""

    async def question(number):
        async with connections.lend() as driver:
            await driver.execute("SELECT pg_sleep(0.01)")
            return await driver.fetchval("SELECT $1::int", number)

    assert await asyncio.gather(*(question(number) for number in range(50))) == list(range(50))


async def test_one_that_the_server_has_ended_is_not_lent(connections, postgres):
    """The next borrower gets a new one, and notices nothing."""
    async with connections.lend() as driver:
        pid = driver.get_server_pid()
    postgres.run(f"SELECT pg_terminate_backend({pid})")
    async with asyncio.timeout(30):
        while not driver.is_closed():  # noqa: ASYNC110 - the event is the database's
            await asyncio.sleep(0.01)
    async with connections.lend() as driver:
        assert driver.get_server_pid() != pid


async def test_one_that_ends_while_it_is_lent(connections, postgres):
    """Its borrower is told that the database is gone; the others go on."""
    with pytest.raises(DatabaseGone):
        async with connections.lend() as driver:
            postgres.run(f"SELECT pg_terminate_backend({driver.get_server_pid()})")
            await driver.fetchval("SELECT 1")
    async with connections.lend() as driver:
        assert await driver.fetchval("SELECT 1") == 1


async def test_a_borrower_who_is_cancelled(connections):
    """What it had begun is not handed to the next one."""

    async def sleep():
        async with connections.lend() as driver:
            await driver.execute("BEGIN; SELECT pg_sleep(10)")

    task = asyncio.create_task(sleep())
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with connections.lend() as one, connections.lend() as other:
        assert (one.is_in_transaction(), other.is_in_transaction()) == (False, False)


async def test_a_borrower_who_is_cancelled_over_a_connection_that_has_ended(connections, postgres):
    """It ends as whoever has cancelled it expects, and not with an error that it may go on after."""
    lent = asyncio.get_running_loop().create_future()

    async def wait():
        async with connections.lend() as driver:
            lent.set_result(driver)
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    driver = await lent
    postgres.run(f"SELECT pg_terminate_backend({driver.get_server_pid()})")
    async with asyncio.timeout(30):
        while not driver.is_closed():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_that_is_lent_once(connections):
    """Nobody gets it afterwards, whatever it listens to or holds."""
    async with connections.lend(once=True) as driver:
        pid = driver.get_server_pid()
    async with connections.lend() as one, connections.lend() as other:
        assert pid not in (one.get_server_pid(), other.get_server_pid())


async def test_a_file_that_its_borrower_cannot_write(connections):
    """A full disk here is no matter of the database, and leaves the connection as it is."""
    with pytest.raises(OSError, match="No space left on device"):
        async with connections.lend() as driver:
            pid = driver.get_server_pid()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    async with connections.lend() as driver:
        assert driver.get_server_pid() == pid


async def test_a_borrower_who_fails_and_leaves_a_transaction(url):
    """It is not handed to the next one, whose commit would keep what was not finished."""
    connections = Connections(url, 1)
    with pytest.raises(ZeroDivisionError):
        async with connections.lend() as driver:
            await driver.execute("BEGIN; DELETE FROM hosts")
            raise ZeroDivisionError
    async with connections.lend() as driver:
        assert not driver.is_in_transaction()
    await connections.close()


async def test_a_server_that_is_not_there():
    """Everybody is told at once."""
    connections = Connections("postgresql://standin@127.0.0.1:1/tms", 1)
    for _ in range(3):
        with pytest.raises(DatabaseGone):
            async with connections.lend():
                pass
    await connections.close()


async def test_a_server_that_takes_connections_and_says_nothing(monkeypatch):
    """Whoever waits while others try in vain is told as well, rather than never."""
    monkeypatch.setattr("app.postgres.connections.CONNECT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connections = Connections(f"postgresql://standin@127.0.0.1:{silent.getsockname()[1]}/tms", 1)

        async def borrow():
            async with connections.lend():
                pass

        async with asyncio.timeout(30):
            told = await asyncio.gather(*(borrow() for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in told] == [DatabaseGone] * 3
        await connections.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://db:pass1word/tms", f"this is no database's URL, {EXPECTED}"),
        ("postgresql://tms:pass1word@db", f"the URL names no database, {EXPECTED}"),
        ("postgresql://tms:p@ss1word@db/tms", "the URL has several @, expected those of a password written as %40."),
        (
            "postgresql://tms:pass1word@db/tms?sslmode=require&connect_timeout=10",
            "the URL has 'connect_timeout', expected none but host, passfile, port, ssl, sslmode, target_session_attrs.",
        ),
        ("postgresql://tms:pa@pass1word@db/tms", "the URL has several @, expected those of a password written as %40."),
    ],
)
def test_another_url_is_refused_without_its_password(url, sentence):
    """The sentence says what was expected and repeats nothing of the URL."""
    with pytest.raises(StartRefused) as refused:
        driver_url(url)
    assert str(refused.value) == f"standin.database: {sentence}"


def test_a_url_is_shown_without_its_password():
    """Nor with the words that the driver wants."""
    assert shown("postgres://tms:pass1word@db:5433/tms?sslmode=require") == "postgresql://tms:***@db:5433/tms"


def test_the_word_of_libpq_for_encryption_is_understood():
    """Its `sslmode` is the driver's `ssl`."""
    assert driver_url("postgresql://tms@db/tms?sslmode=require").query == {"ssl": "require"}

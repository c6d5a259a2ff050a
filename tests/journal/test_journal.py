"""Waiting for entries, and one journal for all processes on a database."""

import asyncio
import json
import threading
from contextlib import ExitStack

import httpx
import pytest

from app.journal.journal import Journal
from app.journal.ring import Wanted
from tests.journal.conftest import entries
from tests.journal.test_ring import row
from tests.raw import connected, request_of
from tests.servers import STANDARD, by_two_workers, by_uvicorn, running

VERSION = "/v1/tms/version"


async def test_waiting_ends_when_enough_match(standin):
    """The call is answered by the request that was missing, long before its time is over."""
    waiting = asyncio.create_task(entries(standin, operation="get_version", wait=2, timeout=60))
    for path in (VERSION, "/v1/tms/hello", VERSION):
        assert not waiting.done()
        await standin.http.get(path)
    assert [entry["path"] for entry in await waiting] == [VERSION, VERSION]


async def test_waiting_ends_with_its_time(standin):
    """What is there by then is shown."""
    await standin.http.get(VERSION)
    assert [entry["path"] for entry in await entries(standin, wait=2, timeout=0.05)] == [VERSION]
    assert await entries(standin, operation="hello", wait=1, timeout=0) == []


def test_a_server_stops_in_spite_of_those_who_wait(tmp_path):
    """Plain uvicorn waits for answers for ever; who waits gets what is there."""
    with ExitStack() as stack:
        with running(tmp_path, by_uvicorn, **STANDARD) as server:
            httpx.patch(f"{server.url}/_standin/settings", json={"journal": True})
            httpx.get(f"{server.url}{VERSION}")
            line = stack.enter_context(connected(server.port))
            line.send(request_of("GET", "/_standin/journal?wait=2&timeout=300"))
            assert httpx.get(f"{server.url}/_standin/health/live").status_code == 200
        answer = line.answer()
        assert (answer.status, [each["path"] for each in json.loads(answer.body)["entries"]]) == (200, [VERSION])


async def test_waiting_counts_more_than_it_shows(standin):
    """`limit` is what is shown of what was waited for."""
    for _ in range(3):
        await standin.http.get(VERSION)
    assert [entry["id"] for entry in await entries(standin, wait=3, limit=1)] == [3]


@pytest.mark.parametrize("name", [None, "requests"])
async def test_clearing(tmp_path, name):
    """Without an entry it makes no file, with entries it removes them."""
    journal = Journal(None if name is None else tmp_path / name)
    await journal.clear()
    assert list(tmp_path.iterdir()) == []
    journal._ring.add(row(1))
    assert len((await journal.entries(Wanted())).entries) == 1
    await journal.clear()
    assert (await journal.entries(Wanted())).entries == []
    assert len(journal.files) == (0 if name is None else 3)
    journal.close()


def test_two_processes_keep_one_journal(tmp_path):
    """What one answers the other shows at once; switching and emptying hold for both."""
    with running(tmp_path, **STANDARD) as one, running(tmp_path, database=one.database, **STANDARD) as other:
        assert httpx.patch(f"{one.url}/_standin/settings", json={"journal": True}).json()["journal"] is True
        for number in range(20):
            server, asked = (one, other) if number % 2 else (other, one)
            httpx.get(f"{server.url}{VERSION}?{number}=")
            shown = httpx.get(f"{asked.url}/_standin/journal").json()["entries"]
            assert [entry["path"] for entry in shown] == [f"{VERSION}?{seen}=" for seen in range(number + 1)]
        assert httpx.delete(f"{one.url}/_standin/journal").json() == {"entries": [], "dropped": 0}
        assert httpx.get(f"{other.url}/_standin/journal").json() == {"entries": [], "dropped": 0}
        httpx.patch(f"{other.url}/_standin/settings", json={"journal": False})
        httpx.get(f"{one.url}{VERSION}")
        assert httpx.get(f"{one.url}/_standin/journal").json() == {"entries": [], "dropped": 0}


def test_two_workers_at_once_lose_no_entry(tmp_path):
    """Requests that meet in different workers all get in, each of them once."""
    with running(tmp_path, by_two_workers, **STANDARD) as server:
        httpx.patch(f"{server.url}/_standin/settings", json={"journal": True})

        def ask(first: int) -> None:
            with httpx.Client(base_url=server.url) as client:
                for number in range(first, first + 50):
                    client.get(f"{VERSION}?{number}=")

        threads = [threading.Thread(target=ask, args=[first]) for first in range(0, 400, 50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told = httpx.get(f"{server.url}/_standin/journal", params={"limit": 1_000, "wait": 400}).json()
    assert sorted(int(entry["path"].partition("?")[2][:-1]) for entry in told["entries"]) == [*range(400)]
    assert told["dropped"] == 0

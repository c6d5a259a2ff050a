"""The short form of the command that measures under observation: that it runs, and that the ring stays bounded."""

import re

import httpx
import pytest

from app.journal.ring import MOST_ENTRIES, files_of
from tests.load import observed, wrk
from tests.load.scenarios import GETVERSION
from tests.load.server import database_of, start_server, stopping

pytestmark = [pytest.mark.timeout(180), pytest.mark.system("wrk", "wrk")]


def test_thousands_of_requests_with_a_journal_and_scrapes(tmp_path):
    """Nothing fails; the journal has its newest entries and no more on the disk than they need; the counters are right."""
    with stopping(start_server(tmp_path)) as server, observed.journalled(server), observed.scraped(server) as sizes:
        before = versions_told(server)
        result = wrk.run(server.url, wrk.Load([GETVERSION], 10, 60, MOST_ENTRIES + 5_000), tmp_path)
        told = httpx.get(f"{server.url}/_standin/journal", params={"limit": MOST_ENTRIES}, timeout=30).json()
        counted = versions_told(server) - before
        stored = sum(path.stat().st_size for path in files_of(database_of(tmp_path).with_name("tms.db-requests")))
    assert (result.answers, result.failures()) == ({"200": MOST_ENTRIES + 5_000}, [])
    assert len(told["entries"]) + told["dropped"] == MOST_ENTRIES + 5_000
    assert len(told["entries"]) <= MOST_ENTRIES
    assert counted == MOST_ENTRIES + 5_000
    assert stored < 24 * 1024 * 1024
    assert min(sizes) > 0


def versions_told(server):
    """Return how often the server has counted its version, which it was asked for at its start as well."""
    metrics = httpx.get(f"{server.url}/_standin/metrics").text
    return int(re.search(r'tms_standin_requests_total{operation="get_version",status="2xx"} (\d+)\.0', metrics)[1])


def test_the_command(tmp_path, monkeypatch):
    """Its parts, a moment of each."""
    monkeypatch.setattr(observed, "PIECES", 2)
    with stopping(start_server(tmp_path)) as server:
        assert observed.scrape_milliseconds(server, 2) >= 0
        assert all(cost > 0 for cost in observed.pairs(server, tmp_path, 0.3, 1, observed.journalled))
        seen = observed.memory(server, tmp_path, 0.6)
    assert [requests > 0 and mebibytes > 1 for requests, mebibytes in seen] == [True, True]

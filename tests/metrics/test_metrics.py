"""What is counted of a request, and what is read out of it."""

import asyncio
import io
import time
from concurrent.futures import Future
from types import SimpleNamespace

import httpx
import pytest

from app.chance import Chance
from app.keys import KeyMaker
from app.metrics.metrics import BOUNDS_SECONDS, Gauges, Metrics, OperationCounts, quantile
from app.modes import Modes
from app.request_log import RequestLog
from app.settings import Settings
from app.sqlite.database import MEMORY
from app.sqlite.store import SqliteStore
from app.steering.board import Board
from app.steering.operations import OperationNames
from app.tms import OPERATIONS
from tests.clocks import StillClock
from tests.servers import STANDARD, running

BUCKETS = len(BOUNDS_SECONDS) + 1
VERSION = b"/v1/tms/version"


def counting(path=None) -> tuple[RequestLog, Metrics]:
    """Return a log without a thread, and what counts its requests."""
    log = RequestLog(StillClock(), "text", io.StringIO())
    metrics = Metrics(log, OperationNames(OPERATIONS), path)
    metrics.open()
    return log, metrics


def one_in(bucket: int) -> tuple[int, ...]:
    """Return buckets with one request."""
    return tuple(int(number == bucket) for number in range(BUCKETS))


@pytest.mark.parametrize(
    ("microseconds", "bucket"), [(0, 0), (100, 0), (101, 1), (150, 1), (1_000, 5), (10_000_000, 23), (10_000_001, 24)]
)
def test_durations(microseconds, bucket):
    """A bound belongs to the bucket that it ends; behind the last there is one more."""
    metrics = counting()[1]
    metrics.count([("GET", VERSION, 200, microseconds)])
    assert metrics.snapshot() == {
        "get_version": OperationCounts((0, 0, 1, 0, 0, 0), one_in(bucket), microseconds / 1e6)
    }


@pytest.mark.parametrize(
    ("status", "statuses", "errors"),
    [
        (0, (1, 0, 0, 0, 0, 0), 1),
        (101, (0, 1, 0, 0, 0, 0), 0),
        (201, (0, 0, 1, 0, 0, 0), 0),
        (303, (0, 0, 0, 1, 0, 0), 0),
        (404, (0, 0, 0, 0, 1, 0), 1),
        (503, (0, 0, 0, 0, 0, 1), 1),
        (999, (0, 0, 0, 0, 0, 1), 1),
    ],
)
def test_statuses(status, statuses, errors):
    """By their class; dropped connections have none and are errors."""
    metrics = counting()[1]
    metrics.count([("GET", VERSION, status, 1)])
    [counts] = metrics.snapshot().values()
    assert (counts.statuses, counts.requests, counts.errors) == (statuses, 1, errors)


def test_names():
    """One label for an operation whatever stands in its path, one for all that is none, none for the control plane."""
    metrics = counting()[1]
    for method, path in (
        *(("GET", b"/v1/tms/client/a"), ("GET", b"/v1/tms/client/b"), ("HEAD", b"/v1/tms/client/a")),
        *(("POST", b"/issuers/x/oauth2/token"), ("PUT", b"/a"), ("BREW", b"/b")),
        *(("GET", b"/_standin"), ("GET", b"/_standin/metrics"), ("GET", b"/_standing")),
    ):
        metrics.count([(method, path, 200, 1)])
    told = {label: counts.requests for label, counts in metrics.snapshot().items()}
    assert told == {"get_client": 3, "POST /oauth2/token": 1, "(other)": 3}


def test_thousands_of_paths_take_no_memory():
    """Callers choose what stands in paths; only so many are remembered, and all are counted."""
    metrics = counting()[1]
    metrics.count([("GET", b"/v1/tms/client/%d" % number, 200, 1) for number in range(5_000)])
    assert metrics.snapshot()["get_client"].requests == 5_000
    assert len(metrics._found) <= 2_000


def test_the_log_hands_requests_over():
    """What the log has noted is counted when somebody asks, once."""
    log, metrics = counting()
    log.request("GET", VERSION, 200, 99.999)
    for _ in range(2):
        assert metrics.snapshot()["get_version"] == OperationCounts((0, 0, 1, 0, 0, 0), one_in(5), 0.001)


def test_the_logs_thread_hands_them_over_too():
    """Nobody has to ask."""
    log, metrics = counting()
    with log.writing():
        log.request("GET", VERSION, 200, 100.0)
    assert sum(metrics._slots.words) == 2


def test_a_log_that_nobody_reads(monkeypatch):
    """Its thread waits for a reader; the requests are counted all the same, and none is kept."""
    monkeypatch.setattr("app.request_log._ROOM", 3)
    log, metrics = counting()
    for _ in range(10):
        log.request("GET", VERSION, 200, 100.0)
    assert len(log._answered) == 0
    assert metrics.snapshot()["get_version"].requests == 10


def test_processes_add_up(tmp_path):
    """Each counts in its own file, and both tell the sum; that of one that ended stays in it."""
    (_, one), (_, other) = counting(tmp_path / "m"), counting(tmp_path / "m")
    one.count([("GET", VERSION, 200, 1)])
    other.count([("GET", VERSION, 404, 1)] * 2)
    assert one.snapshot() == other.snapshot()
    assert one.snapshot()["get_version"].statuses == (0, 0, 1, 0, 2, 0)
    assert one.gauges().processes == 2
    other.close()
    assert (one.snapshot()["get_version"].requests, one.gauges().processes) == (3, 1)
    assert [path.name for path in one.files] == ["m-0", "m-1"]
    one.close()


async def nothing(_transaction) -> None:
    """Write nothing, in a transaction."""


async def test_the_state_of_a_process():
    """Its commits by size, each once however often it is looked at, and what waits or is ready."""
    store = SqliteStore(MEMORY, Modes.of(Settings()), Board(None))
    await store.open(lambda _connection: None)
    parts, metrics = SimpleNamespace(store=store, keys=KeyMaker(Chance(None))), counting()[1]
    await store.write(nothing)
    await asyncio.gather(*[store.write(nothing) for _ in range(300)])
    await asyncio.gather(*[store.write(nothing) for _ in range(4)])
    waiting = asyncio.gather(*[store.write(nothing) for _ in range(2)])
    await asyncio.sleep(0)
    for _ in range(2):
        metrics.sample(parts)
        assert metrics.gauges() == Gauges(1, 2, 0, (1, 0, 1, 0, 0, 0, 0, 0, 1), 305)
    await waiting
    metrics.sample(parts)
    assert metrics.gauges() == Gauges(1, 0, 0, (1, 1, 1, 0, 0, 0, 0, 0, 1), 307)
    await parts.keys.close()
    await store.close()


async def test_ready_keys_are_those_that_nobody_has():
    """Keys under way are none yet, and one that was taken is none any more."""
    keys = KeyMaker(Chance(None))
    ordered = [Future(), Future(), Future()]
    keys._rsa._ordered.extend(ordered)
    assert keys.rsa_ready == 0
    ordered[0].set_result(None)
    assert keys.rsa_ready == 1
    keys._rsa._ordered.clear()
    await keys.close()


@pytest.mark.parametrize(
    ("buckets", "share", "expected"),
    [
        ((), 0.5, None),
        ((0,) * BUCKETS, 0.5, None),
        ((4, *(0,) * (BUCKETS - 1)), 0.5, 0.00005),
        ((4, *(0,) * (BUCKETS - 1)), 1.0, 0.0001),
        ((2, 2, *(0,) * (BUCKETS - 2)), 0.75, 0.000125),
        ((1, 0, 1, *(0,) * (BUCKETS - 3)), 0.99, 0.000248),
        ((*(0,) * (BUCKETS - 1), 3), 0.5, 10.0),
    ],
)
def test_quantiles(buckets, share, expected):
    """On a straight line within a bucket; never beyond the last bound."""
    found = quantile(buckets, share)
    assert found == (expected if expected is None else pytest.approx(expected))


def test_two_servers_on_one_database(tmp_path):
    """Either tells the sum of both; one that ends takes nothing away."""
    with running(tmp_path, **STANDARD) as one:
        told = f"{one.url}/_standin/metrics"
        with running(tmp_path, database=one.database, **STANDARD) as other:
            for server in (one, other, other):
                httpx.get(f"{server.url}/v1/tms/client/testclient1")
            give_up = time.monotonic() + 20  # A process counts what it has logged a moment later.
            while 'tms_standin_errors_total{operation="get_client"} 3.0' not in (text := httpx.get(told).text):
                assert time.monotonic() < give_up, text
            assert "tms_standin_processes 2.0" in httpx.get(told).text
        assert 'tms_standin_errors_total{operation="get_client"} 3.0' in httpx.get(told).text
        assert "tms_standin_processes 1.0" in httpx.get(told).text

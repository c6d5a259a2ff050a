"""`python -m tests.load.observed`: what scrapes and the journal cost a server under load, and that its memory stays flat.

Runs with and without take turns, since this machine's speed drifts; each figure is a median of their CPU seconds.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx

from tests.load import wrk
from tests.load.report import aligned
from tests.load.scenarios import GETCLIENT, GETKEY, GETVERSION, LOAD_SUITE
from tests.load.server import Server, start_server, stopping

CONNECTIONS = 50
SCRAPE_SECONDS = 1.0
PIECES = 20  # of a long run, with a look at the memory behind each
READS = (GETVERSION, GETCLIENT, GETKEY)


@contextmanager
def scraped(server: Server) -> Iterator[list[int]]:
    """Scrape a server every second, beginning now; gives the sizes of what it has told."""
    sizes: list[int] = []
    over = threading.Event()

    def scrape() -> None:
        with httpx.Client(timeout=30) as client:
            while not over.is_set():
                sizes.append(len(client.get(f"{server.url}/_standin/metrics").raise_for_status().content))
                over.wait(SCRAPE_SECONDS)

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield sizes
    finally:
        over.set()
        thread.join()


@contextmanager
def journalled(server: Server) -> Iterator[None]:
    """Have the journal kept."""
    switch(server, True)
    try:
        yield
    finally:
        switch(server, False)


def switch(server: Server, on: bool) -> None:
    """Switch a server's journal."""
    httpx.patch(f"{server.url}/_standin/settings", json={"journal": on}).raise_for_status()


def cost(server: Server, directory: Path, seconds: float) -> float:
    """Return the CPU microseconds that a request costs under load."""
    before = server.cpu_seconds()
    result = wrk.run(server.url, wrk.Load(READS, CONNECTIONS, seconds), directory)
    assert result.failures() == []
    return (server.cpu_seconds() - before) / result.requests * 1e6


def pairs(
    server: Server,
    directory: Path,
    seconds: float,
    count: int,
    under: Callable[[Server], AbstractContextManager[object]],
) -> tuple[float, float]:
    """Return the median cost of a request without and with something else going on."""
    without, beside = [], []
    for _ in range(count):
        without.append(cost(server, directory, seconds))
        with under(server):
            beside.append(cost(server, directory, seconds))
    return statistics.median(without), statistics.median(beside)


def scrape_milliseconds(server: Server, count: int = 50) -> float:
    """Return the CPU milliseconds that a scrape costs a server that has nothing else to do."""
    with httpx.Client(timeout=30) as client:
        client.get(f"{server.url}/_standin/metrics").raise_for_status()
        before = server.cpu_seconds()
        for _ in range(count):
            client.get(f"{server.url}/_standin/metrics").raise_for_status()
    return (server.cpu_seconds() - before) / count * 1_000


def memory(server: Server, directory: Path, seconds: float) -> list[tuple[int, float]]:
    """Return requests so far and MiB of the server, PIECES times during a long load with the journal on."""
    seen, requests = [], 0
    with journalled(server):
        for _ in range(PIECES):
            result = wrk.run(server.url, wrk.Load(LOAD_SUITE, CONNECTIONS, seconds / PIECES), directory)
            assert result.failures() == []
            requests += result.requests
            seen.append((requests, server.memory()))
            print(f"{requests:>12,} requests {server.memory():8.1f} MiB", file=sys.stderr, flush=True)
    return seen


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=8, help="runs with and without")
    parser.add_argument("--run", type=float, default=3, help="seconds of each")
    parser.add_argument("--seconds", type=float, default=600, help="seconds of the long load")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tms-observed-") as name:
        directory, begun = Path(name), time.monotonic()
        with stopping(start_server(directory)) as server:
            cost(server, directory, 1)
            alone = scrape_milliseconds(server)
            plain, with_scrapes = pairs(server, directory, arguments.run, arguments.pairs, scraped)
            bare, with_journal = pairs(server, directory, arguments.run, arguments.pairs, journalled)
            seen = memory(server, directory, arguments.seconds)
    print(
        aligned(
            [
                ("a scrape, ms of CPU", f"{alone:.1f}, one a second is {alone / 1_000:.2%} of a core"),
                ("a request, us of CPU", f"{plain:.1f}"),
                ("the same, a scrape a second", f"{with_scrapes:.1f} ({with_scrapes / plain - 1:+.1%})"),
                ("the same, the journal on", f"{with_journal:.1f} (without {bare:.1f})"),
                ("memory, first and last tenth", f"{seen[1][1]:.1f} and {seen[-1][1]:.1f} MiB"),
                ("requests of the long load", f"{seen[-1][0]:,} in {arguments.seconds:g} s"),
                ("all in all", f"{time.monotonic() - begun:.0f} s"),
            ]
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

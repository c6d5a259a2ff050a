"""`python -m tests.load.resets`: what a reset, a snapshot and a restore take, and what the control plane costs when it is off.

Resets and snapshots are asked for over HTTP on a file database; the branch is measured in this process.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import httpx

from app.main import create_app
from app.settings import Settings
from tests.load.report import aligned
from tests.load.rows import count_keys
from tests.load.scenarios import CREATEKEY, GETVERSION
from tests.load.server import Server, start_server, stopping
from tests.load.wrk import Load, run

KEYS, RESETS = 100_000, 1_000
CONNECTIONS = 50
FILL_SECONDS = 5.0
BRANCH_ROUNDS, BRANCH_REPEATS = 15, 2_000


def timed(client: httpx.Client, method: str, path: str) -> float:
    """Send a call of the control plane and return the seconds until its answer. Raises httpx.HTTPStatusError."""
    begun = time.perf_counter()
    client.request(method, f"/_standin/{path}").raise_for_status()
    return time.perf_counter() - begun


def fill(server: Server, directory: Path, keys: int) -> int:
    """Make at least so many keys and return how many there are."""
    database = directory / "tms.db"
    while (there := count_keys(database)) < keys:
        limit = keys - there
        result = run(server.url, Load((CREATEKEY,), CONNECTIONS, FILL_SECONDS, limit=limit), directory)
        assert result.failures() == []
    return there


def states(directory: Path, keys: int, resets: int) -> list[list[str]]:
    """Return a row for each thing that replaces all rows."""
    with stopping(start_server(directory)) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        timed(client, "POST", "reset")
        took = sorted(timed(client, "POST", "reset") for _ in range(resets))
        there = fill(server, directory, keys)
        saved, restored = timed(client, "PUT", "snapshots/full"), []
        full_reset = timed(client, "POST", "reset")
        for _ in range(3):
            restored.append(timed(client, "POST", "snapshots/full/restore"))
            assert count_keys(directory / "tms.db") == there
    return [
        [f"reset, {resets} times", f"{sum(took):.2f} s in all", f"median {statistics.median(took) * 1000:.1f} ms"],
        [f"reset, {there} keys", f"{full_reset * 1000:.1f} ms", ""],
        [f"save {there} keys", f"{saved:.2f} s", ""],
        [f"restore {there} keys", f"{min(restored):.2f} s", f"slowest {max(restored):.2f} s"],
    ]


async def branch() -> list[str]:
    """Return what the way past an empty control plane adds to a request, in nanoseconds and as a share of a getversion."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        app = create_app(Settings(database="sqlite://"))
        async with app.router.lifespan_context(app):
            whole = await _seconds(lambda: app(_SCOPE, _receive, _send))
            app.edge = _send
            way = await _seconds(lambda: app(_SCOPE, _receive, _send))
            bare = await _seconds(lambda: _send(_SCOPE, _receive, _send))
    share = (way - bare) / whole
    return [
        "control plane, nothing set",
        f"{(way - bare) * 1e9:.0f} ns",
        f"{share:.1%} of a getversion without its socket",
    ]


_SCOPE = {"type": "http", "method": "GET", "raw_path": GETVERSION.path.encode(), "query_string": b"", "headers": []}


async def _receive() -> dict[str, object]:
    return {"type": "http.request", "body": b""}


async def _send(*_message: object) -> None:
    """Take an answer, or a request."""


async def _seconds(request: Callable[[], Awaitable[None]]) -> float:
    """Return the CPU seconds of one request, the least of several rounds."""
    rounds = []
    for _ in range(BRANCH_ROUNDS):
        begun = time.process_time()
        for _ in range(BRANCH_REPEATS):
            await request()
        rounds.append((time.process_time() - begun) / BRANCH_REPEATS)
    return min(rounds)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=KEYS)
    parser.add_argument("--resets", type=int, default=RESETS)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rows = states(Path(folder), asked.keys, asked.resets)
    rows.append(asyncio.run(branch()))
    print(aligned([["what", "took", ""], *rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

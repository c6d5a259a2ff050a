"""Device flows that nobody polls any more: do they slow polls down, and do they go once they have expired?

Time passes in the database of the stopped server, so that nobody waits for it; the next start sweeps at once.
"""

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.load import wrk
from tests.load.measuring import OAUTH, prepared, with_ratios
from tests.load.report import GOAL_CONNECTIONS, Abandoned
from tests.load.scenarios import POLL, YARDSTICK
from tests.load.server import start_server, stopping

SWEEP_SECONDS = 300.0
LONG_AGO = "2000-01-01T00:00:00.000000+00:00"


def _count(database: Path, query: str, row: int) -> int:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        count: int = connection.execute(query, (row,)).fetchone()[0]
        return count


def last_flow(database: Path) -> int:
    """Return the number of the row that was stored last, 0 when there is none."""
    return _count(database, "SELECT coalesce(max(rowid), ?) FROM device_flows", 0)


def flows_after(database: Path, row: int) -> int:
    """Return how many flows were stored after a row."""
    return _count(database, "SELECT count(*) FROM device_flows WHERE rowid > ?", row)


def expire_after(database: Path, row: int) -> None:
    """Let the flows that were stored after a row have expired long ago. The server must not run."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE device_flows SET expires_at = ? WHERE rowid > ?", (LONG_AGO, row))


def abandoned(seconds: float, polled: int, flows: int, most: int = wrk.UNLIMITED) -> Abandoned:
    """Measure polls of `polled` flows without and with `flows` others, and count what a sweep leaves of the others.

    A run has `seconds` and `most` requests.
    """
    with prepared(seconds, most) as bench:
        bench.begin_flows(polled, polled=True)
        bench.server.settle()
        last = last_flow(bench.database)
        alone = bench.at(GOAL_CONNECTIONS, [POLL])[1]
        bench.begin_flows(flows, polled=False)
        made = flows_after(bench.database, last)
        among = bench.at(GOAL_CONNECTIONS, [POLL])[1]
        bench.server.stop()
        expire_after(bench.database, last)
        with stopping(start_server(bench.directory, **OAUTH)) as bench.server:
            _, swept = with_ratios([bench.measure(one, GOAL_CONNECTIONS) for one in (YARDSTICK, POLL, YARDSTICK)])
            left, seconds = _wait(bench.database, last)
        stayed = flows_after(bench.database, 0) - left
        lost = [] if stayed == polled else [f"{polled - stayed} flows are gone that had not expired"]
        return Abandoned(made, alone.ratio, among.ratio, swept.ratio, left, seconds, [*bench.failures, *lost])


def _wait(database: Path, row: int) -> tuple[int, float]:
    """Return how many of the flows after a row the sweep has left, and after how many seconds."""
    print("sweep", end=": ", file=sys.stderr, flush=True)
    begun = time.perf_counter()
    while (left := flows_after(database, row)) and time.perf_counter() - begun < SWEEP_SECONDS:
        time.sleep(0.1)
    print(f"{left} flows left", file=sys.stderr)
    return left, time.perf_counter() - begun

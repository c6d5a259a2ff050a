"""`python -m tests.load.bench`: measures the server against the yardstick in one run and stores what it found.

A missed goal is printed as missed; only a wrong answer, a socket error, or a lost key or flow makes it fail.
"""

import argparse
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
import uvicorn

from tests.load import report, rows
from tests.load.abandoned import abandoned
from tests.load.measuring import FLOWS, Bench, prepared
from tests.load.report import Report
from tests.load.server import ROOT, start_server, stopping

RESULTS = ROOT / "tests" / "load" / "results"
CHART = ROOT / "docs" / "bench.svg"
KEYS = 100_000
ABANDONED, ABANDONED_SHORT = 100_000, 5_000
STARTS = 5
LOG_PAIRS = 15
UNLOGGED = "tests.load.unlogged"


def environment(seconds: float, directory: Path) -> dict[str, str]:
    """Return on what the figures were made, in words."""
    partitions = sorted(psutil.disk_partitions(all=True), key=lambda one: len(one.mountpoint))
    under = [one for one in partitions if directory.resolve().is_relative_to(one.mountpoint)]
    version = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout.split()
    return {
        "Python": platform.python_version(),
        "uvicorn": uvicorn.__version__,
        "SQLite": sqlite3.sqlite_version,
        "wrk": version[1] if len(version) > 1 else "unknown",
        "cores": str(os.cpu_count()),
        "load average before": f"{os.getloadavg()[0]:.1f}",
        "database on": under[-1].fstype if under else "unknown",
        "seconds per run": f"{seconds:g}",
    }


def start_times(directory: Path) -> list[float]:
    """Return the seconds from process start to the first 200 of several starts on an existing database."""
    times = []
    for _ in range(STARTS):
        with stopping(start_server(directory)) as server:
            times.append(server.ready_seconds)
    return times


def log_rates(bench: Bench) -> tuple[float, float, float]:
    """Return getversion's rate with the request log (to a file), without, and the share of CPU that the log takes.

    The two take turns in short runs, since this machine's speed drifts; each figure is a median, the share that of
    the pairs' shares. The CPU of the log's own thread counts.
    """
    with ExitStack() as stack:
        servers = [stack.enter_context(stopping(start_server(bench.directory, name))) for name in ("app", UNLOGGED)]
        for server in servers:
            server.settle()
        pairs = [[bench.rate_and_cost(server) for server in servers] for _ in range(LOG_PAIRS)]
    shares = [1 - silent / loud for (_, loud), (_, silent) in pairs if loud]
    medians = [statistics.median(rate for rate, _ in side) for side in zip(*pairs, strict=True)]
    return medians[0], medians[1], statistics.median(shares or [0.0])


def run(seconds: float, connections: Sequence[int], *, short: bool) -> Report:
    """Measure everything and return the report; `short` leaves out the 100,000 keys and most abandoned flows."""
    with prepared(seconds) as bench:
        machine = environment(seconds, bench.directory)
        bench.server.settle()
        idle = bench.server.memory()
        bench.begin_flows(FLOWS, polled=True)
        bench.warm_up()
        measured = [row for count in connections for row in bench.at(count)]
        if not short:
            bench.fill(KEYS)
        filled = None if short else bench.server.memory()
        keys = rows.count_keys(bench.database)
        bench.server.stop()
        starts = start_times(bench.directory)
        return Report(
            machine,
            measured,
            idle,
            keys,
            filled,
            starts,
            statistics.median(starts),
            *log_rates(bench),
            abandoned(seconds, FLOWS, ABANDONED_SHORT if short else ABANDONED),
            bench.failures,
        )


def store(found: Report) -> None:
    """Write the report as JSON, as Markdown and as a chart."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "bench.json").write_text(report.as_json(found), "utf-8")
    (RESULTS / "bench.md").write_text(report.markdown(found), "utf-8")
    CHART.parent.mkdir(parents=True, exist_ok=True)
    CHART.write_text(report.chart(found), "utf-8")


def main() -> int:
    """Run the bench, print and store its report; return 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2, help="seconds of each run")
    parser.add_argument("--connections", default="1,10,50,100", help="numbers of connections, with commas")
    parser.add_argument("--short", action="store_true", help=f"leave out {KEYS:,} keys, most abandoned flows")
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.connections.split(",")]
    found = run(arguments.seconds, counts, short=arguments.short)
    store(found)
    print(report.plain(found))
    return 1 if found.failures or found.abandoned.failures else 0


if __name__ == "__main__":
    sys.exit(main())

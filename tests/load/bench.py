"""`python -m tests.load.bench`: measures the server against the yardstick in one run and stores what it found.

A missed goal is printed as missed; only a refused request, a socket error or a lost key makes it fail.
"""

import argparse
import os
import platform
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import uvicorn

from tests.load import report, rows, wrk
from tests.load.report import GOAL_CONNECTIONS, Report, Row
from tests.load.scenarios import CREATEKEY, GETVERSION, LOAD_SUITE, YARDSTICK, Scenario
from tests.load.server import ROOT, Server, database_of, start_server, start_yardstick, stopping

RESULTS = ROOT / "tests" / "load" / "results"
CHART = ROOT / "docs" / "bench.svg"
KEYS = 100_000
STARTS = 5
ROUNDS = 3
LOG_PAIRS = 15
LOG_SECONDS = 1.0
FILL_SECONDS = 120.0
UNLOGGED = "tests.load.unlogged"


class Bench:
    """The server and the yardstick side by side, and the failures that were seen so far."""

    def __init__(self, server: Server, yardstick: Server, directory: Path, seconds: float) -> None:
        """Take both, ready; the server's database lies in `directory`. `seconds` is the length of one run."""
        self.server, self.yardstick = server, yardstick
        self.directory, self.seconds = directory, seconds
        self.database = database_of(directory)
        self.failures: list[str] = []

    def _drive(self, server: Server, load: wrk.Load) -> wrk.Result:
        what = f"{'+'.join(one.name for one in load.scenarios)} at {load.connections} connections"
        print(what, end=": ", file=sys.stderr, flush=True)
        before = rows.last_key(self.database)
        result = wrk.run(server.url, load, self.directory)
        print(f"{result.rate:,.0f} /s", file=sys.stderr)
        self.failures += [f"{what}: {failure}" for failure in result.failures()]
        if load.fingerprints:
            lost = rows.difference(rows.answered(load.fingerprints), rows.fingerprints_after(self.database, before))
            self.failures += [f"{what}: {difference}" for difference in lost]
        return result

    def _load(self, scenario: Scenario, connections: int, seconds: float, limit: int | None = None) -> wrk.Load:
        file = self.directory / "fingerprints" if scenario is CREATEKEY else None
        return wrk.Load([scenario], connections, seconds, limit or wrk.UNLIMITED, file)

    def warm_up(self) -> None:
        """Let both processes finish their start, then send each request for a moment."""
        for server, scenarios in ((self.yardstick, [YARDSTICK]), (self.server, LOAD_SUITE)):
            server.settle()
            for scenario in scenarios:
                self._drive(server, self._load(scenario, 10, 0.5))

    def _measure(self, scenario: Scenario, connections: int) -> Row:
        server = self.yardstick if scenario is YARDSTICK else self.server
        server_before, all_before, wrk_before = server.cpu_seconds(), _busy_seconds(), _wrk_seconds()
        result = self._drive(server, self._load(scenario, connections, self.seconds))
        spent = server.cpu_seconds() - server_before
        others = _busy_seconds() - all_before - (_wrk_seconds() - wrk_before) - spent
        costs = (spent / max(result.requests, 1) * 1000, 0.0, max(_share(others, result.duration), 0.0))
        figures = (result.rate, 0.0, result.p50, result.p99, result.max, *costs, server.memory())
        return Row(scenario.name, connections, result.requests, *figures)

    def at(self, connections: int) -> list[Row]:
        """Return the rows of one number of connections; the yardstick is measured before and after each request.

        Of several rounds each request's row with the median ratio counts, since this machine has slow moments.
        """
        order = [YARDSTICK, *[scenario for request in LOAD_SUITE for scenario in (request, YARDSTICK)]]
        rounds = [with_ratios([self._measure(scenario, connections) for scenario in order]) for _ in range(ROUNDS)]
        return [sorted(rows, key=lambda row: row.ratio)[ROUNDS // 2] for rows in zip(*rounds, strict=True)]

    def fill(self, keys: int) -> None:
        """Create keys until there are `keys` of them, at most FILL_SECONDS long."""
        missing = keys - rows.count_keys(self.database)
        if missing > 0:
            self._drive(self.server, self._load(CREATEKEY, GOAL_CONNECTIONS, FILL_SECONDS, missing))

    def rate_and_cost(self, server: Server) -> tuple[float, float]:
        """Return getversion's requests a second on `server`, and the CPU seconds that each cost."""
        before = server.cpu_seconds()
        result = self._drive(server, self._load(GETVERSION, GOAL_CONNECTIONS, LOG_SECONDS))
        return result.rate, (server.cpu_seconds() - before) / max(result.requests, 1)


def with_ratios(measured: Sequence[Row]) -> list[Row]:
    """Return the rows with their ratio to the yardstick's runs just before and after; those runs become one row."""
    yardsticks = list(measured[::2])
    both = replace(
        yardsticks[0],
        requests=sum(row.requests for row in yardsticks),
        rate=statistics.mean(row.rate for row in yardsticks),
        ratio=1.0,
        p50=statistics.mean(row.p50 for row in yardsticks),
        p99=statistics.mean(row.p99 for row in yardsticks),
        max=max(row.max for row in yardsticks),
        cpu=statistics.mean(row.cpu for row in yardsticks),
        cpu_ratio=1.0,
        others=max(row.others for row in yardsticks),
    )
    others = [
        replace(
            row,
            ratio=_share(row.rate, (before.rate + after.rate) / 2),
            cpu_ratio=_share((before.cpu + after.cpu) / 2, row.cpu),
        )
        for before, row, after in zip(measured[::2], measured[1::2], measured[2::2], strict=False)
    ]
    return [both, *others]


def _busy_seconds() -> float:
    """Return the CPU seconds that this machine's cores have spent on anything."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait - times.guest - times.guest_nice


def _wrk_seconds() -> float:
    """Return the CPU seconds of the finished children of this process, of which only wrk runs during a measurement."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


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


@contextmanager
def prepared(seconds: float) -> Iterator[Bench]:
    """Give a bench with both processes started on a fresh database; the directory goes away at the end."""
    with tempfile.TemporaryDirectory(prefix="tms-bench-") as name, ExitStack() as stack:
        directory = Path(name)
        yardstick = stack.enter_context(stopping(start_yardstick(directory)))
        server = stack.enter_context(stopping(start_server(directory)))
        yield Bench(server, yardstick, directory, seconds)


def run(seconds: float, connections: Sequence[int], *, short: bool) -> Report:
    """Measure everything and return the report; `short` leaves out the 100,000 keys."""
    with prepared(seconds) as bench:
        machine = environment(seconds, bench.directory)
        bench.server.settle()
        idle = bench.server.memory()
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
    """Run the bench, print and store its report; return 1 when a request failed or a key was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2, help="seconds of each run")
    parser.add_argument("--connections", default="1,10,50,100", help="numbers of connections, with commas")
    parser.add_argument("--short", action="store_true", help=f"leave out the memory after {KEYS:,} keys")
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.connections.split(",")]
    found = run(arguments.seconds, counts, short=arguments.short)
    store(found)
    print(report.plain(found))
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())

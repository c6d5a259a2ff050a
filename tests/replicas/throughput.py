"""Measures how throughput grows with processes, each figure beside one process on SQLite, and who has used the cores."""

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.load import wrk
from tests.load.rows import answered
from tests.load.scenarios import DEVICE_FLOW, DEVICEAUTH, LOAD_SUITE, POLL, Scenario
from tests.postgresql import Postgres
from tests.replicas.cluster import Cluster, running_cluster
from tests.servers import STANDARD, Server, running

CONNECTIONS = 50
SUITE = (*LOAD_SUITE, *DEVICE_FLOW)
PROCESSES = (1, 2, 4)
SETTINGS = {**STANDARD, "oauth__interval": 1, "oauth__device_code_ttl": 86_400}


@dataclass(frozen=True)
class Target:
    """Where load goes: one address or several that share it, and the processes that work for it, by their name."""

    name: str
    urls: list[str]
    pids: dict[str, list[int]]


@dataclass(frozen=True)
class Row:
    """One run: its rate and its ratio to SQLite's in the run just before, p99 in ms, cores used by each kind."""

    target: str
    request: str
    rate: float
    ratio: float
    p99: float
    cores: dict[str, float]


@dataclass
class Measurement:
    """Drives targets by wrk for so many seconds each; what went wrong is kept."""

    folder: Path
    seconds: float
    failures: list[str] = field(default_factory=list)
    codes: dict[str, list[str]] = field(default_factory=dict)

    def rows(self, target: Target, beside: Target, suite: Sequence[Scenario] = SUITE) -> Iterator[Row]:
        """Measure each request on both in turns."""
        for scenario in suite:
            base, _, _ = self.run(beside, scenario)
            rate, p99, cores = self.run(target, scenario)
            yield Row(target.name, scenario.name, rate, rate / base if base else 0.0, p99, cores)

    def run(self, target: Target, scenario: Scenario) -> tuple[float, float, dict[str, float]]:
        """Drive a target and return its rate, the worst p99, and how many cores each kind of process has used."""
        before, wrk_before = _seconds(target), _of_children()
        loads = [self._load(target, scenario, number) for number in range(len(target.urls))]
        started = [wrk.start(url, load, folder) for url, (load, folder) in zip(target.urls, loads, strict=True)]
        results = [wrk.finish(process, self.seconds) for process in started]
        elapsed = max(max(result.duration for result in results), 0.001)
        used = {name: (after - before[name]) / elapsed for name, after in _seconds(target).items()}
        used |= {"wrk": (_of_children() - wrk_before) / elapsed}
        used["other"] = used.pop("machine") - sum(used.values())
        for result, (load, folder) in zip(results, loads, strict=True):
            self._note(target, scenario, folder)
            self.failures += [f"{target.name}, {scenario.name}: {failure}" for failure in result.failures(load.right)]
        return sum(result.rate for result in results), max(result.p99 for result in results), used

    def _load(self, target: Target, scenario: Scenario, number: int) -> tuple[wrk.Load, Path]:
        folder = self.folder / f"{number}"
        folder.mkdir(exist_ok=True)
        connections = max(CONNECTIONS // len(target.urls), 1)
        if scenario is DEVICEAUTH:
            notes = wrk.Notes(folder / "codes", 200, "device_code")
            return wrk.Load([scenario], connections, self.seconds, notes=notes), folder
        if scenario is not POLL:
            return wrk.Load([scenario], connections, self.seconds), folder
        # Each flow is polled once: a second poll within its interval would rightly be told to slow down.
        codes = self.codes[target.name][number :: len(target.urls)]
        (folder / "polled").write_text("\n".join(codes) + "\n", "utf-8")
        return wrk.Load([scenario], connections, self.seconds, limit=len(codes), values=folder / "polled"), folder

    def _note(self, target: Target, scenario: Scenario, folder: Path) -> None:
        if scenario is DEVICEAUTH:
            if folder.name == "0":
                self.codes[target.name] = []
            self.codes[target.name] += answered(folder / "codes")


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Target]:
    """Run one process on SQLite."""
    with running(folder, **SETTINGS) as server:
        yield Target("SQLite, 1 process", [server.url], {"stand-ins": [server.process.pid]})


@contextmanager
def on_postgresql(folder: Path, postgres: Postgres, count: int) -> Iterator[list[Target]]:
    """Run so many processes on PostgreSQL, to be driven directly and behind nginx."""
    with running_cluster(folder, postgres, count, **SETTINGS) as cluster:
        pids = _pids(cluster)
        name = f"{count} process{'es' if count > 1 else ''}"
        yield [
            Target(f"PostgreSQL, {name}", cluster.urls, pids),
            Target(f"PostgreSQL, {name}, nginx", [cluster.nginx.url], pids),
        ]


def _pids(cluster: Cluster) -> dict[str, list[int]]:
    def of(servers: Sequence[Server]) -> list[int]:
        return [server.process.pid for server in servers]

    return {
        "stand-ins": of(cluster.replicas),
        "PostgreSQL": [cluster.postgres.process.pid],
        "nginx": [cluster.nginx.process.pid],
    }


def _seconds(target: Target) -> dict[str, float]:
    """Return the CPU seconds so far of each kind of process, and of everything on this machine."""
    whole = psutil.cpu_times()
    found = {name: sum(_of_family(pid) for pid in pids) for name, pids in target.pids.items()}
    return {**found, "machine": sum(whole) - whole.idle - whole.iowait - whole.guest - whole.guest_nice}


def _of_family(pid: int) -> float:
    parent = psutil.Process(pid)
    total = 0.0
    for process in (parent, *parent.children(recursive=True)):
        try:
            total += sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:  # One of PostgreSQL's has ended meanwhile.
            continue
    return total


def _of_children() -> float:
    """Return the CPU seconds of the finished children of this process: of wrk."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime

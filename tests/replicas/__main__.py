"""`make scale`: four replicas in long form, and how throughput grows with processes. A failed check makes it fail."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.clients.serving import BEHIND_REPLICAS
from tests.conformance.recordings import RECORDINGS
from tests.load.report import aligned
from tests.postgresql import Postgres, running_postgres
from tests.replicas import once, outages, steering, throughput
from tests.replicas.asking import lines_to
from tests.replicas.cluster import Cluster, running_cluster
from tests.replicas.recordings import differences_behind_nginx, replicas_for
from tests.replicas.throughput import Measurement, Row
from tests.servers import ROOT, STANDARD

OURS = ("stand-ins", "PostgreSQL", "nginx")


class Checks:
    """Runs checks one after the other, prints a line for each, and counts those that fail."""

    def __init__(self) -> None:
        self.done = 0
        self.failures: list[str] = []

    def run(self, name: str, check: Callable[[], object]) -> None:
        """Run a check and print how long it took and what it has found; what it raises is a failure."""
        began = time.monotonic()
        try:
            told = check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks are worth running
            self.failures.append(name)
            told = f"FAILED: {type(error).__name__}: {str(error)[:2000]}"
        self.done += 1
        print(f"{time.monotonic() - began:6.1f} s  {name}: {'holds' if told is None else told}", flush=True)


def check_recordings(checks: Checks, folder: Path, postgres: Postgres) -> None:
    """Play every recording against four replicas behind nginx."""
    for number, recording in enumerate(RECORDINGS):

        def played(number: int = number, recording: object = recording) -> str:
            own = folder / f"recording-{number}"
            own.mkdir()
            with replicas_for(recording, own, postgres) as cluster:
                found = [
                    text
                    for one in recording.scenarios()
                    for text in differences_behind_nginx(recording, one, cluster.nginx.url)
                ]
            steps = sum(len(one["steps"]) for one in recording.scenarios())
            assert not found, f"{len(found)} of {steps} answers differ: {found[0]}"
            return f"{steps} of {steps} answers equal"

        checks.run(f"recordings, {recording.title}, {recording.setup}", played)


def check_sharing(checks: Checks, cluster: Cluster, rounds: int) -> None:
    """Prove what happens once, and that what is set holds on all."""
    with lines_to(cluster) as lines:
        for name, check in once.CHECKS.items():
            checks.run(f"{name}, exactly once, {rounds} rounds", lambda check=check: once.rounds(lines, check, rounds))
        for seed in range(3):
            checks.run("each setting holds on all", lambda seed=seed: steering.each(lines, seed))
        for seed in range(max(rounds // 4, 1)):
            checks.run("settings in any order", lambda seed=seed: f"{len(steering.interleaved(lines, seed, 50))} steps")
        checks.run("a rule with a count", lambda: steering.struck_exactly(lines, 137, 100))
        checks.run("a clock that all move", lambda: steering.set_at_once(lines))


def check_outages(checks: Checks, cluster: Cluster) -> None:
    """Restart PostgreSQL under all, then kill two of four."""
    with lines_to(cluster) as lines:
        for how in (signal.SIGINT, signal.SIGQUIT):
            name = f"PostgreSQL restarted by {how.name}"
            checks.run(name, lambda how=how: _in_time(outages.database_restarted(cluster, lines, how)))
        name = "PostgreSQL restarted under quirks = real"
        checks.run(name, lambda: _in_time(outages.database_restarted_for_real(cluster, lines)))
        name = "a replica killed in the middle of a reset"
        checks.run(name, lambda: outages.killed_in_a_reset(cluster, cluster.replicas[3], lines[:3]))

        def killed() -> str:
            load = outages.replica_killed(cluster, cluster.replicas[2], 300)
            return f"{len(load.keys)} keys answered, 0 lost, {len(load.failures)} requests in it answered 502"

        checks.run("a replica killed under load", killed)


def _in_time(seconds: float) -> str:
    assert seconds <= outages.RECOVERED_SECONDS, f"all serve again after {seconds:.2f} s, wanted 2"
    return f"all serve again {seconds:.2f} s after it answers"


def check_clients() -> str:
    """Run the suite of OAuth's real clients behind four replicas."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/clients"]
    environment = os.environ | {BEHIND_REPLICAS: "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-1500:]
    return done.stdout.strip().splitlines()[-1]


def measured(checks: Checks, folder: Path, postgres: Postgres, seconds: float) -> list[Row]:
    """Measure each number of processes beside SQLite."""
    rows: list[Row] = []
    with _below(folder, "sqlite") as own, throughput.on_sqlite(own) as beside:
        for count in throughput.PROCESSES:
            with _below(folder, f"of-{count}") as own, throughput.on_postgresql(own, postgres, count) as targets:
                for target in targets:
                    measurement = Measurement(own, seconds)
                    rows += measurement.rows(target, beside)
                    checks.run(f"answers of {target.name}", lambda failed=measurement.failures: _none(failed))
    return rows


def _none(failures: list[str]) -> str:
    assert not failures, "; ".join(failures)
    return "all right"


@contextmanager
def _below(folder: Path, name: str) -> Iterator[Path]:
    (folder / name).mkdir()
    yield folder / name


def table(rows: list[Row]) -> str:
    """Return the rows in plain text; ms are those of a core that a request costs each kind of process."""
    costs, cores = [f"{kind} ms" for kind in OURS], [f"{kind} cores" for kind in (*OURS, "wrk", "other")]
    header = ["processes", "request", "requests/s", "to SQLite", "p99 ms", *costs, *cores]
    lines = [
        [row.target, row.request, f"{row.rate:,.0f}", f"{row.ratio:.2f}", f"{row.p99:.0f}"]
        + [f"{1000 * row.cores[kind] / row.rate:.2f}" for kind in OURS]
        + [f"{row.cores[kind]:.2f}" for kind in (*OURS, "wrk", "other")]
        for row in rows
    ]
    return aligned([header, *lines])


def main(arguments: list[str] | None = None) -> int:
    """Check and measure; return 1 when a check failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=40, help="of each check for what happens once")
    parser.add_argument("--only", choices=["checks", "throughput"], help="leave the rest out")
    given = parser.parse_args(arguments)
    checks = Checks()
    load = os.getloadavg()[0]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tms-scale-")))
        if given.only != "throughput":
            postgres = stack.enter_context(running_postgres(stack.enter_context(_below(folder, "quick"))))
            check_recordings(checks, folder, postgres)
            own = stack.enter_context(_below(folder, "shared"))
            with running_cluster(own, postgres, oauth__interval=1, **STANDARD) as cluster:
                check_sharing(checks, cluster, given.rounds)
                check_outages(checks, cluster)
            checks.run("OAuth's clients behind nginx", check_clients)
        if given.only != "checks":
            durable = stack.enter_context(_below(folder, "durable"))
            postgres = stack.enter_context(running_postgres(durable, durable=True))
            rows = measured(checks, folder, postgres, given.seconds)
            print(f"\n{os.cpu_count()} cores, load average before {load:.1f}, {throughput.CONNECTIONS} connections")
            print(table(rows))
    failed = f"{len(checks.failures)} of {checks.done} checks FAILED: {', '.join(checks.failures)}."
    print(failed if checks.failures else f"All {checks.done} checks hold.")
    return 1 if checks.failures else 0


if __name__ == "__main__":
    sys.exit(main())

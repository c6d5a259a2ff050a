"""The server and the yardstick side by side, driven in turns: the rows of the bench. It stores and prints no report."""

import resource
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from tests.load import rows, wrk
from tests.load.report import GOAL_CONNECTIONS, Row
from tests.load.scenarios import CREATEKEY, DEVICE_FLOW, DEVICEAUTH, GETVERSION, LOAD_SUITE, POLL, YARDSTICK, Scenario
from tests.load.server import Server, database_of, start_server, start_yardstick, stopping

SUITE = (*LOAD_SUITE, *DEVICE_FLOW)
FLOWS = 20_000  # that polls go round, so that none is asked for twice within a second
ROUNDS = 3
LOG_SECONDS = 1.0
FILL_SECONDS = 120.0
# The shortest interval there is: at the default of five seconds a fast run comes round 20,000 flows too early.
OAUTH = {"OAUTH__INTERVAL": "1", "OAUTH__DEVICE_CODE_TTL": "86400"}


class Bench:
    """The server and the yardstick side by side, and the failures that were seen so far."""

    def __init__(self, server: Server, yardstick: Server, directory: Path, seconds: float, most: int) -> None:
        """Take both, ready; the server's database lies in `directory`. A run has `seconds` and `most` requests."""
        self.server, self.yardstick = server, yardstick
        self.directory, self.seconds, self.most = directory, seconds, most
        self.database = database_of(directory)
        self.device_codes = directory / "device_codes"
        self.polls = 0
        self.failures: list[str] = []

    def _drive(self, server: Server, load: wrk.Load) -> wrk.Result:
        what = f"{'+'.join(one.name for one in load.scenarios)} at {load.connections} connections"
        print(what, end=": ", file=sys.stderr, flush=True)
        before = rows.last_key(self.database)
        result = wrk.run(server.url, load, self.directory)
        print(f"{result.rate:,.0f} /s", file=sys.stderr)
        self.failures += [f"{what}: {failure}" for failure in result.failures(load.right)]
        if load.scenarios == [CREATEKEY] and load.notes:
            lost = rows.difference(rows.answered(load.notes.file), rows.fingerprints_after(self.database, before))
            self.failures += [f"{what}: {difference}" for difference in lost]
        return result

    def _load(self, scenario: Scenario, connections: int, seconds: float, limit: int | None = None) -> wrk.Load:
        notes = wrk.Notes(self.directory / "fingerprints") if scenario is CREATEKEY else None
        values = self.device_codes if scenario is POLL else None
        return wrk.Load([scenario], connections, seconds, limit or self.most, notes, values, self.polls)

    def begin_flows(self, count: int, polled: bool) -> None:
        """Make device flows over HTTP, at most FILL_SECONDS long; `polled` ones are those that polls go round."""
        notes = wrk.Notes(self.device_codes, 200, "device_code") if polled else None
        self._drive(self.server, wrk.Load([DEVICEAUTH], GOAL_CONNECTIONS, FILL_SECONDS, count, notes))

    def warm_up(self) -> None:
        """Let both processes finish their start, then send each request for a moment."""
        for server, scenarios in ((self.yardstick, [YARDSTICK]), (self.server, SUITE)):
            server.settle()
            for scenario in scenarios:
                self._run(server, scenario, 10, 0.5)

    def _run(self, server: Server, scenario: Scenario, connections: int, seconds: float) -> wrk.Result:
        result = self._drive(server, self._load(scenario, connections, seconds))
        if scenario is POLL:
            self.polls += result.requests  # The next run goes on where this one ended.
        return result

    def measure(self, scenario: Scenario, connections: int) -> Row:
        """Return the row of one run, still without its ratios."""
        server = self.yardstick if scenario is YARDSTICK else self.server
        server_before, all_before, wrk_before = server.cpu_seconds(), busy_seconds(), _wrk_seconds()
        result = self._run(server, scenario, connections, self.seconds)
        spent = server.cpu_seconds() - server_before
        others = busy_seconds() - all_before - (_wrk_seconds() - wrk_before) - spent
        costs = (spent / max(result.requests, 1) * 1000, 0.0, max(share(others, result.duration), 0.0))
        figures = (result.rate, 0.0, result.p50, result.p99, result.max, *costs, server.memory())
        return Row(scenario.name, connections, result.requests, *figures)

    def at(self, connections: int, suite: Sequence[Scenario] = SUITE) -> list[Row]:
        """Return the rows of one number of connections; the yardstick is measured before and after each request.

        Of several rounds each request's row with the median ratio counts, since this machine has slow moments.
        """
        order = [YARDSTICK, *[scenario for request in suite for scenario in (request, YARDSTICK)]]
        rounds = [with_ratios([self.measure(scenario, connections) for scenario in order]) for _ in range(ROUNDS)]
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
            ratio=share(row.rate, (before.rate + after.rate) / 2),
            cpu_ratio=share((before.cpu + after.cpu) / 2, row.cpu),
        )
        for before, row, after in zip(measured[::2], measured[1::2], measured[2::2], strict=False)
    ]
    return [both, *others]


def busy_seconds() -> float:
    """Return the CPU seconds that this machine's cores have spent on anything."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait - times.guest - times.guest_nice


def _wrk_seconds() -> float:
    """Return the CPU seconds of the finished children of this process, of which only wrk runs during a measurement."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def share(part: float, whole: float) -> float:
    """Return what part of a whole this is; 0 of nothing."""
    return part / whole if whole else 0.0


@contextmanager
def prepared(seconds: float, most: int = wrk.UNLIMITED) -> Iterator[Bench]:
    """Give a bench with both processes started on a fresh database; the directory goes away at the end."""
    with tempfile.TemporaryDirectory(prefix="tms-bench-") as name, ExitStack() as stack:
        directory = Path(name)
        yardstick = stack.enter_context(stopping(start_yardstick(directory)))
        server = stack.enter_context(stopping(start_server(directory, **OAUTH)))
        yield Bench(server, yardstick, directory, seconds, most)

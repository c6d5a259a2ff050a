"""Runs of wrk that take turns, and the table that compares them: this machine's speed drifts, a ratio of neighbours does not.

It starts no server.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.load import wrk
from tests.load.measuring import share
from tests.load.server import Server
from tests.load.wrk import Load, Result

HEADER = ["request", "", "requests/s", "ratio", "CPU ratio", "p50 ms", "p99 ms", "ratio", "longest ms", "ratio"]


@dataclass(frozen=True)
class Run:
    """What one run saw, and the CPU seconds of the server for each request."""

    result: Result
    cpu: float


@dataclass(frozen=True)
class Row:
    """A request under a condition: medians of its runs, the longest answer of all, and each against the first condition.

    `rate_ratio` and `cpu_ratio` are below 1 where the request is slower or dearer, the ratios of latencies above.
    """

    request: str
    condition: str
    rate: float
    rate_ratio: float
    cpu_ratio: float
    p50: float
    p99: float
    p99_ratio: float
    longest: float
    longest_ratio: float

    def cells(self) -> list[str]:
        """Return the row as text."""
        rates = [f"{self.rate:,.0f}", f"{self.rate_ratio:.2f}", f"{self.cpu_ratio:.2f}"]
        latencies = [f"{self.p50:.2f}", f"{self.p99:.2f}", f"{self.p99_ratio:.2f}"]
        return [self.request, self.condition, *rates, *latencies, f"{self.longest:.1f}", f"{self.longest_ratio:.2f}"]


def measured(server: Server, load: Load, directory: Path) -> Run:
    """Drive a server and return what it took."""
    before = server.cpu_seconds()
    result = wrk.run(server.url, load, directory)
    return Run(result, (server.cpu_seconds() - before) / max(result.requests, 1))


def in_turns(conditions: Sequence[Callable[[], Run]], rounds: int) -> list[list[Run]]:
    """Return the runs of each condition; every other round goes the other way round."""
    runs: list[list[Run]] = [[] for _ in conditions]
    for number in range(rounds):
        order = list(enumerate(conditions))
        for index, condition in order if number % 2 == 0 else reversed(order):
            runs[index].append(condition())
    return runs


def compared(request: str, conditions: Sequence[str], runs: Sequence[Sequence[Run]]) -> list[Row]:
    """Return a row for each condition."""
    return [_row(request, condition, runs[0], own) for condition, own in zip(conditions, runs, strict=True)]


def _row(request: str, condition: str, first: Sequence[Run], own: Sequence[Run]) -> Row:
    pairs = list(zip(first, own, strict=True))
    p99s = [statistics.median(run.result.p99 for run in side) for side in (first, own)]
    longest = [max(run.result.max for run in side) for side in (first, own)]
    return Row(
        request,
        condition,
        rate=statistics.median(run.result.rate for run in own),
        rate_ratio=statistics.median(share(other.result.rate, one.result.rate) for one, other in pairs),
        cpu_ratio=statistics.median(share(one.cpu, other.cpu) for one, other in pairs),
        p50=statistics.median(run.result.p50 for run in own),
        p99=p99s[1],
        p99_ratio=share(p99s[1], p99s[0]),
        longest=longest[1],
        longest_ratio=share(longest[1], longest[0]),
    )


def failures_of(request: str, condition: str, load: Load, runs: Sequence[Run]) -> list[str]:
    """Return one sentence for each kind of wrong answer."""
    found = [failure for run in runs for failure in run.result.failures(load.right)]
    return [f"{request}, {condition}: {failure}" for failure in found]

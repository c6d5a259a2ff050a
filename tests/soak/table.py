"""Writes what a soak has seen as tables in plain text. It judges nothing."""

from collections.abc import Sequence

from tests.load.report import aligned
from tests.load.server import MEBIBYTE
from tests.soak.judge import Verdict
from tests.soak.record import TENTHS
from tests.soak.run import Soak
from tests.soak.samples import Sample

HEADER = (
    *("tenth", "requests", "requests/s", "p50 ms", "p99 ms", "max ms", "late ms", "memory MiB", "descriptors"),
    *("log MiB", "database MiB", "cores: server", "users", "others"),
)
_NOTHING = "-"


def tenths(seen: Soak) -> str:
    """Return a row for each tenth that was lived through: what users saw, and the largest of what was sampled.

    `late` is the p99 of how late users woke from their pauses, with which the server has nothing to do.
    """
    return aligned([HEADER, *(_row(seen, tenth) for tenth in range(TENTHS) if seen.record.tenths[tenth].count)])


def _row(seen: Soak, tenth: int) -> list[str]:
    latencies, begun = seen.record.tenths[tenth], seen.record.start + tenth * seen.record.seconds / TENTHS
    lived = min(seen.record.seconds / TENTHS, seen.ended - begun)
    here = [one for one in seen.samples if seen.record.tenth(one.at) == tenth]
    times = [
        latencies.percentile(50),
        latencies.percentile(99),
        latencies.largest,
        seen.record.lateness[tenth].percentile(99),
    ]
    return [
        f"{tenth + 1}",
        f"{latencies.count:,}",
        f"{latencies.count / lived:,.0f}",
        *(f"{seconds * 1000:.2f}" for seconds in times),
        *(_sizes(here) if here else [_NOTHING] * 4),
        *(_cores(here[0], here[-1]) if len(here) > 1 else [_NOTHING] * 3),
    ]


def _sizes(here: Sequence[Sample]) -> list[str]:
    return [
        f"{max(one.memory for one in here):.1f}",
        f"{max(one.descriptors for one in here)}",
        f"{max(one.wal for one in here) / MEBIBYTE:.1f}",
        f"{max(one.size for one in here) / MEBIBYTE:.1f}",
    ]


def _cores(first: Sample, last: Sample) -> list[str]:
    """Return how many cores the server, the users and everything else on this machine kept busy."""
    server, users = last.server_cpu - first.server_cpu, last.client_cpu - first.client_cpu
    others = max(last.busy - first.busy - server - users, 0.0)
    return [f"{spent / (last.at - first.at):.2f}" for spent in (server, users, others)]


def verdicts(judged: Sequence[Verdict]) -> str:
    """Return a row for each verdict."""
    words = {True: "met", False: "MISSED", None: _NOTHING}
    return aligned(
        [("what", "bound", "seen", ""), *((one.what, one.bound, one.measured, words[one.met]) for one in judged)]
    )


def answers(seen: Soak) -> str:
    """Return what was answered how often."""
    return ", ".join(f"{what}: {count:,}" for what, count in sorted(seen.record.answers.items()))

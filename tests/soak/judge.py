"""What a soak is judged by: pure functions, each from figures to one verdict. Nothing here measures or prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, linear_regression

MOST_SLOWER = 1.2  # p99 of the last tenth to that of the first
FEWEST_REQUESTS = 1_000  # in a tenth, so that ten of them are above its p99
FEWEST_SECONDS = 60.0  # of a run whose trends are judged
SETTLED = 0.25  # of the run is left out of a trend: caches fill, pools grow
MEMORY_SHARE, MEMORY_LEAST = 0.05, 4.0  # growth that is no trend: a share of the memory, and so many MiB at least
DESCRIPTORS = 3.0

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Verdict:
    """A bound beside what was measured, both written out. `met` is None where the run was too short to tell."""

    what: str
    bound: str
    measured: str
    met: bool | None


def answers(requests: int, failures: Mapping[str, int]) -> Verdict:
    """Judge that something was asked and nothing failed."""
    told = "; ".join(f"{count:,} x {what}" for what, count in failures.items())
    return Verdict("failures", "none", told or f"none of {requests:,}", requests > 0 and not failures)


def connections(users: int, opened: int) -> Verdict:
    """Judge that no user had to connect again."""
    return Verdict("connections", f"one for each of {users} users", f"opened: {opened}", 0 < opened <= users)


def slower(first: tuple[int, float], last: tuple[int, float]) -> Verdict:
    """Judge the p99 of the last tenth by that of the first; each is its requests and its seconds."""
    what, bound = "p99, last tenth to first", f"at most {MOST_SLOWER:g} times"
    if min(first[0], last[0]) < FEWEST_REQUESTS or not first[1]:
        return Verdict(what, bound, f"not judged, a tenth has fewer than {FEWEST_REQUESTS:,} requests", None)
    ratio = last[1] / first[1]
    measured = f"ratio {ratio:.2f} ({first[1] * 1000:.2f} and {last[1] * 1000:.2f} ms)"
    return Verdict(what, bound, measured, ratio <= MOST_SLOWER)


def growth(points: Points, seconds: float) -> float | None:
    """Return by how much a line through the settled part of a run of so many seconds rises; None of a short run.

    `points` are moments, from 0 at the beginning, and values.
    """
    settled = [(at, value) for at, value in points if at >= SETTLED * seconds]
    if seconds < FEWEST_SECONDS or len(settled) < 2:
        return None
    slope, _ = linear_regression([at for at, _ in settled], [value for _, value in settled])
    return slope * (1 - SETTLED) * seconds


def memory(points: Points, seconds: float) -> Verdict:
    """Judge that the memory, in MiB, does not grow."""
    bound = max(MEMORY_LEAST, MEMORY_SHARE * fmean(value for _, value in points)) if points else MEMORY_LEAST
    return _flat("memory", "MiB", points, seconds, bound)


def descriptors(points: Points, seconds: float) -> Verdict:
    """Judge that the number of open descriptors does not grow."""
    return _flat("descriptors", "of them", points, seconds, DESCRIPTORS)


def _flat(what: str, unit: str, points: Points, seconds: float, bound: float) -> Verdict:
    rise = growth(points, seconds)
    told = f"rise of at most {bound:.1f} {unit}"
    if rise is None:
        return Verdict(what, told, f"not judged, the run is shorter than {FEWEST_SECONDS:g} s", None)
    return Verdict(what, told, f"{rise:+.1f} {unit} along the last three quarters", rise <= bound)


def wal(largest: int, bound: int) -> Verdict:
    """Judge the largest write-ahead log that was seen, in bytes; none at all was not looked at."""
    return Verdict(
        "write-ahead log", f"at most {_mebibytes(bound)}", f"largest: {_mebibytes(largest)}", 0 < largest <= bound
    )


def keys(answered: int, before: int, after: int) -> Verdict:
    """Judge that there are as many new keys as were answered with 201, and that there are any."""
    new = after - before
    return Verdict("new keys", f"as answered: {answered:,}", f"new: {new:,}", 0 < answered == new)


def log(traces: int) -> Verdict:
    """Judge that no exception stands in the server's log."""
    return Verdict("exceptions in the log", "none", f"there are {traces:,}" if traces else "none", not traces)


def _mebibytes(count: int) -> str:
    return f"{count / 1024 / 1024:.1f} MiB"

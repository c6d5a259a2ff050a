"""Counts answered requests by operation, status and duration, and samples queue, batches and keys. It formats nothing.

The loop appends one tuple for each request (request_log.py); some dozens at a time, or what there is every 50 ms, are
counted here, and a scrape counts what has come since.
"""

import asyncio
import threading
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..request_log import Answered, RequestLog
from ..steering.operations import OperationNames
from ..store import BATCH_SIZES
from .slots import Slots, Words

if TYPE_CHECKING:
    from ..parts import Parts

BOUNDS_SECONDS = (
    *(0.0001, 0.00015, 0.00025, 0.0004, 0.0006, 0.001, 0.0015, 0.0025, 0.004, 0.006, 0.01, 0.015, 0.025, 0.04),
    *(0.06, 0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 2.5, 5.0, 10.0),
)  # fmt: skip
STATUSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")  # "none" is a connection that was dropped
OTHER = "(other)"  # whatever is no endpoint

_BOUNDS = [round(bound * 1_000_000) for bound in BOUNDS_SECONDS]
_SUM = len(_BOUNDS) + 1  # behind the buckets, the last of which has no bound
_ROW = _SUM + 1 + len(STATUSES)
_QUEUE, _KEYS, _BATCHES = 0, 1, 2
_WRITTEN = _BATCHES + len(BATCH_SIZES) + 1
_FIRST_ROW = _WRITTEN + 1
_REMEMBERED = 2_000  # paths whose row is kept: callers choose what stands in them
_SAMPLE_SECONDS = 1.0
_NOT_COUNTED = -1
_CONTROL_PLANE = b"/_standin"


class OperationCounts(NamedTuple):
    """An operation since the start: requests by STATUSES, durations by BOUNDS_SECONDS and beyond (each request in one
    bucket, not in all larger ones), and the sum of the durations in seconds.
    """

    statuses: tuple[int, ...]
    buckets: tuple[int, ...]
    seconds: float

    @property
    def requests(self) -> int:
        """How many were answered or dropped."""
        return sum(self.statuses)

    @property
    def errors(self) -> int:
        """How many were dropped or answered with a status of 400 or more."""
        return self.statuses[0] + self.statuses[4] + self.statuses[5]


class Gauges(NamedTuple):
    """Of all processes: those that run, writes that wait, RSA keys that are ready, commits by BATCH_SIZES, all writes."""

    processes: int
    queue: int
    rsa_ready: int
    batches: tuple[int, ...]
    written: int


class Metrics:
    """The counters of all processes on one database. `snapshot` and `gauges` may be called from any thread."""

    def __init__(self, log: RequestLog, names: OperationNames, path: Path | None) -> None:
        self._log = log
        self._names = names
        self._lock = threading.Lock()
        self._labels = [*dict.fromkeys(named.label for named in names.all), OTHER]
        self._rows = {label: _FIRST_ROW + number * _ROW for number, label in enumerate(self._labels)}
        self._found: dict[tuple[str, bytes], int] = {}
        self._slots = Slots(path, _FIRST_ROW + len(self._labels) * _ROW)
        self._batches_seen = [0] * (_WRITTEN + 1 - _BATCHES)
        log.observe(self.count)

    @property
    def files(self) -> list[Path]:
        """The files that processes have left."""
        return self._slots.files

    def open(self) -> None:
        """Join the other processes."""
        self._slots.open()

    def close(self) -> None:
        """Count what is left, and leave the counts to the other processes."""
        self._log.tell_observer()
        with self._lock:
            self._slots.close()

    async def sample_for_ever(self, parts: "Parts") -> None:
        """Note the state of this process every second for scrapes of the others, until cancelled."""
        while True:
            self.sample(parts)
            await asyncio.sleep(_SAMPLE_SECONDS)

    def sample(self, parts: "Parts") -> None:
        """Note the writer's queue and batches, and the pool of keys."""
        writing, words = parts.store.writing, self._slots.words
        words[_QUEUE], words[_KEYS] = writing.queue, parts.keys.rsa_ready
        for index, total in enumerate((*writing.batches, writing.written)):
            words[_BATCHES + index] += total - self._batches_seen[index]
            self._batches_seen[index] = total

    def count(self, answered: list[Answered]) -> None:
        """Count requests. The control plane's are none (design 2.7)."""
        with self._lock:
            words, found = self._slots.words, self._found
            for method, raw_path, status, took in answered:
                row = found.get((method, raw_path)) or self._row(method, raw_path)
                if row != _NOT_COUNTED:
                    words[row + bisect_left(_BOUNDS, took)] += 1
                    words[row + _SUM] += took
                    words[row + _SUM + 1 + min(status // 100, 5)] += 1

    def snapshot(self) -> dict[str, OperationCounts]:
        """Return what every operation that was asked for has done since the start, in all processes."""
        numbers = self._numbers()
        counts = {label: _counts(numbers[row : row + _ROW]) for label, row in self._rows.items()}
        return {label: each for label, each in counts.items() if each.requests}

    def gauges(self) -> Gauges:
        """Return the rest. What other processes tell of queue and keys is up to a second old."""
        everybody = self._everybody()
        running = [words.numbers for words in everybody if words.is_running]
        numbers = _sums(everybody)
        return Gauges(
            len(running),
            sum(each[_QUEUE] for each in running),
            sum(each[_KEYS] for each in running),
            tuple(numbers[_BATCHES:_WRITTEN]),
            numbers[_WRITTEN],
        )

    def _numbers(self) -> list[int]:
        self._log.tell_observer()
        return _sums(self._everybody())

    def _everybody(self) -> list[Words]:
        with self._lock:  # The loop counts, too, and must not wait until files are read.
            own = self._slots.own
        return [own, *self._slots.others()]

    def _row(self, method: str, raw_path: bytes) -> int:
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        if raw_path == _CONTROL_PLANE or raw_path.startswith(_CONTROL_PLANE + b"/"):
            row = _NOT_COUNTED
        else:
            row = self._rows.get(self._names.find(method, raw_path).label, self._rows[OTHER])
        self._found[method, raw_path] = row
        return row


def quantile(buckets: list[int] | tuple[int, ...], share: float) -> float | None:
    """Return the duration in seconds that `share` of the requests did not exceed, or None without a request.

    Within a bucket it is read off a straight line, as Prometheus does; beyond the last bound it is that bound.
    """
    rank, below = share * sum(buckets), 0
    for count, (lower, upper) in zip(buckets, pairwise((0.0, *BOUNDS_SECONDS)), strict=False):
        if count and below + count >= rank:
            return lower + (upper - lower) * (rank - below) / count
        below += count
    return BOUNDS_SECONDS[-1] if sum(buckets) else None


def _sums(everybody: Iterable[Words]) -> list[int]:
    return [sum(column) for column in zip(*(words.numbers for words in everybody), strict=True)]


def _counts(row: list[int]) -> OperationCounts:
    return OperationCounts(tuple(row[_SUM + 1 :]), tuple(row[:_SUM]), row[_SUM] / 1_000_000)

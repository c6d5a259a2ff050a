"""What happens in a second: rates, percentiles and errors by operation, from the differences of running totals.

It counts nothing itself, and samples only while somebody looks.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from ..metrics.metrics import OperationCounts, quantile

SECOND = 0.98  # the least time between two samples; a listener that wakes a little early gets a new one
STALE = 3.0  # seconds after which a difference would tell of no second any more
KEPT = 300  # samples

Numbers = tuple[float, float, float | None, float | None]
Totals = Mapping[str, OperationCounts]


class Sample(msgspec.Struct):
    """One second. The numbers are requests/s, errors/s, and p50 and p99 in milliseconds, None where nothing ended.

    `at` is in seconds since 1970, real time; `requests` counts from the start; `state` is another one than before when
    something was set or reset.
    """

    at: float
    all: Numbers
    operations: dict[str, Numbers]
    requests: int
    state: str


class Pulse:
    """The samples of one process, which all listeners share. `state` tells, in any form, what is set."""

    def __init__(
        self,
        totals: Callable[[], Totals],
        state: Callable[[], str],
        stopwatch: Callable[[], float],
        system_now: Callable[[], datetime],
    ) -> None:
        self._totals = totals
        self._state = state
        self._stopwatch = stopwatch
        self._system_now = system_now
        self._before: Totals = {}
        self._taken_at: float | None = None
        self.history: deque[Sample] = deque(maxlen=KEPT)
        self.number = 0

    def beat(self) -> None:
        """Take a sample if a second is over. After a time in which nobody looked, a new second begins."""
        now = self._stopwatch()
        passed = None if self._taken_at is None else now - self._taken_at
        if passed is not None and passed < SECOND:
            return
        totals = self._totals()
        if passed is not None and passed < STALE:
            self.history.append(self._sample(totals, passed))
            self.number += 1
        elif passed is not None:
            self.history.clear()  # Nobody knows what happened in between.
        self._before, self._taken_at = totals, now

    def _sample(self, totals: Totals, seconds: float) -> Sample:
        differences = {name: _difference(after, self._before.get(name)) for name, after in totals.items()}
        busy = {name: difference for name, difference in differences.items() if difference.requests}
        return Sample(
            at=round(self._system_now().timestamp(), 3),
            all=numbers_of(list(busy.values()), seconds),
            operations={name: numbers_of([difference], seconds) for name, difference in busy.items()},
            requests=sum(total.requests for total in totals.values()),
            state=self._state(),
        )


def numbers_of(counts: Sequence[OperationCounts], seconds: float) -> Numbers:
    """Return the numbers of a Sample for what was counted in so many seconds."""
    buckets = [sum(numbers) for numbers in zip(*(each.buckets for each in counts), strict=True)]
    p50, p99 = (_milliseconds(quantile(buckets, share)) for share in (0.5, 0.99))
    requests, errors = sum(each.requests for each in counts), sum(each.errors for each in counts)
    return round(requests / seconds, 1), round(errors / seconds, 1), p50, p99


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _difference(after: OperationCounts, before: OperationCounts | None) -> OperationCounts:
    """Return what came since. Counts fall back only with a process that is gone, and are no second's then."""
    if before is None:
        return after
    return OperationCounts(
        tuple(max(0, new - old) for new, old in zip(after.statuses, before.statuses, strict=True)),
        tuple(max(0, new - old) for new, old in zip(after.buckets, before.buckets, strict=True)),
        after.seconds - before.seconds,
    )

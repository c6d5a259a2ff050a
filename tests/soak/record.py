"""What the users of a soak saw, in bounded memory: latencies by tenths of the run, answers, failures. It judges nothing."""

import math
from collections import Counter

TENTHS = 10
_STEP = math.log(1.01)  # Each bucket is one percent wider than the one before.
_SMALLEST = 1e-6  # seconds
_BUCKETS = 2_000  # The last one begins at several minutes.


class Histogram:
    """Latencies, each known to one percent."""

    def __init__(self) -> None:
        self.count = 0
        self.largest = 0.0
        self._counts = [0] * _BUCKETS

    def add(self, seconds: float) -> None:
        """Count one latency."""
        bucket = int(math.log(max(seconds, _SMALLEST) / _SMALLEST) / _STEP)
        self._counts[min(bucket, _BUCKETS - 1)] += 1
        self.count += 1
        self.largest = max(self.largest, seconds)

    def percentile(self, percent: float) -> float:
        """Return the seconds that so many percent of the latencies did not exceed; 0 of nothing."""
        wanted, seen = self.count * percent / 100, 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(_SMALLEST * math.exp((bucket + 1) * _STEP), self.largest)
        return 0.0


class Record:
    """Everything that was asked and answered. What begins before `start` warms up: counted, but in no tenth.

    `lateness` is how late the users woke from their pauses. The server has no part in it: it tells of the machine.
    """

    def __init__(self, start: float, seconds: float) -> None:
        self.start = start
        self.seconds = seconds
        self.warm_up = Histogram()
        self.tenths = [Histogram() for _ in range(TENTHS)]
        self.lateness = [Histogram() for _ in range(TENTHS)]
        self.answers: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.connections = 0

    @property
    def end(self) -> float:
        """Return when nobody asks any more."""
        return self.start + self.seconds

    @property
    def requests(self) -> int:
        """Return how many were answered, warming up too."""
        return sum(self.answers.values())

    def tenth(self, moment: float) -> int:
        """Return the number of the tenth of a moment, from 0; negative while warming up."""
        return min(math.floor((moment - self.start) / self.seconds * TENTHS), TENTHS - 1)

    def answered(self, what: str, begun: float, took: float) -> None:
        """Count an answer, such as `createkey 201`."""
        self.answers[what] += 1
        tenth = self.tenth(begun)
        (self.warm_up if tenth < 0 else self.tenths[tenth]).add(took)

    def paused(self, until: float, woken: float) -> None:
        """Note when a pause should have been over, and when it was."""
        tenth = self.tenth(until)
        if tenth >= 0:
            self.lateness[tenth].add(woken - until)

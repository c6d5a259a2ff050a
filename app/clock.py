"""The only module that asks the time. It knows nothing of tokens, keys or requests."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate

NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class Clock:
    """The stand-in's time. Every timestamp, every expiry and the Date header come from one of these."""

    def __init__(self) -> None:
        self._date_second = -1
        self._date = b""

    def now(self) -> datetime:
        """Return the instant in UTC, in microseconds."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def seconds(self) -> float:
        """Return the instant as seconds since 1970-01-01 UTC."""
        return time.time()

    def nanosecond(self) -> int:
        """Return the three digits behind the microseconds, 0 to 999; a database never stores them (contract 1.6)."""
        return time.time_ns() % 1000

    def after(self, minutes: int) -> datetime:
        """Return now + minutes."""
        return self.now() + timedelta(minutes=minutes)

    def http_date(self) -> bytes:
        """Return the value of the Date header, made anew once a second."""
        second = int(self.seconds())
        if second != self._date_second:
            self._date_second = second
            self._date = formatdate(second, usegmt=True).encode()
        return self._date

    # Seconds from an arbitrary start, for measuring durations; it never moves with the clock.
    stopwatch = staticmethod(time.perf_counter)

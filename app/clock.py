"""The only module that asks the time. It knows nothing of tokens, keys or requests."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate

NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class Clock:
    """The stand-in's time. Every timestamp, every expiry and the Date header come from one of these."""

    def __init__(self) -> None:
        self._is_real = True
        self._stands_at: datetime | None = None
        self._offset = 0.0
        self._moved = asyncio.Event()
        self._date_second = -1
        self._date = b""

    def now(self) -> datetime:
        """Return the instant in UTC, in microseconds."""
        return datetime.fromtimestamp(self.seconds(), UTC) if self._stands_at is None else self._stands_at

    def system_now(self) -> datetime:
        """Return the system's instant in UTC, whatever was set."""
        return datetime.fromtimestamp(time.time(), UTC)

    def seconds(self) -> float:
        """Return the instant as seconds since 1970-01-01 UTC."""
        if self._is_real:
            return time.time()
        return time.time() + self._offset if self._stands_at is None else self._stands_at.timestamp()

    def nanosecond(self) -> int:
        """Return the three digits behind the microseconds, 0 to 999; a database never stores them (contract 1.6)."""
        return time.time_ns() % 1000 if self._stands_at is None else 0

    def set(self, mode: str, now: datetime | None, offset_seconds: float) -> None:
        """Run with the system's clock ("real"), beside it ("offset") or not at all ("frozen", at `now`), from now on."""
        self._is_real = mode == "real"
        self._stands_at = now if mode == "frozen" else None
        self._offset = offset_seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        """Return after so many real seconds, or as soon as this clock was set so far ahead."""
        due, loop = self.seconds() + seconds, asyncio.get_running_loop()
        ends = loop.time() + seconds
        while self.seconds() < due and (left := ends - loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):  # Unlike wait_for, before Python 3.12, it loses no cancellation.
                    await self._moved.wait()

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

"""Whether a poll comes too early (RFC 8628 3.5). Pure: no clock, no database.

The wait counts from the last poll answered `authorization_pending`. A rejected poll lengthens every later wait by five
seconds and does not begin the present one anew, so that a client that keeps one pace is answered some time.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

SLOWER_BY = 5  # seconds, for good
_JITTER = 0.1  # of the wait
_LEAST_JITTER = timedelta(milliseconds=250)


class Pace(NamedTuple):
    """How fast a flow may be polled, in seconds.

    `interval` is what its client was told last. `wait_seconds` is the length of the wait under way where a rejected
    poll has lengthened it, else 0: the interval counts then.
    """

    interval: int
    wait_seconds: int
    wait_started_at: datetime | None

    def too_early(self, now: datetime) -> bool:
        """Return whether a poll at this instant comes before the wait is over; the first one never does.

        A clock that was set back must not make a client wait for it to catch up.
        """
        if self.wait_started_at is None or now < self.wait_started_at:
            return False
        wait = timedelta(seconds=self.wait_seconds or self.interval)
        return now - self.wait_started_at < wait - max(wait * _JITTER, _LEAST_JITTER)

    def accepted(self, now: datetime) -> "Pace":
        """Return the pace after a poll in time: a new wait begins."""
        return Pace(self.interval, 0, now)

    def rejected(self) -> "Pace":
        """Return the pace after a poll that came too early; only the first one lengthens the wait under way."""
        slower = self.interval + SLOWER_BY
        return Pace(slower, self.wait_seconds or slower, self.wait_started_at)

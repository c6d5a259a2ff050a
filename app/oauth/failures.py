"""Counts wrong guesses of codes and secrets by their source; a success does not wipe the count (rows SEC-01, SEC-11)."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update

from ..oauth_tables import oauth_failures
from ..statements import Insert, Statement, matching
from ..transaction import Transaction
from .registry import Reader

_FIND = Statement(select(oauth_failures).where(matching(oauth_failures, "source")))
_INSERT = Insert(oauth_failures)
_UPDATE = Statement(
    update(oauth_failures)
    .where(matching(oauth_failures, "source=of_source"))
    .values(
        failures=bindparam("failures"),
        window_ends_at=bindparam("window_ends_at", type_=oauth_failures.c.window_ends_at.type),
    )
)


# A guess may be counted before one that came earlier, and the clocks of several hosts differ by less.
_ONE_AFTER_THE_OTHER = timedelta(minutes=1)


class Limit(NamedTuple):
    """How many wrong guesses of a kind one source has in a window of time."""

    kind: str
    most: int
    window: timedelta

    async def seconds_to_wait(self, reader: Reader, source: str, now: datetime) -> int:
        """Return how long this source is locked out, in whole seconds; 0 means that it may guess. Raises DatabaseError."""
        row = await reader.one(_FIND, source=f"{self.kind} {source}")
        if row is None or row.failures < self.most or self._is_over(row, now):
            return 0
        return int((row.window_ends_at - now).total_seconds()) + 1

    def _is_over(self, row: Any, now: datetime) -> bool:
        """Return whether a window has ended, or begins only later: a clock that was set back keeps nobody out."""
        return bool(now >= row.window_ends_at or now < row.window_ends_at - self.window - _ONE_AFTER_THE_OTHER)

    async def note(self, transaction: Transaction, source: str, now: datetime) -> None:
        """Count one wrong guess; the window begins with the first."""
        row = await transaction.one(_FIND, source=f"{self.kind} {source}")
        if row is None:
            await transaction.insert(
                _INSERT, source=f"{self.kind} {source}", failures=1, window_ends_at=now + self.window
            )
            return
        over = self._is_over(row, now)
        await transaction.update(
            _UPDATE,
            oauth_failures,
            of_source=row.source,
            failures=1 if over else row.failures + 1,
            window_ends_at=now + self.window if over else row.window_ends_at,
        )


def person_limit(kind: str, most: int) -> Limit:
    """Return the limit of what people type: user codes, passwords."""
    return Limit(kind, most, timedelta(minutes=5))


def program_limit(kind: str, most: int) -> Limit:
    """Return the limit of what programs send: client secrets, device codes."""
    return Limit(kind, most, timedelta(minutes=1))

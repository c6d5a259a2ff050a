"""The database as the rest of the program sees it. Nothing above knows which one it is, and nothing here knows HTTP."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Table

from .errors import RowsReplaced
from .schema import Planted, Preparation, Prepared
from .sqlite.image import Image
from .statements import Statement
from .transaction import Transaction

Result = TypeVar("Result")

PAGE = 500  # rows that a long read hands on at a time
REPLACING_SECONDS = 0.005  # between two looks whether other rows are there
MOST_REMEMBERED = 10_000  # rows of tenants and credentials
BATCH_SIZES = (1, 3, 7, 15, 31, 63, 127, 255)  # the most that a batch of each counted size has; then there is no limit


class Writing(NamedTuple):
    """What those who measure are told: writes that wait, transactions by their size (BATCH_SIZES), writes done."""

    queue: int
    batches: tuple[int, ...]
    written: int


class Store(ABC):
    """The database as the rest of the program sees it. Every method is awaited, though a short read may never suspend.

    All of them raise DatabaseError when the database refuses, and DatabaseGone when it does not answer at all.
    """

    def __init__(self) -> None:
        self.remembered = Remembered(self)
        self._cache: dict[tuple[Any, ...], Any] = {}

    @abstractmethod
    async def prepare(self, preparation: Preparation[Planted]) -> Prepared[Planted]:
        """Open the database and bring it to this code's schema. Raises StartRefused."""

    @property
    @abstractmethod
    def writing(self) -> Writing:
        """Return what the writes have come to since the start."""

    @abstractmethod
    async def check(self) -> None:
        """Find the database migrated and answering, without waiting for rows that are being replaced.

        Raises DatabaseTrouble.
        """

    @abstractmethod
    async def one(self, statement: Statement, **parameters: Any) -> Any:
        """Return the first row as a named tuple, or None."""

    @abstractmethod
    async def cached(self, statement: Statement, **parameters: Any) -> Any:
        """Return what `one` returns, from memory where it is known that nobody has committed since."""

    @abstractmethod
    def pages(self, statement: Statement, **parameters: Any) -> AsyncGenerator[list[Any], None]:
        """Yield the rows of a long read in lists of PAGE, off the loop."""

    def _remember(self, key: tuple[Any, ...], row: Any) -> None:
        if len(self._cache) >= MOST_REMEMBERED:
            self._cache.clear()
        self._cache[key] = row

    @abstractmethod
    async def few(self, statement: Statement, **parameters: Any) -> list[Any]:
        """Return all rows of a read that looks at many and finds few, off the loop in one step."""

    @abstractmethod
    async def spend_ids(self, *tables: Table) -> None:
        """Skip an id of each table, as PostgreSQL's sequence does for an insert that finds its row already there."""

    @abstractmethod
    async def write(self, work: Callable[[Transaction], Awaitable[Result]], epoch: int | None = None) -> Result:
        """Run `work` in a transaction and return its result once that is on disk; it may be run again from the start.

        Whatever `work` raises undoes its own writes and is raised here, as is RowsReplaced when a reset or a restored
        snapshot comes first: what the caller has read, in `epoch` or until now, is not there any more.
        """

    async def write_whatever_was_read(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run a `work` that depends on nothing outside of it, after a reset too. Raises what `write` raises otherwise."""
        while True:
            with contextlib.suppress(RowsReplaced):
                return await self.write(work)

    @abstractmethod
    async def replace(self, image: Image) -> None:
        """Leave the rows of an image and nothing else. Raises what reading the image raises; nothing has changed then."""

    @abstractmethod
    async def save(self, path: Path, moment: datetime) -> None:
        """Write all that is committed to an image's file of this date, which is there whole or not at all."""

    async def watch(self) -> None:  # noqa: B027 - most find out when they are asked
        """Look whether the database is still there, until cancelled, where nobody would find out otherwise."""

    @abstractmethod
    async def close(self) -> None:
        """Finish the writes under way and let go of the database."""


class Remembered:
    """The store for those who may be told what it has in memory: `one` is its `cached`."""

    def __init__(self, store: Store) -> None:
        self.one = store.cached

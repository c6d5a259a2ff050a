"""What one request may do inside a transaction, whichever database it is. It begins and commits nothing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy import Table

from .statements import Insert, Statement

Result = TypeVar("Result")


class Transaction(ABC):
    """The writes of one request. All of them are kept or none; a raised error undoes them.

    What it reads stays as it is until the end, as if no other transaction ran.
    """

    @abstractmethod
    async def one(self, statement: Statement, **parameters: Any) -> Any:
        """Return the first row or None, with the writes so far. Raises DatabaseError."""

    @abstractmethod
    async def insert(self, statement: Insert, **row: Any) -> None:
        """Insert one row. Raises DatabaseError in both databases' words; the row's id is spent all the same."""

    @abstractmethod
    async def insert_if_absent(self, statement: Insert, **row: Any) -> bool:
        """Insert one row and return True, or nothing where a row is in the way. Raises DatabaseError.

        The id is spent all the same.
        """

    @abstractmethod
    async def update(self, statement: Statement, table: Table, **parameters: Any) -> int:
        """Return how many rows were changed. Raises DatabaseError."""

    @abstractmethod
    async def delete(self, statement: Statement, table: Table, **key: Any) -> int:
        """Return how many rows were deleted, cascades not counted. Raises DatabaseError."""

    @abstractmethod
    async def run(self, work: Callable[[], Result]) -> Result:
        """Run what is not asynchronous and calls `wait` where it needs the database."""

    @abstractmethod
    def wait(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Return what a coroutine of this transaction or of its store returns, inside of `run`."""

"""Whom moving tells how far it is. Here nobody listens; the command line does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Progress:
    """Hears nothing."""

    def say(self, sentence: str) -> None:
        """Hear of something that the one who waits should know."""

    @contextmanager
    def counting(self, what: str, rows: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG002 - others show it
        """Give what is to be called with each number of rows that are done, until all are."""
        yield lambda _done: None

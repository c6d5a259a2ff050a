"""Chooses what a database's URL is moved from or to with. Nothing else asks which one it is."""

from contextlib import AbstractAsyncContextManager

from ..databases import beside, is_postgresql
from ..sqlite import moving as sqlite
from ..sqlite.database import location_of
from .rows import Rows, Target


def source_of(url: str) -> AbstractAsyncContextManager[Rows]:
    """Return the rows of a database at one moment. It, or entering it, raises StartRefused."""
    if not is_postgresql(url):
        return sqlite.opened(location_of(url))
    from ..postgres import moving as postgres  # Its driver takes a tenth of a second to load.

    return postgres.opened(url)


def target_of(url: str) -> AbstractAsyncContextManager[Target]:
    """Return a database that gets other rows. It, or entering it, raises StartRefused."""
    steering = beside(url, "steering")
    if not is_postgresql(url):
        return sqlite.target(location_of(url), steering)
    from ..postgres import moving as postgres  # As above.

    assert steering is not None  # noqa: S101 - only a database in memory has nothing beside it
    return postgres.target(url, steering)


def named(url: str) -> str:
    """Return what to call a database in a sentence, without its password."""
    if not is_postgresql(url):
        return location_of(url)
    from ..postgres.connections import shown  # As above.

    return shown(url)

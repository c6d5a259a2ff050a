"""Chooses what serves a database's URL: store, board, shelf, files beside it. Nothing else asks which one it is."""

import os
import tempfile
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

from .errors import StartRefused
from .modes import Modes
from .shelf import FolderShelf, Shelf
from .sqlite.database import MEMORY, location_of
from .sqlite.store import SqliteStore
from .steering.board import Board
from .store import Store

POSTGRESQL = ("postgresql", "postgres")


def is_postgresql(url: str) -> bool:
    """Return whether a URL means PostgreSQL, under whichever of its names."""
    return url.partition("://")[0].partition("+")[0] in POSTGRESQL


def beside(url: str, name: str) -> Path | None:
    """Return a file for what the processes of this host on one database share, None for a database in memory.

    It stands beside a SQLite file, where `-journal` behind its name is SQLite's own; for PostgreSQL in a folder of this
    user among the temporary files. Raises StartRefused.
    """
    if is_postgresql(url):
        return _own_folder() / f"{sha256(url.encode()).hexdigest()[:16]}-{name}"
    location = location_of(url)
    return None if location == MEMORY else Path(f"{location}-{name}")


def board_of(url: str, companions: Callable[[], Iterable[Path]]) -> Board:
    """Return where the processes on a database leave what is set. Raises StartRefused for a URL that is not served."""
    path = beside(url, "steering")
    if path is None or not is_postgresql(url):
        return Board(path, companions)
    from .postgres.board import PostgresBoard  # Its driver takes a tenth of a second to load.

    return PostgresBoard(url, path, companions)


def store_of(url: str, modes: Modes, board: Board) -> Store:
    """Return the store over a database. Raises StartRefused for a URL that is not served."""
    if not is_postgresql(url):
        return SqliteStore(location_of(url), modes, board)
    from .postgres.board import PostgresBoard  # As above.
    from .postgres.store import PostgresStore

    assert isinstance(board, PostgresBoard)  # noqa: S101 - board_of has made it from the same URL
    return PostgresStore(url, modes, board)


def shelf_of(url: str) -> Shelf:
    """Return where the named states of a database are kept. Raises StartRefused for a URL that is not served."""
    folder = beside(url, "snapshots")
    if not is_postgresql(url):
        return FolderShelf(folder)
    from .postgres.shelf import TableShelf  # As above.

    return TableShelf(url, folder)


def _own_folder() -> Path:
    """Return a folder that nobody else may enter. Raises StartRefused where there is none, or somebody else's."""
    try:
        folder = Path(tempfile.gettempdir()) / f"tms-standin-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise StartRefused(f"no temporary folder can be used ({error}), expected one that TMPDIR names.") from None
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise StartRefused(f"{folder}: it belongs to somebody else, expected a folder of this user alone.")
    return folder

"""Makes files and folders that nobody else on this machine may read: they hold keys and secrets. It writes nothing."""

import os
from contextlib import suppress
from pathlib import Path

_OWNERS_FILE, _OWNERS_FOLDER = 0o600, 0o700


def make_private(path: Path | str) -> None:
    """Make an empty file for its owner alone where there is none; one that is there keeps its mode.

    What stands in the way is for whoever opens the file to tell. SQLite gives the files beside a database its mode.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNERS_FILE))


def make_private_folder(path: Path) -> None:
    """Make a folder for its owner alone; one that is there keeps its mode."""
    path.mkdir(_OWNERS_FOLDER, exist_ok=True)

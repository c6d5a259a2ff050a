"""Gives a file that is to be mapped all the room it needs. It maps nothing.

A page that a full disk has no room for ends the process that touches it, by SIGBUS.
"""

import os
from pathlib import Path

from .errors import StartRefused


def claim(descriptor: int, path: Path, size: int) -> None:
    """Make an open file so many bytes long, with room on the disk for each. Raises StartRefused where there is none."""
    try:
        os.ftruncate(descriptor, size)
        if hasattr(os, "posix_fallocate"):  # macOS has none.
            os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        raise StartRefused(f"{path}: {error.strerror}, expected room for {size} bytes.") from error

"""Gives a file that is to be mapped all the room it needs. It maps nothing.

A page that a full disk has no room for ends the process that touches it, by SIGBUS.
"""

import os

from .errors import StartRefused


def claim(descriptor: int, size: int) -> None:
    """Make a file so many bytes long, with room on the disk for each. Raises StartRefused where there is none."""
    try:
        os.ftruncate(descriptor, size)
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        raise StartRefused(f"{name}: {error.strerror}, expected room for {size} bytes.") from error

"""`python -m tests.clients.moved`: the stand-in's own command, its clock ahead by what a file in its folder says."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.clock import Clock
from tests.clients.serving import folders_of_processes, serving
from tests.servers import Server

AHEAD = "seconds-ahead"


@contextmanager
def moved(folder: Path, **settings: object) -> Iterator[Server]:
    """Run such a server, its clock right at first."""
    first, *others = folders_of_processes(folder)
    first.mkdir(exist_ok=True)
    (first / AHEAD).write_text("0")
    for other in others:
        other.mkdir()
        (other / AHEAD).symlink_to(first / AHEAD)
    with serving(folder, lambda _port: [sys.executable, "-m", "tests.clients.moved"], **settings) as server:
        yield server


def ahead(server: Server) -> float:
    """Return by how many seconds a server's clock is ahead."""
    return float((server.log_path.parent / AHEAD).read_text())


def put_ahead(server: Server, seconds: float) -> None:
    """Put a server's clock ahead by so many seconds of the right time, from its next look on."""
    written = server.log_path.parent / f"{AHEAD}.new"
    written.write_text(str(seconds))
    written.replace(server.log_path.parent / AHEAD)  # No look finds half a number.


def serve() -> int:
    """Serve, and return the exit status."""
    from app.__main__ import main

    path = Path(AHEAD).absolute()
    Clock.seconds = lambda _clock: time.time() + float(path.read_text())
    return main()


if __name__ == "__main__":
    sys.exit(serve())

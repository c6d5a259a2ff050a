"""Every hostile condition, and how large it is: in full for the command, short for the tests."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.crash import network, storage
from tests.crash.caller import NoAnswerError
from tests.crash.condition import Found, Watched
from tests.load.server import NotReadyError, Server, database_of, start_server, stopping


@dataclass(frozen=True)
class Scale:
    """How long conditions last, in seconds, and how much of something there is."""

    seconds: float = 3
    lock_seconds: float = 10
    slow_seconds: float = 20
    idle: int = 10_000
    senders: int = 500
    megabytes: int = 100


SHORT = Scale(seconds=0.3, lock_seconds=0.5, slow_seconds=1, idle=200, senders=20, megabytes=12)

UNDER_A_SERVER: dict[str, Callable[[Server, Path, Scale], Found]] = {
    "quota": lambda server, _database, scale: storage.quota(server, scale.seconds),
    "locked": lambda server, database, scale: storage.locked(server, database, scale.lock_seconds),
    "clock": lambda server, _database, scale: storage.clock_back(server, scale.seconds),
    "idle": lambda server, _database, scale: network.idle(server, scale.idle),
    "slow": lambda server, _database, scale: network.slow(server, scale.senders, scale.slow_seconds),
    "bodies": lambda server, _database, scale: network.bodies(server, scale.megabytes),
    "headers": lambda server, _database, scale: network.headers(server, scale.megabytes),
}
OF_A_FOLDER: dict[str, Callable[[Path, Scale], Found]] = {
    "disk": lambda folder, scale: storage.full_disk(folder, scale.seconds),
    "read-only": lambda folder, scale: storage.read_only(folder, scale.seconds),
    "removed": lambda folder, scale: storage.removed(folder, scale.seconds),
    "crowd": lambda folder, _scale: network.crowd(folder, files=200),
}
CONDITIONS = [*OF_A_FOLDER, *UNDER_A_SERVER]


def endure(name: str, scale: Scale) -> Found:
    """Put a server of its own under a condition; one that does not answer to the end is a failure, too."""
    with tempfile.TemporaryDirectory(prefix="tms-crash-") as directory:
        folder = Path(directory).resolve()
        try:
            if name in OF_A_FOLDER:
                return OF_A_FOLDER[name](folder, scale)
            with stopping(start_server(folder)) as server:
                return UNDER_A_SERVER[name](server, database_of(folder), scale)
        except (NoAnswerError, NotReadyError) as error:
            return Found(name, "", Watched(), [f"it came to an end: {error}"])

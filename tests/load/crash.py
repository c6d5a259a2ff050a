"""`python -m tests.load.crash`: kill -9 in the middle of createkey load, restart, look for every key answered."""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.load import rows, wrk
from tests.load.report import aligned
from tests.load.scenarios import CREATEKEY
from tests.load.server import database_of, start_server, stopping

LOAD_SECONDS = 10
EARLIEST, LATEST = 0.4, 1.4  # Seconds of load before the kill.


@dataclass(frozen=True)
class Round:
    """One kill: seconds of load before it, keys answered with 201, new rows, keys lost, defects of the file."""

    after: float
    answered: int
    rows: int
    lost: int
    defects: list[str]
    ready_seconds: float

    def failures(self) -> list[str]:
        """Return one sentence for each thing that went wrong; a row that was never answered is none."""
        return [
            *([] if self.answered else ["no key was answered before the kill"]),
            *([f"{self.lost} keys answered are not in the database"] if self.lost else []),
            *self.defects,
        ]


def crash(directory: Path, connections: int, after: float) -> Round:
    """Load a server on the database in `directory`, kill it after some seconds, start it again and compare."""
    file, database = directory / "fingerprints", database_of(directory)
    server = start_server(directory)
    load: subprocess.Popen[str] | None = None
    try:
        before = rows.last_key(database)
        load = wrk.start(server.url, wrk.Load([CREATEKEY], connections, LOAD_SECONDS, notes=wrk.Notes(file)), directory)
        time.sleep(after)
    finally:
        server.kill()
        if load:
            load.send_signal(signal.SIGINT)
            wrk.finish(load, 0)
    with stopping(start_server(directory)) as again:
        given, stored = rows.answered(file), rows.fingerprints_after(database, before)
        lost = len(set(given) - set(stored))
        return Round(after, len(given), len(stored), lost, rows.defects(database), again.ready_seconds)


def _table(rounds: list[Round]) -> str:
    header = ["round", "killed after s", "answered", "new rows", "lost", "file", "ready again s"]
    lines = [
        [
            str(number),
            f"{one.after:.2f}",
            f"{one.answered:,}",
            f"{one.rows:,}",
            str(one.lost),
            "sound" if not one.defects else "; ".join(one.defects),
            f"{one.ready_seconds:.2f}",
        ]
        for number, one in enumerate(rounds, 1)
    ]
    return aligned([header, *lines])


def main() -> int:
    """Kill and restart several times on one database, print a table; return 1 when a key was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--connections", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tms-crash-") as directory:
        rounds = [
            crash(Path(directory), arguments.connections, random.uniform(EARLIEST, LATEST))
            for _ in range(arguments.times)
        ]
    print(_table(rounds))
    failures = [failure for one in rounds for failure in one.failures()]
    print("\n".join(f"FAILED: {failure}." for failure in failures) or "Every key that was answered is there.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

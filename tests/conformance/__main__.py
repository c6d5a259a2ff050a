"""`make conformance`: counts the answers that equal the recordings. Differences go to standard error."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conformance.recordings import RECORDINGS, Recording, differences, serving
from tests.postgresql import Postgres, running_postgres


def count(recording: Recording, postgres: Postgres | None) -> tuple[int, int]:
    """Play one recording on a server of its own and return how many of its answers are equal, and how many it has."""
    steps = different = 0
    with TemporaryDirectory() as folder, serving(recording, Path(folder), postgres) as server:
        for scenario in recording.scenarios():
            steps += len(scenario["steps"])
            for text in differences(recording, scenario, server.url):
                different += 1
                print(f"--- {scenario['name']}: {text}", file=sys.stderr)
    return steps - different, steps


@contextmanager
def _engine(name: str) -> Iterator[Postgres | None]:
    if name == "sqlite":
        yield None
        return
    with TemporaryDirectory() as folder, running_postgres(Path(folder)) as postgres:
        yield postgres


def main() -> int:
    """Print a line for each recording and one for each version with its quirks; return 1 where an answer differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    equal: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    with _engine(parser.parse_args().database) as postgres:
        for recording in RECORDINGS:
            equal_here, steps_here = count(recording, postgres)
            equal[recording.title] += equal_here
            steps[recording.title] += steps_here
            print(f"{equal_here} of {steps_here} answers equal ({recording.title}, {recording.setup})", flush=True)
    for title in steps:
        print(f"{equal[title]} of {steps[title]} answers equal ({title})")
    return 0 if equal == steps else 1


if __name__ == "__main__":
    sys.exit(main())

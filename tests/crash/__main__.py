"""`python -m tests.crash`: kills servers at random moments, puts others under hostile conditions, prints what was lost."""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.crash import report
from tests.crash.condition import Found
from tests.crash.conditions import CONDITIONS, Scale, endure
from tests.crash.databases import Cluster, Folders
from tests.crash.rounds import Round, besiege
from tests.postgresql import running_postgres

TIMES = {"sqlite": 200, "postgresql": 50}


def main(given: Sequence[str] | None = None) -> int:
    """Do all of it, print tables; return 1 when anything was lost, or was not whole afterwards."""
    arguments = _arguments(given)
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    rounds = _kill(arguments.database, arguments.times, seed)
    if rounds:
        print(f"kill -9 on {arguments.database} at random moments, --seed {seed}\n\n{report.kills(rounds)}\n")
    scale = Scale(idle=arguments.idle, megabytes=arguments.megabytes)
    found = [_told(endure(name, scale)) for name in arguments.conditions]
    if found:
        print(f"\n{report.conditions(found)}\n\n{report.described(found)}\n")
    failures = report.failures_of(rounds, found)
    print(report.verdict(failures))
    return 1 if failures else 0


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--database", choices=TIMES, default="sqlite")
    parser.add_argument("--times", type=int, help="kills: 200 on SQLite, 50 on PostgreSQL")
    parser.add_argument("--seed", type=int, help="repeats the moments of another run, as far as a machine can")
    parser.add_argument("--conditions", nargs="*", choices=CONDITIONS, help="all of them with SQLite, else none")
    parser.add_argument("--idle", type=int, default=Scale.idle, help="idle connections")
    parser.add_argument("--megabytes", type=int, default=Scale.megabytes, help="of a body or a head")
    arguments = parser.parse_args(given)
    if arguments.times is None:
        arguments.times = TIMES[arguments.database]
    if arguments.conditions is None:
        arguments.conditions = list(CONDITIONS) if arguments.database == "sqlite" else []
    return arguments


def _kill(database: str, times: int, seed: int) -> list[Round]:
    if not times:
        return []
    rounds = []
    with (
        tempfile.TemporaryDirectory(prefix="tms-crash-") as directory,
        _source(database, Path(directory).resolve()) as source,
        suppress(KeyboardInterrupt),
    ):  # What was found until then is told all the same.
        for one in besiege(Path(directory).resolve(), source, times, random.Random(seed)):
            rounds.append(one)
            _progress(f"{len(rounds)} of {times} kills, {sum(len(one.failures) for one in rounds)} failures")
    _progress("")
    return rounds


@contextmanager
def _source(database: str, folder: Path) -> Iterator[Folders | Cluster]:
    if database == "sqlite":
        yield Folders(folder)
        return
    (folder / "postgresql").mkdir()
    with running_postgres(folder / "postgresql", durable=True) as server:
        yield Cluster(server)


def _told(found: Found) -> Found:
    _progress(f"{found.condition}: {len(found.failures)} failures")
    return found


def _progress(text: str) -> None:
    """Show on a terminal how far it is."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

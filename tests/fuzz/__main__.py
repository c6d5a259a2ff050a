"""`python -m tests.fuzz`: made-up input for every target, a table and one closing line; 1 when something was found."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import generated, guided
from .contract import feeding, wire
from .contract.documents import MAKERS
from .outcome import Outcome, closing, table
from .targets.all import TARGETS

_FOR_SERVERS = 0.5  # of the time; the rest is for the targets
_FOR_HYPOTHESIS = 0.25  # of a target's time; where atheris is absent, all of it
_MINUTES = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Feed everything, or what is named, and print the table."""
    asked = _asked(arguments)
    targets = [name for name in TARGETS if not asked.only or name in asked.only]
    documents = [name for name in (*MAKERS, wire.NAME) if not asked.only or name in asked.only]
    outcomes = []
    for outcome in _outcomes(targets, documents, asked.minutes * 60, asked.seed):
        outcomes.append(outcome)
        print(f"{outcome.target}, {outcome.by}: {outcome.cases:,} cases", file=sys.stderr, flush=True)
        _tell(outcome, asked.finds)
    if targets and not guided.is_installed():
        print(guided.ABSENT)
    print(table(outcomes))
    print(closing(outcomes))
    return 1 if any(outcome.finds for outcome in outcomes) else 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="how long in all; 10 unless told")
    parser.add_argument("--seed", type=int, default=1, help="where hypothesis, atheris and schemathesis begin")
    parser.add_argument("--finds", type=Path, default=Path("build/fuzz"), help="where input that is a find is kept")
    parser.add_argument("--only", nargs="+", choices=[*TARGETS, *MAKERS, wire.NAME], help="these alone")
    return parser.parse_args(arguments)


def _outcomes(targets: list[str], documents: list[str], seconds: float, seed: int) -> Iterator[Outcome]:
    """Feed each for its share of the time."""
    of_servers = seconds * (_FOR_SERVERS if targets else 1) if documents else 0
    for name in targets:
        share = (seconds - of_servers) / len(targets)
        by_hypothesis = share * (_FOR_HYPOTHESIS if guided.is_installed() else 1)
        yield generated.fed(TARGETS[name], by_hypothesis, seed)
        if guided.is_installed():
            yield guided.fed(TARGETS[name], share - by_hypothesis, seed)
    if documents:
        yield from feeding.fed(documents, of_servers / len(documents), seed)


def _tell(outcome: Outcome, folder: Path) -> None:
    """Print each find at once, with the file that has its input."""
    for find in outcome.finds:
        print(f"FIND in {outcome.target}: {find.sentence}\n    kept in {find.kept(folder, outcome.target)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

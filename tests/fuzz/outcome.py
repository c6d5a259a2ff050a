"""What feeding a target has come to, and the table of it. It feeds nothing."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.load.report import aligned


class Find(NamedTuple):
    """Something that does not hold: a sentence, and the input that shows it."""

    sentence: str
    data: bytes

    def kept(self, folder: Path, target: str) -> Path:
        """Write the input to a file and return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{target.replace(' ', '-')}-{hashlib.sha256(self.data).hexdigest()[:12]}"
        path.write_bytes(self.data)
        return path


class Outcome(NamedTuple):
    """One row: the target, what made its input, for how long, how many inputs, and the finds."""

    target: str
    by: str
    seconds: float
    cases: int
    finds: tuple[Find, ...] = ()


def table(outcomes: Iterable[Outcome]) -> str:
    """Return the rows in columns."""
    rows = [[one.target, one.by, f"{one.seconds:.0f}", f"{one.cases:,}", str(len(one.finds))] for one in outcomes]
    return aligned([["target", "by", "seconds", "cases", "finds"], *rows])


def closing(outcomes: Iterable[Outcome]) -> str:
    """Return the last line."""
    rows = list(outcomes)
    cases, seconds = sum(row.cases for row in rows), sum(row.seconds for row in rows)
    finds = sum(len(row.finds) for row in rows)
    return f"{cases:,} cases in {seconds:.0f} seconds, {finds} find{'' if finds == 1 else 's'}"

"""`python -m tests.load.longlife`: is there a pause while housekeeping is under way, and what do a million keys cost?

A missed goal is printed as missed; a wrong answer, or a sweep that left or took what it should not, makes it fail.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.load import wrk
from tests.load.million import Million, million
from tests.load.pauses import Pauses, pauses
from tests.load.report import Verdict, aligned
from tests.load.turns import HEADER, Row

SPEED_GOAL = 0.80  # of the speed on the seed alone
PAUSE_GOAL = 100.0  # ms, which people begin to see
KEYS, ENDED = 1_000_000, 100_000


def verdicts(kept: Pauses, grown: Million) -> list[Verdict]:
    """Return whether each goal was met."""
    return [
        *[_on_pause(row) for row in kept.rows if row.condition != "nothing else"],
        *[_on_speed(row) for row in grown.rows if "createkey" not in row.request and row.condition == "among many"],
    ]


def _on_pause(row: Row) -> Verdict:
    what, goal = f"{row.request}, {row.condition}: longest answer", f"below {PAUSE_GOAL:g} ms"
    return Verdict(what, goal, f"{row.longest:.1f} ms", row.longest < PAUSE_GOAL)


def _on_speed(row: Row) -> Verdict:
    what = f"{row.request}, {row.condition}: share of the speed on the seed alone, by CPU"
    return Verdict(what, f"{SPEED_GOAL:.2f}", f"{row.cpu_ratio:.2f}", row.cpu_ratio >= SPEED_GOAL)


def told(kept: Pauses, grown: Million) -> str:
    """Return everything as text."""
    judged = [[one.what, one.goal, one.measured, "met" if one.met else "missed"] for one in verdicts(kept, grown)]
    failures = [*kept.failures, *grown.failures]
    notes = [
        f"{kept.ended:,} rows had ended long ago; {kept.seconds:.0f} s after the runs {kept.left:,} of them were left.",
        f"Load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores.",
        *[f"FAILED: {failure}." for failure in failures],
        f"{sum(line[3] == 'met' for line in judged)} of {len(judged)} goals met, {len(failures)} failures.",
    ]
    tables = [
        aligned([HEADER, *[row.cells() for row in kept.rows]]),
        aligned([HEADER, *[row.cells() for row in grown.rows]]),
        aligned([[f"{grown.keys:,} keys", "seed alone", "among many", "ratio"], *grown.others]),
        aligned([["goal", "wanted", "measured", ""], *judged]),
    ]
    return "\n\n".join([*tables, "\n".join(notes)])


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the tables; return 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5, help="seconds of each run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=KEYS)
    parser.add_argument("--ended", type=int, default=ENDED, help="flows, grants with two tokens, and logins that ended")
    parser.add_argument("--most", type=int, default=wrk.UNLIMITED, help="requests of each run at most")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tms-longlife-") as name:
        kept = pauses(asked.seconds, asked.rounds, asked.ended, asked.most, Path(name))
        grown = million(asked.seconds, asked.rounds, asked.keys, asked.most, Path(name))
    print(told(kept, grown))
    return 1 if kept.failures or grown.failures else 0


if __name__ == "__main__":
    sys.exit(main())

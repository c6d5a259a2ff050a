"""`make conformance`: counts the answers that equal the recordings. Differences go to standard error."""

import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conformance.recordings import RECORDINGS, Recording, differences, serving


def count(recording: Recording) -> tuple[int, int]:
    """Play one recording on a server of its own and return how many of its answers are equal, and how many it has."""
    steps = different = 0
    with TemporaryDirectory() as folder, serving(recording, Path(folder)) as server:
        for scenario in recording.scenarios():
            steps += len(scenario["steps"])
            for text in differences(recording, scenario, server.url):
                different += 1
                print(f"--- {scenario['name']}: {text}", file=sys.stderr)
    return steps - different, steps


def main() -> int:
    """Print a line for each recording and one for each version with its quirks; return 1 where an answer differs."""
    equal: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    for recording in RECORDINGS:
        equal_here, steps_here = count(recording)
        equal[recording.title] += equal_here
        steps[recording.title] += steps_here
        print(f"{equal_here} of {steps_here} answers equal ({recording.title}, {recording.setup})", flush=True)
    for title in steps:
        print(f"{equal[title]} of {steps[title]} answers equal ({title})")
    return 0 if equal == steps else 1


if __name__ == "__main__":
    sys.exit(main())

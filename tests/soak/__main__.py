"""`python -m tests.soak`: the load suite's mixture for a long time; prints tables, judges, and ends with status 1 on a failure."""

import argparse
import signal
import sys

from tests.load.server import NotReadyError
from tests.postgresql import NoPostgresError
from tests.soak import table
from tests.soak.databases import POSTGRESQL, SQLITE
from tests.soak.run import Plan, Soak, soak

LONGEST_PACE = (
    3.0  # uvicorn closes connections that are silent for five seconds, and users wait up to half as long again
)
INTERRUPTED = 130


def plans(arguments: list[str] | None = None) -> list[Plan]:
    """Return one plan for each number of users on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of each number of users (60)")
    parser.add_argument("--users", default="25,100", help="numbers of users, with commas; one run each (25,100)")
    parser.add_argument("--pace", type=float, default=0.2, help="seconds between a user's requests; 0: flat out (0.2)")
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL), default=SQLITE)
    asked = parser.parse_args(arguments)
    if not 0 <= asked.pace <= LONGEST_PACE:
        parser.error(f"--pace {asked.pace:g}: expected 0 to {LONGEST_PACE:g} s, so that connections are kept alive")
    if asked.minutes <= 0:
        parser.error(f"--minutes {asked.minutes:g}: expected more than 0")
    users = asked.users.split(",")
    if not all(count.isdecimal() and int(count) for count in users):
        parser.error(f"--users {asked.users}: expected whole numbers with commas, such as 25,100")
    return [Plan(int(count), asked.minutes * 60, asked.pace, asked.database) for count in users]


def told(seen: Soak) -> list[str]:
    """Print the tables of one run and return a sentence for each thing that went wrong."""
    plan, judged = seen.plan, seen.verdicts()
    print(f"\n{plan}\n")
    print(table.tenths(seen))
    print(f"\n{table.answers(seen)}\n\n{table.verdicts(judged)}", flush=True)
    return [f"{plan.users} users: {one.what}: {one.measured}; {one.bound}" for one in judged if one.met is False]


def closing(failures: list[str], seen: list[Soak], planned: int) -> tuple[str, int]:
    """Return the last line and the exit status."""
    requests = sum(one.record.requests for one in seen)
    if failures:
        return "FAILED: " + "; ".join(failures) + ".", 1
    if len(seen) < planned or seen[-1].interrupted:
        return f"Interrupted; not one failure in {requests:,} requests until then.", INTERRUPTED
    unjudged = sum(one.met is None for run in seen for one in run.verdicts())
    short = f", {unjudged} not judged for want of time" if unjudged else ""
    return f"Every bound was met{short}: {requests:,} requests, not one failure.", 0


def main(arguments: list[str] | None = None) -> int:
    """Soak with each number of users in turn and print; return 0, 1 on a failure, 130 where a signal came first.

    Where a server does not start it is 2.
    """
    planned, seen, failures = plans(arguments), [], []
    # While no users live, a SIGTERM ends the start in order as well.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for plan in planned:
            seen.append(soak(plan))
            failures += told(seen[-1])
            if seen[-1].interrupted:
                break
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
    except (NoPostgresError, NotReadyError) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        signal.signal(signal.SIGTERM, before)
    line, status = closing(failures, seen, len(planned))
    print(line)
    return status


if __name__ == "__main__":
    sys.exit(main())

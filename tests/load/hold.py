"""`python -m tests.load.hold`: the four requests of the load suite at once against a running server, for a while.

Not one may fail, and with `--database` the number of 201 answers has to be the number of new rows.
"""

import argparse
import sqlite3
import sys
import tempfile
from pathlib import Path

from tests.load import rows, wrk
from tests.load.report import aligned
from tests.load.scenarios import LOAD_SUITE


def hold(
    url: str, seconds: float, connections: int, directory: Path, database: Path | None
) -> tuple[wrk.Result, list[str]]:
    """Return the figures of the mixed load and every failure: answers, sockets, and rows where `database` is given."""
    file = directory / "fingerprints"
    before = rows.last_key(database) if database else 0
    result = wrk.run(url, wrk.Load(LOAD_SUITE, connections, seconds, notes=wrk.Notes(file)), directory)
    if database is None:
        return result, result.failures()
    new = rows.fingerprints_after(database, before)
    return result, [*result.failures(), *rows.difference(rows.answered(file), new)]


def _table(result: wrk.Result, new_rows: str) -> str:
    cells = {
        "requests": f"{result.requests:,}",
        "seconds": f"{result.duration:.1f}",
        "requests/s": f"{result.rate:,.0f}",
        "p50 ms": f"{result.p50:.2f}",
        "p99 ms": f"{result.p99:.2f}",
        "max ms": f"{result.max:.2f}",
        **{f"answers {status}": f"{count:,}" for status, count in result.answers.items()},
        **{f"socket errors: {kind}": str(count) for kind, count in result.socket_errors.items()},
        "without an answer": str(result.unanswered),
        "new rows": new_rows,
    }
    return aligned(list(cells.items()))


def main() -> int:
    """Run the load, print what came back; return 1 when anything failed, 2 when it could not be run at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="the server, on this machine")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--database", type=Path, help="the server's SQLite file, to compare answers with rows")
    arguments = parser.parse_args()
    database: Path | None = arguments.database
    try:
        before = rows.count_keys(database) if database else 0
        with tempfile.TemporaryDirectory(prefix="tms-hold-") as directory:
            result, failures = hold(arguments.url, arguments.seconds, arguments.connections, Path(directory), database)
        new_rows = f"{rows.count_keys(database) - before:,}" if database else "not looked at"
    except (wrk.NotLoopbackError, wrk.WrkError) as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except sqlite3.Error as error:
        print(f"{database} cannot be read as the server's SQLite file: {error}.", file=sys.stderr)
        return 2
    print(_table(result, new_rows))
    print("\n".join(f"FAILED: {failure}." for failure in failures) or "Not one failure.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.load.moving`: how fast a state with many keys moves from SQLite to PostgreSQL and back.

Each step is the command line in a process of its own; the table ends with the most memory that it had.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from app.schema import Preparation
from app.seed import plant
from app.sqlite.database import open_sqlite, prepare
from tests.clocks import StillClock
from tests.load.report import aligned
from tests.postgresql import running_postgres
from tests.servers import ADMIN_SECRET, ROOT

KEYS = 1_000_000
FILL = """
WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?)
INSERT INTO pubkeys (tenant, client_id, client_user_id, host, host_account, public_key_fingerprint, public_key, key_type,
    key_bits, max_uses, remaining_uses, initial_ttl_minutes, expires_at, created, updated)
SELECT tenant, client_id, client_user_id, host, host_account, 'SHA256:' || hex(randomblob(21)) || number,
    'ssh-ed25519 ' || hex(randomblob(34)), key_type, key_bits, max_uses, remaining_uses, initial_ttl_minutes,
    expires_at, created, updated
FROM pubkeys, numbers WHERE id = 1
"""


def fill(path: Path, keys: int) -> None:
    """Make a database with the standard seed and so many keys more."""
    now = StillClock().now()
    seed = Preparation(
        lambda begun: plant(begun, "standard", ADMIN_SECRET, now, False), lambda _begun: None, enable_test_tenant=True
    )
    with closing(open_sqlite(str(path))) as connection:
        prepare(connection, str(path), seed)
        connection.execute(FILL, [keys])


def moved(*arguments: str) -> tuple[float, int]:
    """Run the command line; return the seconds and the most kilobytes it had. Raises CalledProcessError."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "app", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return time.perf_counter() - begun, used.ru_maxrss


def measured(folder: Path, keys: int) -> list[list[str]]:
    """Return a row for each step. Raises CalledProcessError."""
    with running_postgres(folder) as postgres:
        here, there, again = f"sqlite:///{folder / 'here.db'}", postgres.create(), f"sqlite:///{folder / 'again.db'}"
        one, two = str(folder / "one.sqlite"), str(folder / "two.sqlite")
        fill(folder / "here.db", keys)
        steps = {
            "export from SQLite": ("export", "--database", here, one),
            "import into PostgreSQL": ("import", "--database", there, one),
            "export from PostgreSQL": ("export", "--database", there, two),
            "import into SQLite": ("import", "--database", again, two),
        }
        return [_row(step, keys, *moved(*arguments)) for step, arguments in steps.items()]


def count(path: Path) -> int:
    """Return how many keys a database has."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM pubkeys").fetchone()[0])


def _row(step: str, keys: int, seconds: float, kilobytes: int) -> list[str]:
    return [step, f"{seconds:.1f} s", f"{keys / seconds:,.0f} keys/s", f"{kilobytes / 1024:.0f} MiB"]


def main(arguments: list[str] | None = None) -> int:
    """Measure and print the table; the status is 1 where keys are missing at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=KEYS)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(Path(folder), asked.keys)
        arrived = count(Path(folder) / "again.db")
    print(aligned([[f"{asked.keys:,} keys", "took", "", "memory"], *rows]))
    print(f"moving: {arrived - 1:,} of {asked.keys:,} keys are there after both ways")
    return 0 if arrived == asked.keys + 1 else 1


if __name__ == "__main__":
    sys.exit(main())

"""`make test-postgresql`: the tests that run a stand-in in their own process, over a real PostgreSQL in place of memory.

Arguments go to pytest; without any these are the tests of TMS, of the authorization server and of Tapis.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from app.clock import Clock
from app.postgres.preparation import prepare
from app.schema import Preparation
from app.seed import plant
from tests.databases import SEEDED, SERVER
from tests.postgresql import running_postgres
from tests.servers import ADMIN_SECRET

SUITES = ["tests/tms", "tests/oauth", "tests/tapis"]
# What these look at is SQLite's own: its file, its connection, or a process that the test starts on one.
ELSEWHERE = "not on_sqlite"


def main(arguments: list[str]) -> int:
    """Run pytest and return its status."""
    with tempfile.TemporaryDirectory() as folder, running_postgres(Path(folder)) as postgres:
        postgres.run(f"CREATE DATABASE {SEEDED} TEMPLATE template0")
        seed = Preparation(
            lambda begun: plant(begun, "standard", ADMIN_SECRET, Clock().now(), False), lambda _begun: None, True
        )
        asyncio.run(prepare(postgres.url(SEEDED), seed))
        server = postgres.url("").rstrip("/")
        command = [sys.executable, "-m", "pytest", "-m", ELSEWHERE, *(arguments or [*SUITES, "-n", "2"])]
        return subprocess.run(command, env=os.environ | {SERVER: server}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

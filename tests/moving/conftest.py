"""Fixtures: empty databases of both kinds, a state in which every table has rows, and listeners."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.command import main
from app.oauth_tables import metadata
from app.sqlite.database import open_sqlite, prepare
from tests.command.conftest import Outcome, environment
from tests.postgres.conftest import planting
from tests.postgresql import Postgres
from tests.test_migrations import FILL, FILL_OAUTH, MOMENT, NEVER

Run = Callable[..., Outcome]

# Beside the rows of the tests of migrations: other letters, a long number, microseconds, polls out of order, spent ids.
FILL_REST = f"""
INSERT INTO device_flows (user_code, device_code_hash, issuer, dialect, client_id, scope, resource, address, user_agent,
        status, interval, wait_seconds, polls, created, expires_at, token_seconds)
    VALUES ('BCDF', 'other', '', 'rfc8628', 'client1', 'é "\\ 日本', '', '', '', 'pending', 5, 0, 2,
        '2026-11-23T18:00:00.123456+00:00', '{NEVER}', 9000000000);
INSERT INTO device_polls (user_code, number, at, gap_milliseconds, answer, remarks)
    VALUES ('BCDF', 10, '{MOMENT}', NULL, 'slow_down', ''), ('BCDF', 2, '{MOMENT}', 5, 'slow_down', '');
UPDATE sqlite_sequence SET seq = seq + 40 WHERE name = 'pubkeys';
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `full` is a copy of."""
    path = tmp_path_factory.mktemp("full") / "full.db"
    with closing(open_sqlite(str(path))) as connection:
        prepare(connection, str(path), planting("empty"))
        connection.executescript("DELETE FROM admin; DELETE FROM tenants;" + FILL + FILL_OAUTH + FILL_REST)
    return path


@pytest.fixture
def full(made: Path, tmp_path) -> Path:
    """A database in which every table has rows, and ids are spent."""
    return Path(shutil.copy(made, tmp_path))


@pytest.fixture
def empty_postgres(postgres: Postgres) -> Iterator[str]:
    """The URL of a database without any table."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command line in this process."""

    def run_here(*arguments: object) -> Outcome:
        status = main([str(argument) for argument in arguments])
        return Outcome(status, *capsys.readouterr())

    return run_here


def sqlite(path: Path) -> str:
    """Return the URL of a file."""
    return f"sqlite:///{path}"


def everything(path: Path) -> dict[str, list[tuple]]:
    """Return all rows of a database file by table, and the last ids."""
    with closing(sqlite3.connect(path)) as connection:
        ids = connection.execute("SELECT name, seq FROM sqlite_sequence WHERE seq ORDER BY name").fetchall()
        rows = {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in metadata.tables}
    return rows | {"last ids": ids}


def many_hosts(path: Path, hosts: int) -> None:
    """Add rows to a table that nothing refers to."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?) "
            "INSERT INTO hosts (tenant, host, addr, created, updated) "
            "SELECT tenant, 'many' || number, '', created, updated FROM tenants, numbers WHERE tenant = 'test'",
            [hosts],
        )
        connection.commit()


def begun(*arguments: object) -> subprocess.Popen[str]:
    """Start a command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "app", *map(str, arguments)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

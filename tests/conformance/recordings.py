"""Runs the server that a recording needs, and plays the recording against it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.conformance import recordings
from app.conformance.recordings import Recording, Scenario
from tests.postgresql import Postgres
from tests.servers import ADMIN_SECRET, STANDARD, Server, running

VARIABLES = {"admin_default": ADMIN_SECRET, "admin_test": ADMIN_SECRET}
SETUPS: dict[str, dict[str, object]] = {
    "standard": {},
    "mvp": {"enable_mvp": True},
    "closed": {"enable_test_tenant": False},
    "no-clients": {"new_clients": "disallow"},
}
RECORDINGS = [
    Recording(version, quirks, setup)
    for version, quirks in (("0.3.0", "intended"), ("0.3.0", "real"), ("0.1.0", "intended"))
    for setup in SETUPS
]


@contextmanager
def serving(recording: Recording, folder: Path, postgres: Postgres | None = None) -> Iterator[Server]:
    """Run a server with the version, quirks and settings of a recording, over SQLite or a new database of PostgreSQL."""
    settings = STANDARD | SETUPS[recording.setup] | ({} if postgres is None else {"database": postgres.create()})
    with running(folder, wire_version=recording.version, quirks=recording.quirks, **settings) as server:
        yield server


def differences(recording: Recording, scenario: Scenario, url: str) -> list[str]:
    """Play a scenario and return one text for each answer that differs."""
    return recordings.differences(recording, scenario, url, VARIABLES)

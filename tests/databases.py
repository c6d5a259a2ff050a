"""The database of a stand-in that a test runs in its own process: in memory, or in PostgreSQL where that is asked for.

`python -m tests.on_postgresql` asks for it, with the address of a server in an environment variable.
"""

import os
import subprocess
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.postgresql import program

SERVER = "TMS_STANDIN_TESTS_POSTGRESQL"
SEEDED = "seeded"  # the database that new ones are copied from, if they are to have the usual seed


def fresh_database(settings: Mapping[str, Any]) -> str:
    """Return the URL of a database that nobody else uses, for a stand-in with these settings."""
    server = os.environ.get(SERVER)
    if server is None:
        return "sqlite://"
    name = f"test_{uuid.uuid4().hex}"
    template = "template0" if {"seed", "wire_version"} & set(settings) else SEEDED
    statement = f'CREATE DATABASE "{name}" TEMPLATE {template}'
    subprocess.run([_psql(), "--no-psqlrc", "--quiet", "--command", statement, f"{server}/postgres"], check=True)
    return f"{server}/{name}"


@cache
def _psql() -> str:
    return program("psql")

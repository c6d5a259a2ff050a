"""Fixtures: the schema without any row."""

from contextlib import closing

import pytest

from app.schema import Preparation
from app.sqlite.database import MEMORY, open_sqlite, prepare


@pytest.fixture(scope="module")
def schema():
    """Return a migrated database in memory without any row."""
    with closing(open_sqlite(MEMORY)) as connection:
        prepare(connection, MEMORY, Preparation(lambda _begun: None, lambda _begun: None, enable_test_tenant=True))
        yield connection

"""The short form of the kills, on real servers; and whatever is taken away or broken behind a server's back is found."""

import random
import sqlite3
from contextlib import closing, contextmanager
from types import SimpleNamespace

import pytest

from tests.crash import rounds
from tests.crash.condition import not_whole
from tests.crash.databases import Folders
from tests.crash.rounds import FIRST_START, SHUTDOWN, START, UNDER_LOAD, Siege

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def siege(tmp_path_factory):
    """Give a server that was killed once under a load of a second, and found to be whole."""
    folder = tmp_path_factory.mktemp("siege")
    chance = random.Random(1)
    besieged = Siege(folder, Folders(folder))
    besieged.first = besieged.round(UNDER_LOAD, SimpleNamespace(uniform=lambda *_bounds: 1.5))
    assert not_whole(besieged.server) == []  # It leaves a key, a redeemed flow and its tokens behind.
    yield besieged, chance
    besieged.close()


def test_a_server_that_was_killed_under_load(siege):
    """Everything that was answered is there, and something was."""
    besieged, _ = siege
    assert besieged.first.failures == []
    assert besieged.first.answered > 0
    assert besieged.first.happened <= besieged.first.asked


def test_a_server_that_was_killed_while_it_shut_down(siege):
    """What it answered at last is there as well."""
    besieged, chance = siege
    assert besieged.round(SHUTDOWN, chance).failures == []


BREAKS = {
    "a user": (
        "DELETE FROM user_mfa WHERE tms_user_id = 'testuser1'",
        "user testuser1 was answered as there and is not there",
    ),
    "an expiry": ("UPDATE user_hosts SET expires_at = updated", "mapping testuser1 was answered as never and is 0"),
    "a client that came back": (
        "UPDATE clients SET client_id = 'gone' WHERE client_id = 'testclient1'",
        "client gone was answered as not there and is there",
    ),
    "a delegation behind a key": ("DELETE FROM delegations", "keys have no delegation"),
    "a grant behind a flow": ("UPDATE device_flows SET grant_id = 'none'", "redeemed flows have no grant"),
    "a successor": ("UPDATE oauth_refresh_tokens SET used_at = created", "one was used without its successor"),
    "a parent": ("DELETE FROM oauth_grants", "rows break oauth_access_tokens_grant_id_fkey"),
    "an administrator": ("DELETE FROM admin WHERE tenant = 'test'", "not all administrators of the seed are there"),
}


@pytest.mark.parametrize(("statement", "told"), BREAKS.values(), ids=BREAKS)
def test_what_is_lost_is_found(siege, statement, told):
    """Each row that was answered and is gone, each that came back, each half of a request."""
    besieged, _ = siege
    besieged.ledger.known |= {("client", "gone"): None, ("mapping", "testuser1"): ("never",)}
    with broken(besieged.database.path, statement):
        assert any(told in failure for failure in besieged.failures())
    assert besieged.failures() == []


def test_a_wrong_answer_and_a_line_of_the_log_are_failures(siege):
    """A load that is refused is no load, and an exception is one though everything was answered."""
    besieged, _ = siege
    besieged._wrong["POST client was answered 500"] += 2
    with besieged.server.log.open("a") as log:
        log.write('Traceback (most recent call last):\n  File "a", line 1\n    b\nZeroDivisionError: c\n')
    assert besieged.failures() == [
        "2 times POST client was answered 500",
        "the log has a trace: ZeroDivisionError: c",
    ]
    besieged._wrong.clear()
    assert besieged.failures() == []


def test_a_first_start_that_was_killed(siege):
    """The next one makes tables and seed whole, and knows nothing of the database before."""
    besieged, chance = siege
    found = besieged.round(FIRST_START, chance)
    assert (found.failures, found.things) == ([], 2)


def test_every_part_of_a_life_is_met():
    """Each moment has a share of the rounds."""
    assert set(rounds.MOMENTS) == {UNDER_LOAD, SHUTDOWN, START, FIRST_START}
    assert min(rounds.MOMENTS.values()) > 0


@contextmanager
def broken(path, statement):
    """Change rows behind the server's back, foreign keys unheeded, and put all of them back at the end."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        kept = sqlite3.connect(":memory:")
        connection.backup(kept)
        connection.execute(statement)
        yield
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        connection.execute("BEGIN")
        for table in tables:
            stored = kept.execute(f"SELECT * FROM {table}").fetchall()
            connection.execute(f"DELETE FROM {table}")
            if stored:
                connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(stored[0]))})", stored)
        connection.execute("COMMIT")
        kept.close()

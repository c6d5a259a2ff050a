"""The same kills on PostgreSQL, that of PostgreSQL itself included, and rows taken away behind both."""

import random
from types import SimpleNamespace

import pytest

from tests.crash.condition import not_whole
from tests.crash.databases import Cluster
from tests.crash.rounds import BOTH, START, Siege
from tests.postgresql import running_postgres

pytestmark = [pytest.mark.timeout(300), pytest.mark.system("postgresql", "pg_ctlcluster")]


@pytest.fixture(scope="module")
def siege(tmp_path_factory):
    """Give a server on a PostgreSQL of its own; both were killed under load."""
    folder = tmp_path_factory.mktemp("siege")
    (folder / "postgresql").mkdir()
    with running_postgres(folder / "postgresql", durable=True) as server:
        besieged = Siege(folder, Cluster(server))
        besieged.first = besieged.round(BOTH, SimpleNamespace(uniform=lambda *_bounds: 1.5))
        yield besieged
        besieged.close()


def test_a_server_that_was_killed_with_its_database(siege):
    """Everything that was answered is there, and something was."""
    assert siege.first.failures == []
    assert siege.first.answered > 0


def test_a_server_that_was_killed_in_a_start(siege):
    """On the same database."""
    assert siege.round(START, random.Random(1)).failures == []


def test_what_is_lost_is_found_here_too(siege):
    """A user, the parent of a row, and the grant behind a token: by queries, since PostgreSQL does not look again."""
    assert not_whole(siege.server) == []
    breaks = "DELETE FROM user_mfa; DELETE FROM oauth_grants"
    cluster, url = siege._source.server, siege.database.url
    cluster.run(f"SET session_replication_role = replica; {breaks}", url.rpartition("/")[2])
    told = "\n".join(siege.failures())
    for sentence in (
        "user testuser1 was answered as there and is not there",
        "keys have no user",
        "access tokens have no grant",
        "rows break pubkeys_tenant_client_user_id_fkey",
        "rows break oauth_refresh_tokens_grant_id_fkey",
    ):
        assert sentence in told

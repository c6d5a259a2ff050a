"""Four processes, each as on a host of its own, on one PostgreSQL behind nginx: the short form of `make scale`.

The tests share one set of replicas; those at the end leave fewer of them.
"""

import signal

import pytest

from app.conformance.recordings import Recording
from tests.clients import test_requests_oauth2client as real
from tests.clients.conftest import metadata_of
from tests.clients.drive import Control, http_client
from tests.raw import connected, request_of
from tests.replicas import once, outages, steering
from tests.replicas.asking import good, reset
from tests.replicas.recordings import as_seen_behind_nginx, differences_behind_nginx

pytestmark = [pytest.mark.system("postgresql", "pg_ctlcluster"), pytest.mark.system("nginx", "nginx")]

INTENDED = Recording("0.3.0", "intended", "standard")


@pytest.mark.parametrize("name", once.CHECKS)
def test_what_happens_once(lines, name):
    """Whoever of the four is asked, and however many at the same moment."""
    once.rounds(lines, once.CHECKS[name], 2)


def test_what_is_set_on_one_holds_on_all(lines):
    """Clock, modes, faults, journal and reset, at the very next request."""
    steering.each(lines, seed=1)


@pytest.mark.parametrize("seed", [2])
def test_what_is_set_in_any_order(lines, seed):
    """By any of them and seen by any other."""
    assert len(steering.interleaved(lines, seed, 20)) == 20


def test_a_rule_with_a_count_strikes_so_often(lines):
    """All four together, who also agree on how often."""
    steering.struck_exactly(lines, strikes=13, asked=6)


def test_what_all_set_at_once(lines):
    """No change is lost."""
    steering.set_at_once(lines)


def test_the_recordings_behind_nginx(cluster, lines):
    """The answers of the real server, standard setup; the others are played by `make scale`."""
    found = [
        text for one in INTENDED.scenarios() for text in differences_behind_nginx(INTENDED, one, cluster.nginx.url)
    ]
    reset(lines[0])
    assert found == []


def test_a_closed_connection_is_nginx_s_502(cluster, lines):
    """What the real server answers to a list of tenants (D2) no proxy can pass on; all replicas serve on."""
    good(lines[0].patch("/_standin/settings", json={"quirks": "real"}))
    recording = Recording("0.3.0", "real", "standard")
    [scenario] = [one for one in recording.scenarios() if one["name"] == "client-list"]
    closed = [step["answer"]["status"] for step in scenario["steps"]].count(0)
    seen = [step["answer"]["status"] for step in as_seen_behind_nginx(scenario)["steps"]].count(502)
    assert closed == seen > 0
    assert differences_behind_nginx(recording, scenario, cluster.nginx.url) == []
    reset(lines[0])


def test_nginx_changes_nothing_of_a_request(cluster, lines):
    """Its path byte for byte, its Host, odd headers and a body of some megabytes reach the stand-in, which refuses it."""
    good(lines[0].patch("/_standin/settings", json={"journal": True}))
    target = "/v1//tms/./hello%2F%e9?name=%zz&a=b%20c"
    body = b"x" * 3_000_000
    with connected(int(cluster.nginx.url.rpartition(":")[2])) as connection:
        connection.send(request_of("POST", target, "X_TMS_odd: 1", "x.y: é", body=body))
        assert connection.answer().status == 400
    found = [entry for line in lines for entry in good(line.get("/_standin/journal"))["entries"]]
    [entry] = [one for one in found if one["path"].startswith("/v1//tms")]
    reset(lines[0])
    assert entry["path"] == target
    assert entry["request"]["headers"]["host"] == "standin"


def test_a_real_client_logs_in_behind_nginx(cluster):
    """requests-oauth2client polls, waits, has its tokens and is judged; `make scale` runs all clients this way."""
    with http_client(cluster.front) as http:
        metadata = metadata_of(http, "/issuers/behind-nginx")
        assert metadata["issuer"] == f"{cluster.nginx.url}/issuers/behind-nginx"
        with real.client_of(metadata, "testclient1", "secret1") as client:
            real.test_logs_in(client, Control(http))


def test_postgresql_is_restarted_under_all(cluster, lines):
    """503 with Retry-After meanwhile, readiness red; then all goes on by itself, with what was set."""
    outages.database_restarted(cluster, lines, signal.SIGQUIT)


def test_postgresql_is_restarted_under_quirks_real(cluster, lines):
    """Meanwhile TMS answers what the real server does."""
    outages.database_restarted_for_real(cluster, lines)


def test_a_replica_is_killed_in_the_middle_of_a_reset(cluster, lines):
    """The others have the rows of before, all of them, and can reset."""
    outages.killed_in_a_reset(cluster, cluster.replicas[3], lines[:3])


def test_a_replica_is_killed_under_load(cluster):
    """What it had read is answered with 502; no key is lost, and nginx asks the others."""
    assert outages.replica_killed(cluster, cluster.replicas[2], keys=20).keys

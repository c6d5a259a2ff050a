"""Plays the recordings of the real servers against replicas behind nginx, which has one word for itself: 502."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.conformance.recordings import Recording, Scenario
from tests.conformance.recordings import SETUPS, differences
from tests.postgresql import Postgres
from tests.replicas.cluster import Cluster, running_cluster
from tests.servers import STANDARD

# nginx's own page. A connection that a server closes without an answer (D2) cannot be passed on by a proxy.
BAD_GATEWAY = {
    "status": 502,
    "type": "text/html",
    "body": "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>"
    "\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
}
CLOSED = 0  # the status by which the recordings know such a connection


@contextmanager
def replicas_for(recording: Recording, folder: Path, postgres: Postgres) -> Iterator[Cluster]:
    """Run replicas with the version, quirks and settings of a recording."""
    settings = STANDARD | SETUPS[recording.setup]
    with running_cluster(folder, postgres, wire_version=recording.version, quirks=recording.quirks, **settings) as all_:
        yield all_


def differences_behind_nginx(recording: Recording, scenario: Scenario, url: str) -> list[str]:
    """Play a scenario; what the real server answers by closing the connection has to be nginx's 502."""
    return differences(recording, as_seen_behind_nginx(scenario), url)


def as_seen_behind_nginx(scenario: Scenario) -> Scenario:
    """Return a scenario with nginx's 502 in the place of closed connections, everything else as it is."""
    return {**scenario, "steps": [_as_seen(step) for step in scenario["steps"]]}


def _as_seen(step: Scenario) -> Scenario:
    return {**step, "answer": BAD_GATEWAY} if step["answer"]["status"] == CLOSED else step

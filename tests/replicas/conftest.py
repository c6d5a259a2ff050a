"""Fixtures: four replicas on one PostgreSQL behind nginx, once for all tests here, and a client of each."""

from collections.abc import Iterator

import httpx
import pytest

from tests.postgresql import Postgres
from tests.replicas.asking import lines_to
from tests.replicas.cluster import Cluster, running_cluster
from tests.servers import STANDARD


@pytest.fixture(scope="module")
def cluster(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Four replicas in the standard setup."""
    with running_cluster(tmp_path_factory.mktemp("replicas"), postgres, oauth__interval=1, **STANDARD) as cluster:
        yield cluster


@pytest.fixture
def lines(cluster: Cluster) -> Iterator[list[httpx.Client]]:
    """Return a client of each replica that is still there."""
    with lines_to(cluster) as lines:
        yield [line for line, replica in zip(lines, cluster.replicas, strict=True) if replica.process.poll() is None]

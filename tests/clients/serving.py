"""The server of the client tests: one process, or four replicas on one PostgreSQL behind nginx where that is asked for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql import running_postgres
from tests.replicas.cluster import REPLICAS, running_cluster
from tests.servers import Command, Server, as_module, running

BEHIND_REPLICAS = "TMS_STANDIN_TESTS_BEHIND_REPLICAS"  # set to anything, it asks for them, as `make scale` does


@contextmanager
def serving(folder: Path, command: Command = as_module, **settings: object) -> Iterator[Server]:
    """Run what is asked for; whoever uses it need not know which it is."""
    if not os.environ.get(BEHIND_REPLICAS):
        with running(folder, command, **settings) as server:
            yield server
        return
    own = folder / "postgresql"
    own.mkdir()
    with running_postgres(own) as postgres, running_cluster(folder, postgres, command=command, **settings) as cluster:
        yield cluster.front


def folders_of_processes(folder: Path) -> list[Path]:
    """Return in which folders the processes of a server below a folder will run."""
    if not os.environ.get(BEHIND_REPLICAS):
        return [folder]
    return [folder / f"host-{number}" for number in range(1, REPLICAS + 1)]

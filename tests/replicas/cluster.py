"""Starts the whole: replicas, each as if on a host of its own, on one PostgreSQL behind nginx. It asks them nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.postgresql import Postgres
from tests.replicas.nginx import Nginx, running_nginx
from tests.servers import Command, Server, as_module, running

REPLICAS = 4


@dataclass(frozen=True)
class Cluster:
    """What runs. `front` is a server like any other for whoever asks: nginx's address, the first replica's log."""

    postgres: Postgres
    database: str
    replicas: list[Server]
    nginx: Nginx

    @property
    def urls(self) -> list[str]:
        """Return the address of each replica."""
        return [replica.url for replica in self.replicas]

    @property
    def front(self) -> "Front":
        """Return the whole as one server."""
        first = self.replicas[0]
        return Front(self.nginx.url, self.nginx.process, first.log_path, self.database, replicas=tuple(self.replicas))


@dataclass(frozen=True)
class Front(Server):
    """All replicas behind nginx, as one server."""

    replicas: tuple[Server, ...] = ()

    def log(self) -> str:
        """Return what all of them have printed so far: what has no date, then the rest in the order of time."""
        lines = [line for replica in self.replicas for line in replica.log().splitlines(keepends=True)]
        return "".join(sorted(lines, key=lambda line: (line[:1].isdigit(), line)))


@contextmanager
def running_cluster(
    folder: Path, postgres: Postgres, count: int = REPLICAS, command: Command = as_module, **settings: object
) -> Iterator[Cluster]:
    """Run replicas on a new database behind nginx, everything below an empty folder."""
    database = postgres.create()
    with ExitStack() as stack:
        replicas = _started(stack, folder, count, command, {**settings, "database": database})
        proxy = folder / "nginx"
        proxy.mkdir()
        nginx = stack.enter_context(running_nginx(proxy, [replica.port for replica in replicas]))
        yield Cluster(postgres, database, replicas, nginx)


@contextmanager
def replica(folder: Path, number: int, command: Command = as_module, **settings: object) -> Iterator[Server]:
    """Run one replica as if on a host of its own: it shares no file and no memory with the others."""
    own = folder / f"host-{number}"
    temporary = own / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    with running(own, command, {"TMPDIR": str(temporary)}, **settings) as server:
        yield server


def _started(stack: ExitStack, folder: Path, count: int, command: Command, settings: dict[str, object]) -> list[Server]:
    """Start all at the same moment, as an orchestrator does."""
    contexts = [replica(folder, number, command, **settings) for number in range(1, count + 1)]
    with ThreadPoolExecutor(count) as pool:
        starts = [pool.submit(context.__enter__) for context in contexts]
    for context, start in zip(contexts, starts, strict=True):
        if start.exception() is None:
            stack.push(context.__exit__)
    return [start.result() for start in starts]

"""Starts real PostgreSQL servers for tests: a data directory and a port of their own, as a user who is not root.

Each test gets a database of its own in one of them. Nothing here touches a server that somebody else has started.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port

USER = "standin"
READY_SECONDS = 30
_QUICK = ("fsync=off", "full_page_writes=off")


class PostgresError(Exception):
    """PostgreSQL refuses a statement; the message tells why."""


class NoPostgresError(PostgresError):
    """PostgreSQL's programs are not there, or its server does not come up; the message tells."""


class Postgres:
    """A server that runs, or has run and may be started again on the same data."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Make the data in an empty folder; `options` are settings such as `max_connections=200`.

        Root's server runs as another user, who cannot enter pytest's folders: its data go to a folder of their own.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="tms-postgresql-")) if _is_root() else folder
        self.port = free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        if _is_root():
            shutil.chown(self.folder, "postgres", "postgres")
        arguments = ["--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-sync", "--no-instructions"]
        _run([program("initdb"), f"--pgdata={self.data}", *arguments], self.folder)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The postmaster."""
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start the server and wait until it answers. Raises NoPostgresError."""
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.folder}",
            *self._options,
        ]
        flags = [flag for setting in settings for flag in ("-c", setting)]
        with (self.folder / "postgresql.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program("postgres"), "-D", str(self.data), *flags],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # A Ctrl-C is for whoever started it, who ends it when nobody needs it any more.
                **_as_another(),
            )
        deadline = time.monotonic() + READY_SECONDS
        ready = [program("pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={self.port}"]
        while subprocess.run(ready, check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NoPostgresError((self.folder / "postgresql.log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server by its own pid: SIGINT in order, SIGQUIT at once, as by a power cut but for what is cached."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template0") -> str:
        """Make a database and return its URL."""
        name = f"test_{uuid.uuid4().hex}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, url: str) -> None:
        """Take a database away, whoever is connected to it."""
        self.run(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def run(self, statement: str, database: str = "postgres") -> str:
        """Run SQL with psql and return what it prints, values alone. Raises PostgresError with what psql says."""
        command = [
            *(program("psql"), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"),
            *("--host=127.0.0.1", f"--port={self.port}", f"--username={USER}", f"--dbname={database}"),
            *("--command", statement),
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise PostgresError(done.stderr.strip())
        return done.stdout.strip()


@contextmanager
def running_postgres(folder: Path, *options: str, durable: bool = False) -> Iterator[Postgres]:
    """Run a server in an empty folder; only `durable` ones write through to the disk. Raises NoPostgresError."""
    server = Postgres(folder, *(() if durable else _QUICK), "max_connections=300", *options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, which Debian keeps apart. Raises NoPostgresError."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(places[-1]) if places else shutil.which(name)
    if found is None:
        raise NoPostgresError(f"{name} is not installed; this installs it: apt-get install postgresql")
    return found


def _as_another() -> dict[str, str]:
    """Return how a process becomes a user who is not root, whom PostgreSQL refuses."""
    return {"user": "postgres", "group": "postgres"} if _is_root() else {}


def _is_root() -> bool:
    return os.geteuid() == 0


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **_as_another())
    if done.returncode != 0:
        raise NoPostgresError(done.stdout + done.stderr)

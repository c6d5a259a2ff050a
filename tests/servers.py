"""Starts real server processes for tests, waits until they answer and stops them by their own pid."""

import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.leaks import LOGS
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
ADMIN_SECRET = "adminsecret1"
STANDARD = {"enable_mvp": False, "enable_test_tenant": True, "new_clients": "allow", "admin_secret": ADMIN_SECRET}
READY_SECONDS = 60
WORKERS_SECONDS = 30
STOP_SECONDS = 20
LEFT_OPEN = ("ResourceWarning", "was never awaited", "Task was destroyed", "exception was never retrieved")

Command = Callable[[int], list[str]]


def as_module(_port: int) -> list[str]:
    """Return `python -m app`, which takes the port from the settings."""
    return [sys.executable, "-m", "app"]


def by_uvicorn(port: int) -> list[str]:
    """Return the command `uvicorn app.main:app --port N`."""
    return [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port)]


def by_two_workers(port: int) -> list[str]:
    """Return the same with two processes that share one database."""
    return [*by_uvicorn(port), "--workers", "2"]


class StartError(Exception):
    """The process ended, or stayed mute, before it answered; `status` is None where it had to be stopped."""

    def __init__(self, status: int | None, text: str) -> None:
        super().__init__(f"exit status {status}\n{text}")
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Server:
    """A running server: its base URL, its process, the file with all it printed, and its database URL.

    `authority` is the PEM file that clients have to trust where the stand-in made its own certificate.
    """

    url: str
    process: subprocess.Popen[bytes]
    log_path: Path
    database: str
    authority: Path | None = None

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self.url.rpartition(":")[2])

    @property
    def database_path(self) -> Path:
        """Return the file of a SQLite database."""
        return Path(self.database.removeprefix("sqlite:///"))

    def log(self) -> str:
        """Return what it has printed so far on both streams."""
        return self.log_path.read_text("utf-8", "replace")


@contextmanager
def running(
    folder: Path, command: Command = as_module, environment: Mapping[str, str] | None = None, **settings: object
) -> Iterator[Server]:
    """Run a server in `folder` with TMS_STANDIN_* made from `settings`, such as `enable_mvp=True, oauth__interval=1`.

    The database is `folder`/tms.db unless given, so a second run in the same folder is a restart on the same data;
    with the first one's port as `http_port` it is at the same URL as well.
    With `tls=True`, an http_addr or own files the server has an https URL, and the authority below `folder` if it made one.
    Raises StartError where it does not come up.
    """
    server = _start(folder, command, environment or {}, settings)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        _stop(server)
        LOGS.read(server.log_path)
    _check_nothing_left_open(server)


def wait_for_workers(server: Server, number: int) -> None:
    """Return when so many of a server's processes have started."""
    give_up = time.monotonic() + WORKERS_SECONDS
    while server.log().count("Application startup complete.") < number:
        assert time.monotonic() < give_up, server.log()
        time.sleep(0.02)


def _start(folder: Path, command: Command, environment: Mapping[str, str], settings: Mapping[str, object]) -> Server:
    port = int(str(settings.get("http_port") or free_port()))
    database = str(settings.get("database", f"sqlite:///{folder / 'tms.db'}"))
    log_path = folder / f"server-{port}.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            command(port),
            cwd=folder,
            env=_environment({"http_port": port, **settings, "database": database}) | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    own_files = "tls_certificate" in settings
    makes_one = not own_files and (settings.get("tls") or str(settings.get("http_addr", "")).startswith("https"))
    scheme = "https" if own_files or makes_one else "http"
    authority = folder / str(settings.get("tls_folder", "tls")) / "ca.pem" if makes_one else None
    return Server(f"{scheme}://127.0.0.1:{port}", process, log_path, database, authority)


def _environment(settings: Mapping[str, object]) -> dict[str, str]:
    """Return this process's environment with these settings and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TMS_")}
    ours = {f"TMS_STANDIN_{name.upper()}": _text(value) for name, value in settings.items()}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default::ResourceWarning", **ours}


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, Path) else json.dumps(value)


def _wait_until_ready(server: Server) -> None:
    give_up = time.monotonic() + READY_SECONDS
    while not _answers(server):
        if server.process.poll() is not None or time.monotonic() > give_up:
            raise StartError(server.process.poll(), server.log())
        time.sleep(0.02)


def _answers(server: Server) -> bool:
    if server.url.startswith("https:"):
        # Whether it can be trusted is for the tests to find out.
        unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=5, context=unverified)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("GET", "/v1/tms/version")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(server: Server) -> None:
    if server.process.poll() is None:
        server.process.terminate()
    try:
        server.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
        raise


def _check_nothing_left_open(server: Server) -> None:
    # uvicorn's parent of several workers keeps the listening socket until the process is gone.
    passing = ("Enable tracemalloc", f"laddr=('127.0.0.1', {server.port})>")
    lines = (line for line in server.log().splitlines() if not any(sign in line for sign in passing))
    found = [line for line in lines if any(sign in line for sign in LEFT_OPEN)]
    assert not found, f"the server left something open:\n{server.log()}"

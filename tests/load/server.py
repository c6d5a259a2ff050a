"""Starts a real server process, measures it and stops it by its own pid. It sends no load."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.leaks import LOGS
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
READY_SECONDS = 30
SETTLE_SECONDS = 20
STOP_SECONDS = 15
MEBIBYTE = 1024 * 1024


class NotReadyError(Exception):
    """A process that was started ended, or did not answer in time; the message holds its log."""


@dataclass(frozen=True)
class Server:
    """A process that was started here and answers at `url`. `ready_seconds`: from its start to its first 200, 0 before."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    ready_seconds: float
    started: float = 0.0

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self.process.pid

    def _family(self) -> list[psutil.Process]:
        parent = psutil.Process(self.pid)
        return [parent, *parent.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Return user and system CPU seconds of the process and its children since its start."""
        times = [one.cpu_times() for one in self._family()]
        return sum(one.user + one.system for one in times)

    def memory(self) -> float:
        """Return the resident memory of the process and its children in MiB."""
        return sum(one.memory_info().rss for one in self._family()) / MEBIBYTE

    def descriptors(self) -> int:
        """Return how many files and sockets the process and its children have open."""
        return sum(one.num_fds() for one in self._family())

    def settle(self) -> None:
        """Wait until the process is idle (its background work at the start is done), at most SETTLE_SECONDS."""
        before = self.cpu_seconds()
        for _ in range(2 * SETTLE_SECONDS):
            time.sleep(0.5)
            before, previous = self.cpu_seconds(), before
            if before - previous < 0.03:
                return

    def stop(self) -> None:
        """End the process in order; kill it when it does not end in time."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        LOGS.read(self.log)

    def kill(self) -> None:
        """End the process as kill -9 does, and then the children that it could not end itself."""
        LOGS.read(self.log)
        if self.process.poll() is not None:
            return
        children = self._family()[1:]
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for child in psutil.wait_procs(children, timeout=2)[1]:
            child.kill()


def _status(url: str, path: str) -> int | None:
    """Return the status of one GET, None when nobody answers."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _start(command: Sequence[str], environment: dict[str, str], url: str, ready_path: str, log: Path) -> Server:
    return _ready(_launch(command, environment, url, log), ready_path)


def _launch(command: Sequence[str], environment: dict[str, str], url: str, log: Path) -> Server:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,  # A Ctrl-C is for the command alone, which ends the load before it ends the server.
        )
    return Server(process, url, log, 0.0, time.perf_counter())


def _ready(server: Server, path: str) -> Server:
    command = " ".join(map(str, server.process.args))  # type: ignore[arg-type] # a list, as above
    try:
        while _status(server.url, path) != 200:
            if server.process.poll() is not None or time.perf_counter() - server.started > READY_SECONDS:
                raise NotReadyError(f"{command} was not ready: {server.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.002)
    except BaseException:
        server.process.kill()
        server.process.wait()
        raise
    return replace(server, ready_seconds=time.perf_counter() - server.started)


def _own_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TMS_")}


def start_server(directory: Path, module: str = "app", **settings: str) -> Server:
    """Start `python -m app` with the shipped tms.toml on the file database `directory`/tms.db and wait until ready.

    `module` may name another one that starts it, and `settings` are named as behind TMS_STANDIN_. The server's log goes to the file `directory`/server.log.
    Raises NotReadyError.
    """
    return wait_until_ready(launch_server(directory, module, **settings))


def launch_server(directory: Path, module: str = "app", prefix: Sequence[str] = (), **settings: str) -> Server:
    """Begin such a start, by a program in front where one is given, and wait for nothing."""
    port = free_port()
    environment = _own_environment() | {
        "TMS_STANDIN_CONFIG": str(ROOT / "tms.toml"),
        "TMS_STANDIN_HTTP_PORT": str(port),
        "TMS_STANDIN_DATABASE": f"sqlite:///{database_of(directory)}",
        **{f"TMS_STANDIN_{name}": value for name, value in settings.items()},
    }
    command = [*prefix, sys.executable, "-m", module]
    return _launch(command, environment, f"http://127.0.0.1:{port}", directory / "server.log")


def wait_until_ready(server: Server) -> Server:
    """Return a server that was launched when it answers. Raises NotReadyError."""
    return _ready(server, "/v1/tms/version")


def start_yardstick(directory: Path) -> Server:
    """Start the bare ASGI callable and wait until it is ready. Raises NotReadyError."""
    port = free_port()
    command = [sys.executable, "-m", "tests.load.yardstick", "--port", str(port)]
    return _start(command, _own_environment(), f"http://127.0.0.1:{port}", "/", directory / "yardstick.log")


def database_of(directory: Path) -> Path:
    """Return the database file of a server that was started in `directory`."""
    return directory.resolve() / "tms.db"


@contextmanager
def stopping(server: Server) -> Iterator[Server]:
    """Give a started server and stop it at the end."""
    try:
        yield server
    finally:
        server.stop()

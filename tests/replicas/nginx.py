"""Starts a real nginx with the configuration of docs/scale, on a port and in a folder of its own. It knows no stand-in."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.servers import ROOT

TEMPLATE = ROOT / "docs" / "scale" / "nginx.conf"
LISTEN = "listen 8080;"
UPSTREAM = "server tms-standin:3000 "
READY_SECONDS = 20
STOP_SECONDS = 10


class NoNginxError(Exception):
    """nginx is not there, or does not come up; the message tells."""


class Nginx:
    """A running nginx: its base URL, its process and the file with all that it printed."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self.url = url
        self.process = process
        self.log_path = log_path

    def log(self) -> str:
        """Return what it has printed so far."""
        return self.log_path.read_text("utf-8", "replace")


def configuration(port: int, upstreams: Sequence[int]) -> str:
    """Return the template for a port and the ports of the replicas on the loopback address, otherwise as it is."""
    text = TEMPLATE.read_text("utf-8")
    assert text.count(LISTEN) == text.count(UPSTREAM) == 1
    [line] = [line for line in text.splitlines(keepends=True) if UPSTREAM in line]
    servers = "".join(line.replace("tms-standin:3000", f"127.0.0.1:{upstream}") for upstream in upstreams)
    return text.replace(line, servers).replace(LISTEN, f"listen 127.0.0.1:{port};")


@contextmanager
def running_nginx(folder: Path, upstreams: Sequence[int]) -> Iterator[Nginx]:
    """Run nginx in an empty folder in front of servers on these ports. Raises NoNginxError."""
    port = free_port()
    path, log_path = folder / "nginx.conf", folder / "nginx.log"
    path.write_text(configuration(port, upstreams), "utf-8")
    # Whoever is not root has no choice; root's workers would otherwise be a user who may not enter the folder.
    directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [_program(), "-p", f"{folder}/", "-c", str(path), "-e", "stderr", "-g", directives],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    nginx = Nginx(f"http://127.0.0.1:{port}", process, log_path)
    try:
        _wait_until_ready(nginx, folder / "nginx.pid")
        yield nginx
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _wait_until_ready(nginx: Nginx, pid_file: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not (pid_file.exists() and pid_file.read_text().strip()):  # Written once the port is open.
        if nginx.process.poll() is not None or time.monotonic() > deadline:
            raise NoNginxError(nginx.log())
        time.sleep(0.01)


def _program() -> str:
    """Return nginx's path, which Debian keeps where only root looks. Raises NoNginxError."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NoNginxError("nginx is not installed; this installs it: apt-get install nginx")
    return found

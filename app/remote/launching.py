"""Starts a stand-in as a child process on a free loopback port, with a database of its own, and stops it.

The child ends with its parent, however that ends: it watches its standard input, whose other end the parent holds.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

from ..errors import StartRefused
from .calls import Server
from .control import Control
from .refusals import Unreachable

if TYPE_CHECKING:
    from ..settings import Settings

READY_SECONDS = 60
STOP_SECONDS = 15
BACKLOG = 2048
HOST = "127.0.0.1"
PACKAGE = __name__.partition(".")[0]
# The package is found where this one was, be it called app or tms_standin, and nothing else of that folder is.
_CHILD = (
    "import gc, importlib, sys; gc.disable(); where, name, listener = sys.argv[1:]; "
    "sys.path.insert(0, where); importlib.import_module(name); del sys.path[0]; "
    "sys.exit(importlib.import_module(f'{name}.serving').serve_for_parent(int(listener)))"
)


@dataclass(frozen=True)
class Launched:
    """A running child: how to ask it, the variables for its clients, its process, and the file with what it prints."""

    server: Server
    variables: dict[str, str]
    process: subprocess.Popen[bytes]
    log: Path


class _Started(NamedTuple):
    process: subprocess.Popen[bytes]
    directory: Path
    log: Path
    port: int


@contextmanager
def launched(folder: Path, environment: Mapping[str, str], directory: Path, log: Path) -> Iterator[Launched]:
    """Run a stand-in that keeps its database in `folder`, with the other settings of `environment` and `directory`.

    Raises StartRefused with the child's own sentence, and CallRefused where its database does not answer.
    """
    own = {"TMS_STANDIN_DATABASE": f"sqlite:///{folder / 'tms.db'}", "TMS_STANDIN_TLS_FOLDER": str(folder / "tls")}
    given = {**environment, **own, "TMS_STANDIN_HOST": HOST}
    started = _start(log, given, directory)
    try:
        # Imported and read while the child starts; it refuses the same settings by itself.
        from ..settings import Settings

        settings = Settings.load({**given, "TMS_STANDIN_HTTP_PORT": str(started.port)}, directory)
        yield _ready(started, settings)
    finally:
        _stop(started.process)


def _start(log: Path, environment: Mapping[str, str], directory: Path) -> _Started:
    package = Path(__file__).parents[1]
    with socket.create_server((HOST, 0), backlog=BACKLOG) as listener, log.open("wb") as output:
        port = listener.getsockname()[1]
        descriptor = listener.fileno()
        process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-P", "-c", _CHILD, str(package.parent), PACKAGE, str(descriptor)],
            cwd=directory,
            env={**environment, "TMS_STANDIN_HTTP_PORT": str(port)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(descriptor,),
            # A Ctrl-C of the terminal is for the command that is run, which still needs this server to end well.
            start_new_session=True,
        )
    return _Started(process, directory, log, port)


def _ready(started: _Started, settings: "Settings") -> Launched:
    """Wait for the first answer: the socket listens already, so the request waits in line until the child serves."""
    from ..addresses import local_url
    from ..exports import child_variables

    url = local_url(settings)
    variables = child_variables(settings, url)
    server = Server(url, settings.control_token, _trusted(started, settings))
    try:
        Control(server).ready(READY_SECONDS)
    except Unreachable as unreachable:
        _stop(started.process)
        raise StartRefused(_said(started.log) or str(unreachable)) from None
    return Launched(server, variables, started.process, started.log)


def _trusted(started: _Started, settings: "Settings") -> Path | None:
    """Return the PEM file that proves the child's certificate, once it is there; None where http is served."""
    if settings.tls_certificate is not None:
        return started.directory / settings.tls_certificate
    from ..tls import authority_path

    authority = authority_path(settings)
    while settings.serves_tls and not authority.exists() and started.process.poll() is None:
        Event().wait(0.02)
    return authority if settings.serves_tls else None


def _said(log: Path) -> str:
    return log.read_text("utf-8", "replace").strip()


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None  # noqa: S101 - for the type alone, a pipe was asked for
    process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def environment_of(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of settings that are named as in tms.toml: {"oauth.interval": "1"}."""
    return {
        f"TMS_STANDIN_{key.removeprefix('standin.').replace('.', '__').upper()}": value
        for key, value in settings.items()
    }

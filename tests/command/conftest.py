"""Fixtures: a running stand-in, the command line in this process, and the command line as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from app.command import main
from app.remote.calls import Server as Target
from app.remote.control import Control
from tests.servers import ROOT, STANDARD, Server, running


class Outcome(NamedTuple):
    """What a command left: its exit status and what it wrote on its two streams."""

    status: int
    output: str
    errors: str


Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server process in the standard setup, for the tests of this folder alone: they reset it."""
    with running(tmp_path_factory.mktemp("command"), **STANDARD) as server:
        yield server


@pytest.fixture
def server(running_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """That server as seeded, its URL in TMS_URL, where the commands look for it."""
    Control(Target(running_server.url)).reset(settings=True)
    monkeypatch.setenv("TMS_URL", running_server.url)
    return running_server


@pytest.fixture
def control(server: Server) -> Control:
    """What steers that server."""
    return Control(Target(server.url))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command line in this process."""

    def run_here(*arguments: str) -> Outcome:
        status = main(list(arguments))
        return Outcome(status, *capsys.readouterr())

    return run_here


def environment(**changed: str) -> dict[str, str]:
    """Return this process's environment without the variables of a TMS, with `app` to be found, and changed."""
    kept = {name: value for name, value in os.environ.items() if "TMS_" not in name}
    return {**kept, "PYTHONPATH": str(ROOT), **changed}


def run_apart(*arguments: str, cwd: object = None, **changed: str) -> Outcome:
    """Run a command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=cwd,
        env=environment(**changed),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)

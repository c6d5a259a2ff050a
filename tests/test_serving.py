"""Serving for a parent; what `serve` refuses is test_main_command.py's, a parent that starts one test_launching.py's."""

import resource
import subprocess
import sys

from tests.raw import RETRIEVE, connected, exchange, request_of
from tests.servers import ROOT, running

STUBBORN = """
import signal
from app import serving
serving.ORPHAN_SECONDS = 0.1
signal.signal(signal.SIGTERM, signal.SIG_IGN)
serving._stop_with_parent()
"""


def test_an_orphan_that_hangs_ends():
    """Where SIGTERM is not enough, the process ends itself once its parent has been gone for a while."""
    done = subprocess.run(
        [sys.executable, "-c", STUBBORN], cwd=ROOT, input=b"what is said does not matter", check=False
    )
    assert done.returncode == 1


def test_a_server_may_have_as_many_connections_as_the_system_grants(tmp_path):
    """The soft limit on open files, which a shell begins with, is raised to the hard one."""
    few = ["sh", "-c", f"ulimit -Sn 256; exec {sys.executable} -m app"]
    with running(tmp_path, lambda _port: few) as server:
        soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    assert (soft, soft > 256) == (hard, True)


def test_a_request_that_outlasts_the_server_has_no_answer(tmp_path):
    """Its connection is closed: a 500 would say that something went wrong, and a trace in the log that it was ours."""
    with running(tmp_path) as server, connected(server.port) as waiting:
        waiting.send(RETRIEVE[:-1])
        assert exchange(server.port, request_of("GET", "/v1/tms/version")).status == 200
        server.process.terminate()
        assert waiting.rest() == b""
    assert (server.process.returncode, [sign for sign in ("ERROR", "Traceback") if sign in server.log()]) == (0, [])

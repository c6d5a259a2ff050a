"""`verify` against real servers of each setup, a foreign one, and none."""

import http.server
import os
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from app.conformance import conformance
from app.conformance.recordings import SETUPS, VERSIONS, Recording
from tests.command.conftest import environment
from tests.conformance.recordings import RECORDINGS
from tests.conformance.recordings import SETUPS as SETTINGS
from tests.ports import free_port
from tests.servers import STANDARD

STANDARD_MODES = {name: STANDARD[name] for name in ("enable_mvp", "enable_test_tenant", "new_clients")}


@pytest.fixture
def in_setup(control):
    """Return a function that puts the server in a setup."""

    def put(setup, **more):
        control.settings.set(**{**STANDARD_MODES, **SETTINGS[setup], **more})

    return put


@pytest.mark.parametrize(("setup", "count"), [("standard", 6), ("mvp", 7), ("closed", 10), ("no-clients", 2)])
def test_each_setup_is_found_out(server, run, in_setup, setup, count):
    """The recordings of the setup that the server runs in are played, and all answers are equal."""
    in_setup(setup)
    only = ["--only", "hello"] if setup == "standard" else []
    status, output, errors = run("verify", server.url, *only)
    assert (status, output) == (0, f"{count} of {count} answers equal (0.3.0, quirks intended, setup {setup})\n")
    assert errors.startswith(f"0.3.0, quirks intended, setup {setup}")


@pytest.mark.parametrize("version", VERSIONS)
def test_its_version_is_found_out(server, run, in_setup, version):
    """The recordings are those of the release that the server says it is."""
    in_setup("standard", wire_version=version)
    status, output, _ = run("verify", server.url, "--only", "version-headers")
    title = "0.1.0" if version == "0.1.0" else "0.3.0, quirks intended"
    assert (status, output) == (0, f"2 of 2 answers equal ({title}, setup standard)\n")


def test_differences_are_printed(server, run, in_setup):
    """A server that reproduces a defect differs from what was meant: each answer with both values, and status 1."""
    in_setup("standard", quirks="real")
    status, output, _ = run("verify", server.url, "--only", "client-list")
    assert status == 1
    first, wanted, got = output.splitlines()[:3]
    assert first.startswith("--- client-list: ")
    assert wanted.startswith("    status: wanted 200")
    assert got.strip() == "got 0"
    assert output.splitlines()[-1].endswith(" of 5 answers equal (0.3.0, quirks intended, setup standard)")
    status, output, _ = run("verify", server.url, "--only", "client-list", "--quirks", "real")
    assert (status, output) == (0, "5 of 5 answers equal (0.3.0, quirks real, setup standard)\n")


def test_a_wrong_secret(server, run, in_setup):
    """The administrators' secrets are options; a wrong one shows as differences."""
    in_setup("standard")
    assert run("verify", server.url, "--only", "hosts", "--admin-test", "x").status == 1
    assert run("verify", server.url, "--only", "hosts", "--admin-test", "adminsecret1").status == 0


def test_the_bar(server, in_setup):
    """On a terminal it grows, with the name of the scenario."""
    in_setup("no-clients")
    controller, terminal = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "app", "verify", server.url],
        env=environment(TERM="xterm"),
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=False,
    )
    os.close(terminal)
    shown = os.read(controller, 10_000).decode()
    os.close(controller)
    assert done.returncode == 0
    assert "no-new-clients" in shown
    assert "100%" in shown


def test_no_such_scenario(server, run, in_setup):
    """Nothing is played."""
    in_setup("standard")
    sentence = "tms-standin: no scenario of 0.3.0, quirks intended, setup standard, has 'nosuch' in its name.\n"
    assert run("verify", server.url, "--only", "nosuch") == (2, "", sentence)


class Foreign(http.server.BaseHTTPRequestHandler):
    """A server that tells of an unknown release, or is no TMS server at all."""

    version = b'{"tms_version": "0.9.9"}'

    def do_GET(self):
        """Answer."""
        self.send_response(200 if self.version else 404)
        self.end_headers()
        self.wfile.write(self.version)

    def log_message(self, *_what):
        """Say nothing."""


@contextmanager
def foreign(version):
    """Run such a server and yield its URL."""
    handler = type("Handler", (Foreign,), {"version": version})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_release_without_recordings(run):
    """It is named."""
    with foreign(b'{"tms_version": "0.9.9"}') as url:
        sentence = f"tms-standin: {url} is 0.9.9; of that there are no recordings, --version takes others.\n"
        assert run("verify", url) == (2, "", sentence)


@pytest.mark.parametrize("version", [b"", b"[]"])
def test_no_tms_server(run, version):
    """What answers otherwise is not sent anything else."""
    with foreign(version) as url:
        status = 404 if version == b"" else 200
        sentence = f"tms-standin: {url} is no TMS server: /v1/tms/version is answered with {status}.\n"
        assert run("verify", url) == (2, "", sentence)


def test_nobody_there(run):
    """Refused at once, or in the middle."""
    url = f"http://127.0.0.1:{free_port()}"
    assert run("verify", url) == (2, "", f"{url} does not answer: connection refused.\n")
    status, output, errors = run("verify", url, "--version", "0.3.0", "--setup", "mvp")
    assert (status, output) == (2, "")
    assert f"{url} stopped answering in mvp-createkey: " in errors


def test_every_recording_is_in_the_package():
    """The package has what `make conformance` plays: 475 answers of each version, in each setup."""
    assert {recording.setup for recording in RECORDINGS} == set(SETUPS)
    for version in VERSIONS:
        played = [Recording(version, "intended", setup).scenarios() for setup in SETUPS]
        assert sum(len(scenario["steps"]) for scenarios in played for scenario in scenarios) == 475


def test_the_comparer_still_runs_by_itself(tmp_path, monkeypatch, capsys):
    """The copy keeps the command that made the recordings."""
    monkeypatch.setattr("sys.argv", ["c", "compare", "--base-url", "u", "--goldens", str(tmp_path), "--setup", "mvp"])
    assert conformance.main() == 2
    assert capsys.readouterr().out == f"no scenario for setup mvp in {tmp_path}\n"

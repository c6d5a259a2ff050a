"""The search through the logs of all servers finds what it looks for, and a run that has found something fails."""

import os
import subprocess
import sys

import pytest

from tests.leaks import TOLD_AT_START, Logs, leaks_in
from tests.servers import ROOT

LINE = "2026-11-30T01:40:53.495Z GET /v1/tms/client/{} 404 69us"
SECRETS = {
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "a signed token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJl",
    "a secret of TMS": "0123456789abcdef" * 3,
    "a token or a code": "RSFHWFQNqb9dQaNhqVBCIeMoffOT4ClfyhDR58W6hvfLDAvMRZE",
    "a user code": "WDJB-MJHT",
    "a published secret": "secret1",
}
RUN = """
from pathlib import Path
from tests.leaks import LOGS
def test_a_server_that_tells(tmp_path):
    (tmp_path / "server.log").write_text({line!r})
    LOGS.read(tmp_path / "server.log")
"""


@pytest.mark.parametrize(("kind", "secret"), SECRETS.items())
def test_a_secret_is_found(kind, secret):
    """Each kind, in the middle of a line; what is reported does not repeat it."""
    (found,) = leaks_in(f"one\n{LINE.format(secret)}\nthree")
    assert found == f"{kind}: {LINE.format('<here>')}"


def test_what_a_log_may_hold():
    """A start's own lines, ids, fingerprints, hashes, and paths of files with long names."""
    lines = [
        *(f"        {line}" for line in TOLD_AT_START),
        LINE.format("testclient1"),
        LINE.format("6f9619ff-8b86-4d01-b42d-00cf4fc964ff"),
        'export TMS_PUBKEY_FINGERPRINT="SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw"',
        "  hint: getkey: SHA256:U/nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw on testhost1 is stored",
        "  database            sqlite:////tmp/pytest-of-me/pytest-7/test_a_very_long_name_of_a_test0/tms.db",
        f"  hint: sha512 {'0123456789abcdef' * 8}",
        LINE.format("***"),
    ]
    assert list(leaks_in("\n".join(lines))) == []


def test_the_start_tells_its_own_lines_alone():
    """What a start may tell is no excuse for a request's line."""
    assert [found.partition(":")[0] for found in leaks_in(f"{TOLD_AT_START[0]} again")] == ["a published secret"]


def test_a_log_is_read_again_at_the_end(tmp_path):
    """What comes later is found, what is gone was found before, and what never was is none."""
    logs, first, second = Logs(), tmp_path / "first.log", tmp_path / "second.log"
    first.write_text(LINE.format("WDJB-MJHT"))
    second.write_text("nothing\n")
    for path in (first, second, tmp_path / "third.log"):
        logs.read(path)
    first.unlink()
    second.write_text(LINE.format("secret1"))
    assert logs.count == 2
    assert logs.leaks() == [
        f"{first}: a user code: {LINE.format('<here>')}",
        f"{second}: a published secret: {LINE.format('<here>')}",
    ]


def test_a_command_reads_no_log(tmp_path):
    """What measures speed leaves gigabytes behind, which nobody waits for."""
    logs = Logs(active=False)
    (tmp_path / "server.log").write_text(LINE.format("secret1"))
    logs.read(tmp_path / "server.log")
    assert (logs.count, logs.leaks()) == (0, [])


def test_lines_that_differ_in_their_times_alone():
    """They are looked at once, in both forms of the log; another path among them is found."""
    line = LINE.replace("40:53.495", "41:07.001").replace("69us", "170us")
    assert len(list(leaks_in("\n".join([LINE.format("WDJB-MJHT"), line.format("WDJB-MJHT")])))) == 1
    assert len(list(leaks_in("\n".join([LINE.format("WDJB-MJHT"), line.format("BDJB-MJHT")])))) == 2
    as_json = '{{"at":"2026-11-30T01:40:53.495Z","path":"/{}","status":404,"took_ms":{}}}'
    assert len(list(leaks_in("\n".join(as_json.format("secret1", took) for took in ("0.1", "12"))))) == 1


def test_a_run_that_finds_something_fails(tmp_path):
    """A run whose tests all pass ends with status 1 and the line, though another process has found it."""
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    (tmp_path / "test_it.py").write_text(RUN.format(line=LINE.format("secret1")))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "-n", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True, timeout=100
    )
    assert (run.returncode, "1 passed" in run.stdout) == (1, True), run.stdout + run.stderr
    assert f"a published secret: {LINE.format('<here>')}" in run.stdout

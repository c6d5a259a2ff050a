"""The short form of `python -m tests.ssh.login_time`, and that it fails where logins do."""

import re
import subprocess

import pytest

from tests.ports import free_port
from tests.ssh.login_time import COMMAND, FILE, STANDIN, Way, main, measure, report
from tests.ssh.sshd import running_sshd

pytestmark = [
    pytest.mark.system("openssh-server", "sshd"),
    pytest.mark.system("openssh-client", "ssh-keygen"),
    pytest.mark.system("curl", "curl"),
]


def test_the_table(capsys):
    """Every way lets every login in, and the stand-in is asked twice by each of its own."""
    assert main(["--logins", "2"]) == 0
    told = re.sub(r"\b\d+(\.\d+)?(?= ms|  |$)", "N", capsys.readouterr().out, flags=re.MULTILINE)
    assert [" ".join(line.split()) for line in told.splitlines()] == [
        "login by median ms ratio p99 ms ratio",
        f"{FILE} N N N N",
        f"{COMMAND} N N N N",
        f"{STANDIN} N N N N",
        "The stand-in's part of a login: 2 answers of N ms (median).",
        "2 logins each way, every one let in.",
    ]


def test_refused_logins_are_failures(somebody, tmp_path, capsys):
    """Where no stand-in answers, nobody gets in."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    with running_sshd(f"http://127.0.0.1:{free_port()}", somebody, as_root=somebody.is_made) as sshd:
        way = Way(STANDIN, sshd)
        measure([way], key, 2)
    assert report([way], [], 2) == 1
    assert capsys.readouterr().out.splitlines()[2:] == [
        f"FAILED: 3 logins by {STANDIN}: {somebody.name}@127.0.0.1: Permission denied (publickey).",
        "FAILED: the stand-in answered 0 questions, 6 were expected.",
    ]

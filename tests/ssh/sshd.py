"""Runs a real sshd on a loopback port by docs/sshd/start, in a folder of its own, and logs in to it with ssh."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.ports import free_port
from tests.servers import ROOT
from tests.ssh.account import Account

DOCUMENTED = ROOT / "docs/sshd"
# Root's sshd wants its command below folders that root alone may write to, which temporary ones are not.
ROOTS_FOLDER = Path("/var/lib")
HOST = "testhost1"
READY_SECONDS = 20
STOP_SECONDS = 10
LOGIN_SECONDS = 60


class NoSshdError(Exception):
    """The server ended, or stayed mute, before it listened; the message is what it printed."""


@dataclass(frozen=True)
class Login:
    """How an attempt to log in ended: ssh's exit status, what the host printed, what ssh complained about."""

    status: int
    printed: str
    complaint: str


@dataclass(frozen=True)
class Sshd:
    """A server that listens, and the account that its logins are for."""

    folder: Path
    port: int
    account: Account
    process: subprocess.Popen[bytes]

    def log(self) -> str:
        """Return what it has printed so far."""
        return (self.folder / "log").read_text()

    def log_in(self, private_key: Path) -> Login:
        """Log in with one key and nothing else, to a host whose key is known."""
        options = [
            *("BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "StrictHostKeyChecking=yes"),
            f"UserKnownHostsFile={self.folder / 'known_hosts'}",
        ]
        command = ["ssh", "-F", "none", *_options(options), "-p", str(self.port), "-i", str(private_key)]
        command += [f"{self.account.name}@127.0.0.1", "echo in"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LOGIN_SECONDS, check=False)
        return Login(done.returncode, done.stdout, done.stderr)


@contextmanager
def running_sshd(url: str, account: Account, *options: str, as_root: bool) -> Iterator[Sshd]:
    """Run a server that asks the stand-in at `url`, as root or as the account itself. Raises NoSshdError.

    `options` are lines of its configuration, which go before those that docs/sshd/start writes.
    """
    with _folder(account, as_root) as folder:
        sshd = _start(folder, url, account, options, as_root)
        try:
            _wait_until_ready(sshd)
            yield sshd
        finally:
            _stop(sshd)


@contextmanager
def _folder(account: Account, as_root: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tms-sshd-", dir=ROOTS_FOLDER if as_root else None))
    try:
        folder.chmod(0o755)
        shutil.copytree(DOCUMENTED, folder / "docs")  # The account may not be able to read the clone.
        if not as_root:
            os.chown(folder, account.uid, -1)
        yield folder
    finally:
        shutil.rmtree(folder)


def _start(folder: Path, url: str, account: Account, options: Sequence[str], as_root: bool) -> Sshd:
    port = free_port()
    # Nobody can do more here than be told his name, whatever keys others make in a stand-in that is open to all.
    harmless = [f"AllowUsers={account.name}@127.0.0.1", "ForceCommand=id -un", "DisableForwarding=yes", "PermitTTY=no"]
    command = [str(folder / "docs/start"), str(folder / "sshd"), str(port), url, HOST]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *_options([*options, *harmless, *_patience()])],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **({} if as_root else _as_the(account)),
        )
    return Sshd(folder, port, account, process)


def _options(lines: Sequence[str]) -> list[str]:
    return [word for line in lines for word in ("-o", line)]


def _patience() -> list[str]:
    """Return what keeps OpenSSH 9.8 and later from shutting out an address after a few refusals."""
    lines = ["PerSourcePenalties=no"]
    known = subprocess.run(["/usr/sbin/sshd", "-G", "-f", "none", *_options(lines)], capture_output=True, check=False)
    return lines if known.returncode == 0 else []


def _as_the(account: Account) -> dict[str, object]:
    if os.geteuid() == account.uid:
        return {}
    return {"user": account.uid, "group": pwd.getpwuid(account.uid).pw_gid, "extra_groups": []}


def _wait_until_ready(sshd: Sshd) -> None:
    give_up = time.monotonic() + READY_SECONDS
    while "Server listening" not in sshd.log():
        if sshd.process.poll() is not None or time.monotonic() > give_up:
            raise NoSshdError(sshd.log())
        time.sleep(0.02)
    host_key = (sshd.folder / "sshd/host_key.pub").read_text()
    (sshd.folder / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {host_key}")


def _stop(sshd: Sshd) -> None:
    """End the server and wait for what is left of its sessions, or the account could not be removed."""
    if sshd.process.poll() is not None:
        return
    sessions = psutil.Process(sshd.process.pid).children(recursive=True)
    sshd.process.terminate()
    sshd.process.wait(STOP_SECONDS)
    for one in psutil.wait_procs(sessions, STOP_SECONDS)[1]:
        one.kill()

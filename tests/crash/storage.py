"""Hostile conditions of the disk and the file: full, read-only, removed, locked; and the clock set back by an hour."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.crash.condition import Found, Watched, ask, has_logged, not_whole, observed, only_right, wait_for
from tests.load.server import (
    Server,
    database_of,
    launch_server,
    start_server,
    stopping,
    wait_until_ready,
)

ELSEWHERE = [
    f"/{path}" for path in ("device", "oauth2/jwks", "v3/oauth2/hello", "v1/tms/hello", "v3/tenants", "spec", "")
]
MEBIBYTE = 1024 * 1024
REFUSED = "createkey 5"


def full_disk(folder: Path, seconds: float) -> Found:
    """Fill a small tmpfs to the last byte under a running server, then free it again."""
    done = f"a tmpfs of 24 MiB filled to the last byte for {seconds:g} s, the journal switched on meanwhile, then freed"
    with _tmpfs(folder, 24) as mounted:
        if not mounted:
            return Found("disk full", done, Watched(), [], "a tmpfs can be mounted by root alone")
        disk = folder / "disk"
        database = {"DATABASE": f"sqlite:///{disk / 'tms.db'}"}
        with stopping(start_server(folder, **database)) as server:
            with observed(server) as watched:
                time.sleep(0.3)
                _fill(disk / "ballast")
                untouched = [ask(server, "GET", path).words for path in ELSEWHERE]
                journal = ask(server, "PATCH", "/_standin/settings", {"journal": True}).words
                time.sleep(seconds)
                wait_for(watched, REFUSED)
                (disk / "ballast").unlink()
            failures = [*_refused(watched), *not_whole(server), *has_logged(server)]
            failures += [f"other endpoints: {', '.join(untouched)}"] if "200" not in untouched else []
        watched.note("the journal's switch", journal)
    return Found("disk full", done, watched, failures)


def quota(server: Server, seconds: float) -> Found:
    """Let no file of the server grow any more (RLIMIT_FSIZE), then lift the limit."""
    with observed(server) as watched:
        time.sleep(0.3)
        before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (4096, before[1]))
        time.sleep(seconds)
        wait_for(watched, REFUSED)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)
    failures = [*_refused(watched), *not_whole(server), *has_logged(server)]
    return Found("quota used up", f"no file may grow for {seconds:g} s (RLIMIT_FSIZE), then lifted", watched, failures)


def read_only(folder: Path, seconds: float) -> Found:
    """Take the right to write away under a running server, and start another on what cannot be written."""
    with stopping(wait_until_ready(launch_server(folder, prefix=_unprivileged()))) as server:
        with observed(server) as watched:
            _make(folder, 0o444, 0o555)
            refused = _start_refused(folder)
            time.sleep(seconds)
            _make(folder, 0o644, 0o755)
        failures = [*refused, *only_right(watched), *not_whole(server), *has_logged(server)]
    done = f"mode 0444 for {seconds:g} s under a running server; a second start on it is refused with status 2"
    return Found("file read-only", done, watched, failures)


def removed(folder: Path, seconds: float) -> Found:
    """Remove the database file under a running server: it must not go on from a ghost; a restart makes a new one."""
    with stopping(start_server(folder)) as server:
        with observed(server) as watched:
            time.sleep(0.3)
            for file in folder.glob("tms.db*"):
                file.unlink()
            time.sleep(seconds)
        ghost = not_whole(server)
        ready = ask(server, "GET", "/_standin/health/ready")
    failures = [*([] if ghost else ["it goes on from a ghost"]), *has_logged(server)]
    failures += [] if ready.status == 503 else [f"readiness is {ready.words}"]
    failures += [f"{file.name} was made anew" for file in folder.glob("tms.db*")]
    with stopping(start_server(folder)) as server:
        failures += not_whole(server)
    return Found(
        "file removed", f"removed under a running server; {seconds + 1:g} s later a restart", watched, failures
    )


def locked(server: Server, database: Path, seconds: float) -> Found:
    """Hold the write lock of the database from another process."""
    with observed(server) as watched:
        time.sleep(0.2)
        with _lock(database):
            time.sleep(seconds)
        time.sleep(0.2)
    failures = [*not_whole(server), *has_logged(server)]
    return Found("file locked", f"BEGIN EXCLUSIVE in another process for {seconds:g} s", watched, failures)


def clock_back(server: Server, seconds: float) -> Found:
    """Set the clock back by an hour in the midst of flows and sessions."""
    with observed(server) as watched:
        time.sleep(0.3)
        ask(server, "PUT", "/_standin/clock", {"mode": "offset", "offset_seconds": -3600})
        time.sleep(seconds)
    failures = [*only_right(watched), *not_whole(server), *has_logged(server)]
    return Found("clock set back", "offset -3600 s under load, and left so", watched, failures)


@contextmanager
def _tmpfs(folder: Path, size: int) -> Iterator[bool]:
    disk = folder / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(disk)]
    mounted = (
        shutil.which("mount") is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _fill(ballast: Path) -> None:
    """Write until not one byte more fits, whoever else writes meanwhile."""
    with ballast.open("wb", buffering=0) as file:
        for size in (MEBIBYTE, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * size)


def _make(folder: Path, files: int, directory: int) -> None:
    for file in folder.glob("tms.db*"):
        file.chmod(files)
    folder.chmod(directory)


def _unprivileged() -> list[str]:
    """Return what takes from root the right to write everything."""
    capabilities = "-dac_override,-dac_read_search"
    return ["setpriv", f"--inh-caps={capabilities}", f"--bounding-set={capabilities}"] if os.geteuid() == 0 else []


def _start_refused(folder: Path) -> list[str]:
    """Return a sentence unless a start on the same database ends with status 2 and one line that says why."""
    with tempfile.TemporaryDirectory(prefix="tms-crash-") as apart:
        server = launch_server(Path(apart), prefix=_unprivileged(), DATABASE=f"sqlite:///{database_of(folder)}")
        try:
            status = server.process.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            status = None
        said = server.log.read_text().strip()
    right = status == 2 and "cannot be written" in said and "\n" not in said
    return [] if right else [f"a start on it ended with status {status}: {said[-300:]}"]


@contextmanager
def _lock(database: Path) -> Iterator[None]:
    """Hold the lock in a process of its own: this one's other connections must not matter."""
    code = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1],isolation_level=None,timeout=30); c.execute('BEGIN EXCLUSIVE'); print(1,flush=True); input()"

    with subprocess.Popen(
        [sys.executable, "-c", code, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stdout.readline()
        try:
            yield
        finally:
            process.communicate(b"\n")


def _refused(watched: Watched) -> list[str]:
    """Return a sentence unless writes were refused: else the condition was none."""
    refused = any(words.startswith(REFUSED) for words in watched.answers)
    return [] if refused else ["no createkey was refused meanwhile"]

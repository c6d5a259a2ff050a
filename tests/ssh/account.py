"""The account that logs in: as root one made for the time of the test, otherwise one's own. It touches no other."""

import os
import pwd
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """An account of this machine; `is_made` tells whether root has made it for the tests."""

    name: str
    uid: int
    is_made: bool


@contextmanager
def account() -> Iterator[Account]:
    """Give an account that may log in. One that is made has no password and no home, and goes when the block ends."""
    if os.geteuid() != 0:
        own = pwd.getpwuid(os.geteuid())
        yield Account(own.pw_name, own.pw_uid, is_made=False)
        return
    name = f"tms-{secrets.token_hex(4)}"
    # An account without a password counts as locked, and sshd lets nobody into it; the star is a password nobody has.
    described = ["--no-create-home", "--home-dir", "/", "--shell", "/bin/sh", "--password", "*"]
    subprocess.run(["useradd", "--system", *described, name], check=True, capture_output=True, text=True)
    try:
        yield Account(name, pwd.getpwnam(name).pw_uid, is_made=True)
    finally:
        subprocess.run(["userdel", name], check=True, capture_output=True, text=True)

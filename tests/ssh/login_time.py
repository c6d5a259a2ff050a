"""`python -m tests.ssh.login_time`: what it adds to a login that sshd asks the stand-in, as a ratio to a plain key file.

The ways take turns, since the machine's speed drifts. Servers, account and logins are those of the tests.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.testing.standin import LOG_SECONDS
from tests.load.report import aligned
from tests.servers import Server, running
from tests.ssh.account import account
from tests.ssh.sshd import Sshd, running_sshd
from tests.ssh.standin import RETRIEVE, StandIn, written

LOGINS = 200
QUESTIONS = 2  # of a login: at the key's offer and at its proof
FILE, COMMAND, STANDIN = "AuthorizedKeysFile", "AuthorizedKeysCommand, /bin/cat", "tms_keycmd and the stand-in"


@dataclass
class Way:
    """A server whose logins are measured, their seconds, and what ssh said of those that were refused."""

    name: str
    sshd: Sshd
    seconds: list[float] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def log_in(self, private_key: Path) -> None:
        """Log in once and note how long it took."""
        begun = time.perf_counter()
        login = self.sshd.log_in(private_key)
        self.seconds.append(time.perf_counter() - begun)
        if login.status != 0:
            self.complaints.append(login.complaint.strip().rstrip("."))

    @property
    def figures(self) -> tuple[float, float]:
        """Return median and 99th percentile in milliseconds."""
        p99 = statistics.quantiles(self.seconds, n=100, method="inclusive")[98]
        return 1000 * statistics.median(self.seconds), 1000 * p99


@contextmanager
def ways(server: Server, folder: Path) -> Iterator[tuple[Path, list[Way]]]:
    """Give a private key, and the servers that let it in."""
    with ExitStack() as stack:
        somebody = stack.enter_context(account())
        key = StandIn(server.url).create_key(somebody.name)
        listed = folder / "authorized_keys"
        listed.write_text(f"{key['public_key']}\n")
        by_file = (f"AuthorizedKeysFile={listed}", "AuthorizedKeysCommand=none", "StrictModes=no")
        by_cat = (f"AuthorizedKeysCommand=/bin/cat {listed}",)
        options = {FILE: by_file, COMMAND: by_cat, STANDIN: ()}
        yield (
            written(key, folder / "key"),
            [
                Way(name, stack.enter_context(running_sshd(server.url, somebody, *lines, as_root=somebody.is_made)))
                for name, lines in options.items()
            ],
        )


def measure(measured: Sequence[Way], private_key: Path, logins: int) -> None:
    """Log in so many times each way, after one login each that does not count."""
    for way in measured:
        way.log_in(private_key)
        way.seconds.clear()
    for _ in range(logins):
        for way in measured:
            way.log_in(private_key)


def table(measured: Sequence[Way]) -> str:
    """Return the figures, as a ratio to those of the first way as well."""
    median, p99 = measured[0].figures
    rows = [(way.name, *way.figures) for way in measured]
    cells = [[name, f"{a:.0f}", f"{a / median:.2f}", f"{b:.0f}", f"{b / p99:.2f}"] for name, a, b in rows]
    return aligned([["login by", "median ms", "ratio", "p99 ms", "ratio"], *cells])


def answers(log: str) -> list[int]:
    """Return the microseconds that the stand-in took for each key it was asked for and had."""
    return [int(found) for found in re.findall(rf"POST {RETRIEVE} 200 (\d+)us", log)]


def failures(measured: Sequence[Way], asked: int, logins: int) -> list[str]:
    """Return a sentence for each way that refused a login, and one where the stand-in was not asked for each."""
    refused = [f"{len(way.complaints)} logins by {way.name}: {way.complaints[0]}" for way in measured if way.complaints]
    expected = QUESTIONS * (logins + 1)
    wrong = [f"the stand-in answered {asked} questions, {expected} were expected"] if asked != expected else []
    return [*refused, *wrong]


def report(measured: Sequence[Way], took: Sequence[int], logins: int) -> int:
    """Print what was measured; return 1 when a login was refused, or one got by without the stand-in."""
    print(table(measured))
    failed = failures(measured, len(took), logins)
    if not failed:
        print(
            f"The stand-in's part of a login: {QUESTIONS} answers of {statistics.median(took) / 1000:.2f} ms (median)."
        )
    print("\n".join(f"FAILED: {one}." for one in failed) or f"{logins} logins each way, every one let in.")
    return 1 if failed else 0


def main(words: Sequence[str] | None = None) -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logins", type=int, default=LOGINS)
    logins = parser.parse_args(words).logins
    with tempfile.TemporaryDirectory(prefix="tms-login-") as name, running(folder := Path(name)) as server:
        folder.chmod(0o755)  # The account reads its list of keys here.
        with ways(server, folder) as (private_key, measured):
            measure(measured, private_key, logins)
        time.sleep(LOG_SECONDS)
        took = answers(server.log())
    return report(measured, took, logins)


if __name__ == "__main__":
    sys.exit(main())

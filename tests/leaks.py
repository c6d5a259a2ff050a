"""Looks through logs for what nobody may find there, and remembers which logs a run of the tests has written."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# What a start tells on purpose, published with the seed `standard` and good for nothing else.
TOLD_AT_START = (
    "  client              testclient1 / secret1 in tenant test",
    "  administrator       ~~admin / adminsecret1 in both tenants",
    "client device-public, users testuser1 / password1 and testuser2 / password2",
    "export X_TMS_CLIENT_SECRET=secret1",
    'export X_TMS_ADMIN_SECRET="adminsecret1"',
)
PATTERNS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY(-----)?",
    "a signed token": r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}",
    "a secret of TMS": r"(?<![0-9a-zA-Z])[0-9a-f]{48}(?![0-9a-zA-Z])",
    "a token or a code": r"(?<![\w:+.=-])(?=[\w-]*[0-9])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{40,200}(?![\w/+.=-])",
    "a user code": r"(?<![A-Z-])[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}(?![A-Z-])",
    "a published secret": r"(?<![\w-])(secret1|adminsecret1|password[12])(?![\w-])",
}
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in PATTERNS.items()}

_TIMES = re.compile(r"^[0-9T:.-]+Z | [0-9]+us$|\"at\":\"[^\"]*\"|\"took_ms\":[0-9.]+")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")  # What is left of one behind a slash may be as long as a token.
_REMEMBERED = 100_000  # lines


def leaks_in(text: str) -> Iterator[str]:
    """Yield what no line of a log may hold: what it is, and the line with it hidden, lest this log repeats it."""
    return leaks_among(text.splitlines())


def leaks_among(lines: Iterable[str]) -> Iterator[str]:
    """Do what leaks_in does, line by line; a load's lines, which differ in their times alone, are looked at once."""
    seen: set[str] = set()
    for whole in lines:
        line = _FINGERPRINT.sub("<fingerprint>", whole.rstrip("\n"))
        request = _TIMES.sub("", line)
        if request in seen or line.endswith(TOLD_AT_START):
            continue
        if len(seen) < _REMEMBERED:
            seen.add(request)
        for kind, pattern in _PATTERNS.items():
            if pattern.search(line):
                yield f"{kind}: {pattern.sub('<here>', line)}"


class Logs:
    """The logs of a run. One is read when its server has stopped and, if it has grown, once more at the end.

    One that is not `active` reads none: whoever measures speed by a command wants no gigabyte of a log read.
    """

    def __init__(self, active: bool = True) -> None:
        self.active = active
        self._found: dict[Path, tuple[int, list[str]]] = {}

    @property
    def count(self) -> int:
        """Return how many there were."""
        return len(self._found)

    def read(self, path: Path) -> None:
        """Look through a log; one that is gone keeps what was found in it before."""
        if not self.active or not path.is_file():
            return
        size = path.stat().st_size
        if size != self._found.get(path, (-1, []))[0]:
            with path.open(encoding="utf-8", errors="replace") as lines:
                self._found[path] = size, [f"{path}: {leak}" for leak in leaks_among(lines)]

    def leaks(self) -> list[str]:
        """Look through all of them again and return what was found."""
        for path in list(self._found):
            self.read(path)
        return [leak for _, leaks in self._found.values() for leak in leaks]


LOGS = Logs(active=False)  # conftest.py switches it on.

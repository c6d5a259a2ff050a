"""SECURITY.md names tests and files that are there, and every kind of person that it is about."""

import re

from tests.servers import ROOT

SECURITY = (ROOT / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:tests|docs)/[\w/.]+)(?:::(\w+))?`", SECURITY)))
THREATS = SECURITY.partition("## Who may do what")[2].partition("## How it is kept")[0]


def missing(named):
    """Return what is named and is not there: files, and functions of theirs."""
    found = [(path, (ROOT / path).read_text() if (ROOT / path).is_file() else None, test) for path, test in named]
    return [
        f"{path}::{test}"
        for path, text, test in found
        if text is None or (test and re.search(rf"def {test}\(", text) is None)
    ]


def test_every_test_that_is_named_is_there():
    """A table that one can check names what checks it."""
    assert len(NAMED) > 25
    assert missing(NAMED) == []


def test_what_is_not_there_is_found():
    """A file and a test that somebody has renamed."""
    named = [("tests/none.py", ""), ("tests/test_laws.py", "test_none"), ("tests/test_laws.py", "test_law_holds")]
    assert missing(named) == ["tests/none.py::", "tests/test_laws.py::test_none"]


def test_every_threat_has_a_test():
    """Each line of the table of threats has four cells, the last with a test."""
    lines = [line for line in THREATS.splitlines() if line.startswith("| ") and not line.startswith("| who")]
    assert len(lines) == 14
    assert [line for line in lines if "`tests/" not in line.split(" | ")[3]] == []

"""The audit fails for what it has to, and says so where it knows nothing. No service is asked here."""

import pytest

from tests.security.audit import PINNED, judged, known, strangers

CLEAN = {"name": "a", "version": "1", "vulns": []}
UNKNOWN = {"name": "b", "version": "2", "skip_reason": "Dependency not found on PyPI"}
BAD = {"name": "c", "version": "3", "vulns": [{"id": "CVE-1", "fix_versions": ["3.1", "4"]}]}
NOT_MENDED = {"name": "d", "version": "4", "vulns": [{"id": "CVE-2", "fix_versions": []}]}


@pytest.mark.parametrize(
    ("report", "others", "strict", "status", "lines"),
    [
        ([CLEAN], [], True, 0, ["OK: 1 packages audited, no known vulnerability."]),
        (
            [BAD, UNKNOWN, NOT_MENDED],
            [],
            False,
            1,
            [
                "c 3: CVE-1, mended in 3.1, 4",
                "d 4: CVE-2, mended in none yet",
                "FAILED: 2 known vulnerabilities, 0 versions that are not pinned.",
            ],
        ),
        ([CLEAN], ["x"], False, 1, ["x", "FAILED: 0 known vulnerabilities, 1 versions that are not pinned."]),
        *(
            (
                report,
                [],
                strict,
                int(strict),
                [f"NOT KNOWN: {told}, since no service of advisories answers for the others."],
            )
            for strict in (False, True)
            for report, told in (([CLEAN, UNKNOWN], "1 of 2 packages audited"), ([], "no package audited"))
        ),
    ],
)
def test_what_is_judged(report, others, strict, status, lines):
    """A finding fails in any case; what nobody knows fails where it is asked for."""
    assert judged(report, others, strict) == (status, lines)


def test_the_better_report():
    """Of two services the one that knows more; one that does not answer counts for nothing."""
    assert known([None, [CLEAN, UNKNOWN], [CLEAN, BAD]]) == [CLEAN, BAD]
    assert known([[UNKNOWN], None]) == [UNKNOWN]
    assert known([None, None]) == []


def test_a_version_that_nobody_pinned():
    """Names are compared in every spelling; what is not installed is not missed."""
    pinned = "# a comment\nTypes-Y==1.0\nzope.x==2 ; python_version > '3'\nabsent==1\n"
    found = strangers(pinned, {"types-y": "1.0", "zope-x": "3", "free": "1"})
    assert found == ["zope.x: 2 is pinned, 3 is installed"]


def test_all_that_is_pinned_is_read():
    """The file has one package a line; each of them would be found if another version were installed."""
    pinned = PINNED.read_text()
    count = sum("==" in line for line in pinned.splitlines())
    names = [line.partition("==")[0] for line in pinned.splitlines() if "==" in line]
    assert (
        len(strangers(pinned, {name.lower().replace("_", "-").replace(".", "-"): "0" for name in names})) == count > 50
    )

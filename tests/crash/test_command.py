"""What the command prints and returns: the tables, one closing line, and failures that make it fail."""

from collections import Counter
from types import SimpleNamespace

import pytest

from tests.crash import __main__ as command
from tests.crash import report
from tests.crash.condition import Found, Watched
from tests.crash.rounds import Round

GOOD = Round("load", 0.5, 100, 12, 3, 200, 0.6, [])
BAD = Round("start", 0.25, 0, 12, 3, 200, 0.6, ["key a was answered as 5 5 and is not there"])
ENDURED = Found("disk full", "filled", Watched(Counter({"createkey 201": 2, "getkey 200": 5}), 0.5, 80, 90), [])
HURT = Found("disk full", "filled", Watched(), ["createkey afterwards: 500"])


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs the command over rounds and conditions that are given; returns status and output."""

    def run_it(rounds, found, *arguments):
        monkeypatch.setattr(command, "besiege", lambda *_given: iter(rounds))
        monkeypatch.setattr(command, "endure", lambda *_given: found)
        status = command.main(["--times", "2", *arguments])
        return SimpleNamespace(status=status, output=capsys.readouterr().out)

    return run_it


def test_nothing_was_lost(run):
    """The tables, and one closing line."""
    done = run([GOOD, GOOD], ENDURED, "--seed", "7", "--conditions", "disk")
    assert done.status == 0
    assert done.output.splitlines() == [
        "kill -9 on sqlite at random moments, --seed 7",
        "",
        "killed in  kills  answered  under way  of these done  things compared  ready again s  failures",
        "load           2       200         24              6              400    0.6 at most         0",
        "all            2       200         24              6              400    0.6 at most         0",
        "",
        "",
        "condition  times  answered meanwhile  slowest s  MiB before  at most  afterwards",
        "disk full      5  getkey 200               0.50          80       90  whole",
        "               2  createkey 201",
        "",
        "disk full: filled.",
        "",
        "Nothing that was answered is lost.",
    ]


def test_something_was_lost(run):
    """Each failure with the round or condition, and the exit status 1."""
    done = run([GOOD, BAD], HURT, "--conditions", "disk")
    assert done.status == 1
    assert done.output.splitlines()[-2:] == [
        "FAILED: round 2, killed in start after 0.250 s: key a was answered as 5 5 and is not there.",
        "FAILED: disk full: createkey afterwards: 500.",
    ]


def test_a_load_that_nobody_answered_is_a_failure():
    """Else a server that never starts would lose nothing."""
    assert report.failures_of([BAD], [])[0] == "no request of the load was answered"


def test_a_condition_that_was_not_tried_says_why():
    """In the table; it is no failure."""
    skipped = Found("disk full", "filled", Watched(), [], "a tmpfs can be mounted by root alone")
    assert "not tried: a tmpfs can be mounted by root alone" in report.conditions([skipped])
    assert (report.described([skipped]), report.failures_of([], [skipped])) == ("", [])


@pytest.mark.parametrize(
    ("given", "times", "conditions"),
    [([], 200, 11), (["--database", "postgresql"], 50, 0), (["--times", "3", "--conditions"], 3, 0)],
)
def test_what_is_done_unless_told_otherwise(given, times, conditions):
    """200 kills and every condition on SQLite, 50 kills on PostgreSQL."""
    arguments = command._arguments(given)
    assert (arguments.times, len(arguments.conditions)) == (times, conditions)


def test_a_run_that_is_interrupted_tells_what_it_found(run):
    """Ctrl-C ends the kills; what was lost until then is told."""

    def interrupted():
        yield BAD
        raise KeyboardInterrupt

    done = run(interrupted(), ENDURED, "--conditions")
    assert (done.status, "killed in start after 0.250 s" in done.output) == (1, True)

"""What feeds a target finds a fault that is known, and tells it."""

from dataclasses import dataclass

import pytest

from tests.fuzz import __main__ as command
from tests.fuzz import generated, guided
from tests.fuzz.outcome import Find, Outcome, closing, table
from tests.fuzz.planted import WORD, targets

RAISING, SLOW, SOUND = targets()
WITHOUT_ATHERIS = pytest.mark.skipif(not guided.is_installed(), reason=guided.ABSENT)


def test_hypothesis_finds_it():
    """The input is as small as its parts allow: the shortest example, and the piece."""
    [find] = generated.fed(RAISING, 0, 1, rounds=3).finds
    assert find == Find(f"ValueError: {WORD!r} is there", b"no!a yes")


def test_hypothesis_finds_what_is_slow(monkeypatch):
    """Only an input that is slow every time counts."""
    monkeypatch.setattr(generated, "SLOW_SECONDS", 0.01)
    with pytest.raises(generated.SlowError, match=r"40000 bytes took \d+\.\d s"):
        generated.check_in_time(SLOW, b"a" * 40_000)
    generated.check_in_time(SLOW, b"a")


@WITHOUT_ATHERIS
def test_atheris_finds_it():
    """In a process of its own."""
    outcome = guided.fed(RAISING, 20, 1)
    assert outcome.cases > 0
    [find] = outcome.finds
    assert find.sentence == f"ValueError: {WORD!r} is there"
    assert WORD in find.data


@WITHOUT_ATHERIS
def test_atheris_counts():
    """Its number of runs, where nothing is found."""
    outcome = guided.fed(SOUND, 20, 1, runs=500)
    assert (outcome.target, outcome.by, outcome.cases, outcome.finds) == ("sound", "atheris", 500, ())


@WITHOUT_ATHERIS
def test_atheris_does_not_start():
    """What ends without a count is no success."""
    with pytest.raises(RuntimeError, match="No module named 'nowhere'"):
        guided.fed(RAISING._replace(check=_check_of_nowhere()), 5, 1)


def _check_of_nowhere():
    def check(_data):
        raise AssertionError

    check.__module__ = "nowhere"
    return check


def test_the_table():
    """Counts in columns, and one line that sums them up."""
    rows = [Outcome("a", "b", 1.4, 1000, (Find("no", b""),)), Outcome("cc", "d", 2, 5)]
    assert table(rows).splitlines()[0].split() == ["target", "by", "seconds", "cases", "finds"]
    assert table(rows).splitlines()[1].split() == ["a", "b", "1", "1,000", "1"]
    assert closing(rows) == "1,005 cases in 3 seconds, 1 find"
    assert closing(rows[1:]) == "5 cases in 2 seconds, 0 finds"


@dataclass
class Asked:
    """What the command is asked."""

    name: str
    installed: bool = False

    def __call__(self, monkeypatch, folder) -> int:
        """Run it on the planted targets."""
        monkeypatch.setattr(command, "TARGETS", {target.name: target for target in targets()})
        monkeypatch.setattr(guided, "is_installed", lambda: self.installed)
        return command.main(["--minutes", "0.02", "--finds", str(folder), "--only", self.name])


def test_the_command_fails(monkeypatch, tmp_path, capsys):
    """A find is told with the file that has its input, and the status is 1."""
    assert Asked("raising")(monkeypatch, tmp_path) == 1
    [kept] = tmp_path.iterdir()
    assert WORD in kept.read_bytes()
    told = capsys.readouterr().out
    assert told.startswith(f"FIND in raising: ValueError: {WORD!r} is there\n    kept in {kept}\n")
    assert told.rstrip().endswith(", 1 find")


def test_the_command_succeeds(monkeypatch, tmp_path, capsys):
    """Without atheris a sentence says so, and hypothesis goes on."""
    assert Asked("sound")(monkeypatch, tmp_path) == 0
    told = capsys.readouterr().out
    assert told.startswith(guided.ABSENT)
    assert told.rstrip().endswith(" seconds, 0 finds")
    assert list(tmp_path.iterdir()) == []

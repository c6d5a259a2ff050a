"""The numbers of several processes in files beside a database."""

import os
import subprocess
import sys

import pytest

from app.metrics.slots import Slots, Words
from tests.servers import ROOT


@pytest.fixture
def path(tmp_path):
    """Return how the files' names begin."""
    return tmp_path / "tms.db-metrics"


def opened(path) -> Slots:
    """Return an open slot of two numbers."""
    slots = Slots(path, 2)
    slots.open()
    return slots


def everybody(slots):
    """Return what is seen of all processes."""
    return [slots.own, *slots.others()]


def test_without_a_file():
    """The numbers are this process's own, also after the end."""
    slots = opened(None)
    slots.words[1] += 3
    assert (everybody(slots), slots.files) == ([Words([0, 3], True)], [])
    slots.close()
    slots.words[1] += 1
    assert everybody(slots) == [Words([0, 4], True)]


def test_two_see_each_other(path):
    """Each counts in a file of its own; a change is seen at once."""
    one, other = opened(path), opened(path)
    one.words[0], other.words[0] = 5, 7
    assert everybody(one) == [Words([5, 0], True), Words([7, 0], True)]
    other.words[0] += 1
    assert everybody(one) == [Words([5, 0], True), Words([8, 0], True)]
    assert [file.name for file in one.files] == ["tms.db-metrics-0", "tms.db-metrics-1"]
    one.close()
    other.close()


def test_what_has_ended_stays_and_is_gone_on_with(path):
    """A process that ends leaves its numbers; the next that starts adds to them."""
    one, other = opened(path), opened(path)
    one.words[0] = 5
    one.close()
    one.words[0] += 1  # What comes after the end is nobody's any more.
    assert everybody(other) == [Words([0, 0], True), Words([5, 0], False)]
    third = opened(path)
    third.words[0] += 1
    assert everybody(other) == [Words([0, 0], True), Words([6, 0], True)]
    other.close()
    third.close()


def test_a_killed_process(path):
    """Its numbers are there, and it is known not to run."""
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom app.metrics.slots import Slots\n"
        "slots = Slots(Path(sys.argv[1]), 2)\nslots.open()\nslots.words[1] = 9\nos.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=False)
    assert done.returncode == -9
    slots = Slots(path, 2)
    assert list(slots.others()) == [Words([0, 9], False)]


def test_a_file_that_has_just_been_made(path):
    """One that has no bytes yet counts as zeros."""
    slots = opened(path)
    path.with_name("tms.db-metrics-1").touch()
    assert everybody(slots) == [Words([0, 0], True), Words([0, 0], False)]
    slots.close()


def test_closing_twice(path):
    """The second time nothing happens."""
    slots = opened(path)
    slots.close()
    slots.close()
    assert list(slots.words) == [0, 0]

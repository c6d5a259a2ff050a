"""The short forms of the hostile conditions, on real servers, and failures that they find."""

from collections import Counter

import pytest

from tests.crash import condition, network, storage
from tests.crash.condition import Found, Watched
from tests.crash.conditions import OF_A_FOLDER, SHORT, UNDER_A_SERVER, endure
from tests.load.server import database_of, start_server, stopping

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a server that stands one condition after the other, and its database."""
    folder = tmp_path_factory.mktemp("place")
    with stopping(start_server(folder)) as server:
        yield server, database_of(folder)


@pytest.mark.parametrize("name", UNDER_A_SERVER)
def test_service_is_whole_after_it(place, name):
    """What was refused meanwhile was refused in words, and afterwards a key and a device flow work."""
    found = UNDER_A_SERVER[name](*place, SHORT)
    assert (found.failures, bool(found.done), found.skipped) == ([], True, "")


@pytest.mark.parametrize("name", OF_A_FOLDER)
def test_service_is_whole_after_its_files_were_touched(name):
    """The same, of conditions that need a place of their own."""
    found = endure(name, SHORT)
    assert (found.failures, bool(found.done)) == ([], True)
    assert not found.skipped or (name == "disk" and "root" in found.skipped)


def test_a_server_that_is_not_whole(tmp_path):
    """It is told what does not work, and that a server that is gone does not answer."""
    with stopping(start_server(tmp_path, ENABLE_MVP="false", SEED="empty")) as server:
        told = condition.not_whole(server)
        assert len(told) == 1
        assert told[0].startswith("createkey afterwards: 4")
    assert condition.not_whole(server)[0].startswith("no answer afterwards: POST /v1/tms/pubkeys/creds")


def test_what_is_no_success_is_told():
    """Refusals and missing answers, with their number."""
    watched = Watched(Counter({"createkey 201": 3, "getkey 500 ERROR: a": 2, "ready no answer": 1}))
    assert condition.only_right(watched) == ["2 times getkey 500 ERROR: a", "1 times ready no answer"]


def test_a_condition_that_was_none_is_told():
    """Where nothing was refused on a full disk, it was not full."""
    assert storage._refused(Watched(Counter({"createkey 201": 3}))) == ["no createkey was refused meanwhile"]


def test_memory_that_grows_is_told():
    """By how much."""
    assert network._greedy(Watched(memory_before=80, memory_peak=200)) == ["memory grew by 120 MiB"]
    assert network._greedy(Watched(memory_before=80, memory_peak=90)) == []


@pytest.mark.parametrize(
    ("words", "wrong"), [("TMS 413", False), ("TMS 500", True), ("TMS 200", True), ("TMS no answer", True)]
)
def test_a_flood_has_to_be_refused(words, wrong):
    """Neither served, nor left without an answer."""
    assert network._is_wrong(words) is wrong


def test_a_condition_that_the_server_does_not_survive(monkeypatch):
    """It is a failure of that condition, and the others go on."""

    def dies(_folder, _scale):
        raise condition.NoAnswerError("GET /: IncompleteReadError")

    monkeypatch.setitem(OF_A_FOLDER, "disk", dies)
    assert endure("disk", SHORT) == Found("disk", "", Watched(), ["it came to an end: GET /: IncompleteReadError"])

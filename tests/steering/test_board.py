"""What processes on one database leave for each other: counters, a state, and nothing when the last one has gone."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from app.steering.board import EPOCH, GENERATION, TALLIES, Board
from app.steering.state import NOTHING, ClockState, State
from tests.servers import ROOT

FROZEN = State(clock=ClockState("offset", None, 60.0), modes={"strict": True}, faults={"rules": []}, journal=True)


@pytest.fixture
def path(tmp_path):
    """Return where the boards of a database are."""
    return tmp_path / "tms.db-steering"


@pytest.fixture(params=["file", "memory"])
def board(request, path):
    """Return an open board, over a file or of this process alone."""
    opened = Board(path if request.param == "file" else None)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def two(path):
    """Return two boards over one file, as two processes have them."""
    boards = [Board(path), Board(path)]
    for board in boards:
        board.open()
    yield boards
    for board in boards:
        board.close()


def test_nothing_is_set_at_first(board):
    """The generation is 0, the state empty."""
    assert board.read() == (0, NOTHING)
    assert list(board.words) == [0] * len(board.words)


def test_a_change(board):
    """It is read back, and counts a generation."""
    board.change(lambda state: FROZEN if state == NOTHING else state)
    assert board.read() == (1, FROZEN)
    board.change(lambda state: state)
    assert board.read() == (2, FROZEN)


def test_a_change_that_fails(board):
    """It leaves state and generation as they were."""
    board.change(lambda _state: FROZEN)
    with pytest.raises(ZeroDivisionError):
        board.change(lambda _state: 1 / 0)
    assert board.read() == (1, FROZEN)


def test_changes_of_several_threads(board):
    """None is lost."""
    counts = range(200)

    def one_more(_number):
        board.change(lambda state: State(modes={"strict": state.modes.get("strict", 0) + 1}))
        return board.read()[0]

    with ThreadPoolExecutor(4) as executor:
        assert len(list(executor.map(one_more, counts))) == len(counts)
    assert board.read() == (len(counts), State(modes={"strict": len(counts)}))


def test_both_see_what_one_sets(two):
    """State, generation and tallies are the same for both."""
    one, other = two
    one.change(lambda _state: FROZEN)
    assert other.read() == (1, FROZEN)
    assert (one.count(3), other.count(3), one.count(3), other.count(4)) == (0, 1, 2, 0)
    other.clear(range(TALLIES))
    assert one.count(3) == 0
    assert one.words[GENERATION] == 1


def test_some_tallies_are_cleared(two):
    """The others go on; everybody reads all of them."""
    one, other = two
    for tally in (3, 4, 4, 5):
        one.count(tally)
    other.clear(range(4, 6))
    assert [one.counted(tally) for tally in (3, 4, 5, 6)] == [1, 0, 0, 0]
    assert other.counted(3) == 1


def test_the_epoch_is_odd_while_rows_are_replaced(two):
    """Both can tell, and afterwards it is another even number, whether that has failed or not."""
    one, other = two
    with one.replacing_rows():
        assert other.words[EPOCH] == 1
    assert other.words[EPOCH] == 2
    with pytest.raises(KeyError), other.replacing_rows():
        raise KeyError
    assert one.words[EPOCH] == 4


def test_a_second_start_finds_what_is_set(path):
    """As long as the first one runs."""
    first, second, third = Board(path), Board(path), Board(path)
    first.open()
    first.change(lambda _state: FROZEN)
    second.open()
    first.close()
    assert second.read() == (1, FROZEN)
    assert path.exists()
    second.close()
    assert list(path.parent.iterdir()) == []
    third.open()
    assert third.read() == (0, NOTHING)
    third.close()


def test_what_a_killed_process_has_left(path):
    """The next start finds nothing set: what was set ended with the process."""
    script = (
        "import os, signal, sys; from pathlib import Path; from app.steering.board import Board;"
        "from app.steering.state import State; board = Board(Path(sys.argv[1])); board.open();"
        "board.change(lambda _state: State(journal=True)); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", script, path], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.exists()
    board = Board(path)
    board.open()
    assert board.read() == (0, NOTHING)
    board.close()
    assert list(path.parent.iterdir()) == []


def test_a_process_that_dies_over_a_replacement(path):
    """The others end it, so that nobody waits for it for ever; one that lives is left alone."""
    script = (
        "import sys, time; from pathlib import Path; from app.steering.board import Board\n"
        "board = Board(Path(sys.argv[1])); board.open()\n"
        "with board.replacing_rows():\n    print('odd', flush=True); time.sleep(60)"
    )
    board = Board(path)
    board.open()
    with subprocess.Popen([sys.executable, "-c", script, path], cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "odd\n"
        board.finish_for_the_dead()
        assert board.words[EPOCH] == 1
        other.kill()
    board.finish_for_the_dead()
    assert board.words[EPOCH] == 2
    board.finish_for_the_dead()
    assert board.words[EPOCH] == 2
    board.close()


def test_the_file_goes_while_another_joins(path, monkeypatch):
    """Whoever has opened a file that the last one takes away joins a new one instead."""
    last, joining = Board(path), Board(path)
    last.open()
    last.change(lambda _state: FROZEN)
    opened, at_first = os.open, []

    def open_late(*arguments):
        descriptor = opened(*arguments)
        if not at_first:
            at_first.append(descriptor)
            last.close()
        return descriptor

    monkeypatch.setattr("app.steering.board.os.open", open_late)
    joining.open()
    assert joining.read() == (0, NOTHING)
    assert path.exists()
    joining.close()


def test_nobody_joins_while_the_first_clears_up(path):
    """What a killed process has left is gone before another one can see it."""
    found = []

    def companions():
        with path.open() as other, suppress(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
            found.append("joined")
        return ()

    first, second = Board(path, companions), Board(path)
    first.open()
    assert found == []
    second.open()
    first.close()
    assert path.exists()
    second.close()
    assert not path.exists()


def test_closing_what_is_not_open(path):
    """It does nothing."""
    Board(path).close()
    Board(None).close()
    assert not path.exists()


def test_counting_at_once(path):
    """Two processes that count together miss nothing."""
    script = (
        "import sys; from pathlib import Path; from app.steering.board import Board\n"
        "board = Board(Path(sys.argv[1])); board.open()\n"
        "sys.stdin.readline()\n"
        "for _ in range(2000): board.count(0)\nboard.close()"
    )
    board = Board(path)
    board.open()
    others = [subprocess.Popen([sys.executable, "-c", script, path], cwd=ROOT, stdin=subprocess.PIPE) for _ in range(2)]
    time.sleep(0)
    for other in others:
        other.communicate(b"go\n")
    assert [other.returncode for other in others] == [0, 0]
    assert board.count(0) == 4000
    board.close()

"""The ring of entries: its two limits, what is asked of it, several processes on one file."""

import logging
import sqlite3
import threading

import pytest

from app.journal.ring import Ring, Row, Wanted, files_of


@pytest.fixture(params=["memory", "file"])
def path(request, tmp_path):
    """Return where a ring lies, None for memory."""
    return tmp_path / "tms.db-requests" if request.param == "file" else None


def row(number: int, status: int = 200, size: int = 10, operation: str = "get_version") -> Row:
    """Return an entry of so many bytes; its instant is its number."""
    return Row(float(number), operation, f"GET /{operation}", status, b"%d" % number + b" " * (size - len(str(number))))


def numbers(ring: Ring, **wanted: object) -> list[int]:
    """Return what is found, by what was written into the entries."""
    return [int(entry) for _, entry in ring.find(Wanted(limit=10_000)._replace(**wanted)).entries]


def filled(path, count, **limits) -> Ring:
    """Return a ring with so many entries."""
    ring = Ring(path, **limits)
    for number in range(1, count + 1):
        ring.add(row(number))
    return ring


def test_an_empty_ring(path):
    """It has no entries, and asking makes no file."""
    ring = Ring(path)
    assert (ring.find(Wanted()), ring.count(Wanted())) == (([], 0), 0)
    ring.empty()
    assert path is None or not path.exists()
    ring.close()


def test_the_newest_are_found_the_oldest_first(path):
    """`limit` takes from the end."""
    ring = filled(path, 7)
    found = ring.find(Wanted(limit=3))
    assert found == ([(5, b"5         "), (6, b"6         "), (7, b"7         ")], 0)
    ring.close()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"name": "a"}, [1, 3]),
        ({"name": "GET /b"}, [2, 4]),
        ({"name": "GET /a", "least": 400, "most": 499}, [3]),
        ({"least": 404, "most": 404}, [3, 4]),
        ({"since": 2.0}, [2, 3, 4]),
        ({"since": 2.5}, [3, 4]),
        ({"after": 3}, [4]),
        ({"name": "c"}, []),
    ],
)
def test_what_matches(path, wanted, expected):
    """By either name, by statuses, by instant, by id."""
    ring = Ring(path)
    for number, operation, status in ((1, "a", 200), (2, "b", 200), (3, "a", 404), (4, "b", 404)):
        ring.add(row(number, status, operation=operation))
    assert numbers(ring, **wanted) == expected
    assert ring.count(Wanted(**wanted)) == len(expected)
    ring.close()


def test_counting_ends_at_the_limit(path):
    """Whoever waits for two does not have thousands counted."""
    ring = filled(path, 5)
    assert ring.count(Wanted(limit=2)) == 2
    ring.close()


def test_the_oldest_make_room_by_number(path):
    """No more than the limit is ever seen, and those that went are counted."""
    ring = filled(path, 100, most_entries=30)
    assert (numbers(ring), ring.find(Wanted()).dropped) == ([*range(71, 101)], 70)
    ring.close()


def test_the_oldest_make_room_by_bytes(path):
    """The sum of the entries' sizes stays below the limit."""
    ring = filled(path, 100, most_bytes=255)
    assert (numbers(ring), ring.find(Wanted()).dropped) == ([*range(76, 101)], 75)
    ring.close()


def test_one_entry_may_be_larger_than_all(path):
    """The newest is kept, whatever its size."""
    ring = filled(path, 3, most_bytes=25)
    ring.add(row(4, size=100))
    assert (numbers(ring), ring.find(Wanted()).dropped) == ([4], 3)
    ring.add(row(5))
    assert numbers(ring) == [5]
    ring.close()


def test_emptied_it_goes_on_counting(path):
    """Ids are not given again; what was dropped before is forgotten."""
    ring = filled(path, 50, most_entries=40)
    ring.empty()
    assert ring.find(Wanted()) == ([], 0)
    ring.empty()
    ring.add(row(7))
    assert ring.find(Wanted()) == ([(51, b"7         ")], 0)
    ring.close()


def test_memory_and_file_stay_bounded(path):
    """Thousands of entries leave no more than the limit behind, on the disk too."""
    ring = Ring(path, most_bytes=200_000)
    for number in range(4_000):
        ring.add(row(number, size=1_000))
    assert len(numbers(ring)) == 200
    ring.close()
    assert path is None or path.stat().st_size < 600_000


def test_two_processes_see_each_other(tmp_path):
    """What one has added the other finds at once, under one row of ids; emptying empties both."""
    one, other = Ring(tmp_path / "r"), Ring(tmp_path / "r")
    one.add(row(1))
    assert numbers(other) == [1]
    other.add(row(2))
    assert [number for number, _ in one.find(Wanted()).entries] == [1, 2]
    other.empty()
    assert numbers(one) == []
    one.close()
    other.close()


def test_writers_that_meet_lose_nothing(tmp_path):
    """Two that write at the same time each get all of theirs in."""
    rings = [Ring(tmp_path / "r"), Ring(tmp_path / "r")]

    def write(ring: Ring) -> None:
        for number in range(500):
            ring.add(row(number))

    threads = [threading.Thread(target=write, args=[ring]) for ring in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers(rings[0])) == sorted([*range(500)] * 2)
    for ring in rings:
        ring.close()


def test_several_threads_empty_at_once(path):
    """Two resets may come together; none fails, and what is written meanwhile keeps its number."""
    ring = filled(path, 2000)
    failures = []

    def empty():
        try:
            for _ in range(50):
                ring.empty()
        except sqlite3.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=empty) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(2000):
        ring.add(row(number))
    for thread in threads:
        thread.join()
    assert failures == []
    ring.empty()
    ring.add(row(1))
    assert [number for number, _ in ring.find(Wanted()).entries] == [4001]
    ring.close()


def test_a_long_transaction_of_another_is_waited_for(tmp_path):
    """Where spinning does not help, SQLite's own patience does."""
    ring = filled(tmp_path / "r", 1)
    other = sqlite3.connect(tmp_path / "r", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.1, other.execute, ["COMMIT"])
    timer.start()
    ring.add(row(2))
    timer.join()
    assert numbers(ring) == [1, 2]
    other.close()
    ring.close()


def test_room_is_made_later_while_another_writes(tmp_path):
    """A transaction under way elsewhere does not keep anybody from reading."""
    ring = filled(tmp_path / "r", 1, most_entries=3)
    assert numbers(ring) == [1]
    for number in range(2, 6):
        ring.add(row(number))
    other = sqlite3.connect(tmp_path / "r", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ring._reader.execute("PRAGMA busy_timeout = 0")
    assert numbers(ring) == [1, 2, 3, 4, 5]
    other.execute("COMMIT")
    assert numbers(ring) == [3, 4, 5]
    other.close()
    ring.close()


def test_an_entry_that_cannot_be_written(tmp_path, caplog):
    """It is lost with a line in the log; the request is not."""
    path = tmp_path / "r"
    path.write_bytes(b"this is no database" * 100)
    ring = Ring(path)
    with caplog.at_level(logging.WARNING):
        ring.add(row(1))
    assert caplog.messages == ["an entry of the journal is lost: file is not a database"]
    ring.close()


def test_a_broken_table_is_told_once_an_entry(tmp_path, caplog):
    """What is no busy database is not tried again and again."""
    ring = filled(tmp_path / "r", 1)
    ring._connection.execute("DROP TABLE emptied")
    ring.add(row(2))
    assert caplog.messages == ["an entry of the journal is lost: no such table: emptied"]
    ring.close()


def test_the_files_of_a_ring(tmp_path):
    """The database and what SQLite keeps beside it."""
    ring = filled(tmp_path / "r", 1)
    ring.find(Wanted())
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in files_of(tmp_path / "r")}
    ring.close()

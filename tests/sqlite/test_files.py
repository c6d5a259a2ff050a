"""Whether a database's files are still there, and what the log is told when they are not."""

import asyncio
import logging
from contextlib import suppress

import pytest

from app.errors import DatabaseAway, DatabaseGone
from app.modes import Modes
from app.settings import Settings
from app.sqlite import files as files_module
from app.sqlite.files import DatabaseFiles

GONE = "the database file was removed or replaced; restart the stand-in"


@pytest.fixture
def paths(tmp_path):
    """Return a file and its log, both there."""
    found = tmp_path / "tms.db", tmp_path / "tms.db-wal"
    for path in found:
        path.write_bytes(b"")
    return found


@pytest.fixture
def files(paths):
    """Return what remembers them."""
    remembering = DatabaseFiles(str(paths[0]), Modes.of(Settings()))
    remembering.remember()
    return remembering


def test_files_that_stay(paths, files):
    """Whatever is written to them, they are the same."""
    paths[0].write_bytes(b"more")
    files.check()
    assert not files.are_gone


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("replaced", [False, True])
def test_files_that_go(paths, files, caplog, which, replaced):
    """Either is enough, another one under the name is none, and the log is told once."""
    paths[which].rename(paths[which].with_suffix(".old"))
    if replaced:
        paths[which].write_bytes(b"")
    for _ in range(2):
        with pytest.raises(DatabaseGone, match=GONE):
            files.check()
    line = f"{paths[0]}: {GONE}; nothing more is read from it or written to it"
    assert caplog.record_tuples == [("tms_standin.store", logging.ERROR, line)]


def test_files_that_come_back(paths, files, caplog):
    """The very same files under their names end it."""
    paths[0].rename(paths[0].with_suffix(".old"))
    files.look()
    paths[0].with_suffix(".old").rename(paths[0])
    files.check()
    assert [record.message for record in caplog.records[1:]] == [f"{paths[0]}: the database file is back"]


def test_a_log_that_comes_later(paths, files):
    """SQLite makes it when it first needs it."""
    paths[1].unlink()
    files.remember()
    paths[1].write_bytes(b"")
    files.check()
    paths[1].unlink()
    with pytest.raises(DatabaseGone, match=GONE):
        files.check()


def test_a_database_in_memory_is_never_gone():
    """What was never remembered is not missed."""
    files = DatabaseFiles(":memory:", Modes.of(Settings()))
    files.check()
    assert not files.are_gone


def test_the_real_servers_words(paths):
    """Under `quirks = "real"` it is told like any other trouble of the database."""
    files = DatabaseFiles(str(paths[0]), Modes.of(Settings(quirks="real")))
    files.remember()
    paths[0].unlink()
    with pytest.raises(DatabaseAway, match=GONE):
        files.check()


async def test_somebody_looks_all_the_time(paths, files, monkeypatch):
    """Nobody has to write or ask."""
    monkeypatch.setattr(files_module, "LOOK_SECONDS", 0.001)
    watching = asyncio.create_task(files.watch())
    paths[0].unlink()
    while not files.are_gone:  # noqa: ASYNC110 - a plain flag, as requests look at it
        await asyncio.sleep(0.001)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    with pytest.raises(DatabaseGone, match=GONE):
        files.refuse_when_gone()

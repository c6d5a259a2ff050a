"""Tests of app/databases.py: which store and board serve a URL, and where the files of this host stand."""

import os
import tempfile
from pathlib import Path

import pytest

from app.databases import beside, board_of, is_postgresql, store_of
from app.errors import StartRefused
from app.modes import Modes
from app.postgres.board import PostgresBoard
from app.postgres.store import PostgresStore
from app.settings import Settings
from app.sqlite.store import SqliteStore
from app.steering.board import Board

URL = "postgresql://standin@127.0.0.1:1/tms"


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return the folder that is this test's for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"tms-standin-{os.getuid()}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://h/d", True),
        ("postgres://h/d", True),
        ("postgresql+asyncpg://h/d", True),
        ("sqlite:///postgresql", False),
        ("sqlite://", False),
    ],
)
def test_which_urls_mean_postgresql(url, expected):
    """It is the scheme that says so, under each of its names."""
    assert is_postgresql(url) is expected


def test_sqlite_has_its_files_beside_its_own(tmp_path):
    """A database in memory has none."""
    url = f"sqlite:///{tmp_path}/tms.db"
    assert beside(url, "metrics") == Path(f"{tmp_path}/tms.db-metrics")
    assert beside("sqlite://", "metrics") is None
    board = board_of(url, tuple)
    assert (type(board), type(store_of(url, Modes.of(Settings()), board))) == (Board, SqliteStore)


def test_postgresql_has_them_in_a_folder_of_the_user(temporary):
    """Nobody else may enter it; each database has files of its own, whose names do not tell its password."""
    found = beside(URL.replace("standin@", "standin:pass1word@"), "metrics")
    assert (found.parent, temporary.stat().st_mode & 0o777) == (temporary, 0o700)
    assert "pass1word" not in found.name
    assert beside(URL, "metrics") not in (found, beside(f"{URL}2", "metrics"))
    board = board_of(URL, tuple)
    assert (type(board), type(store_of(URL, Modes.of(Settings()), board))) == (PostgresBoard, PostgresStore)


def test_a_folder_that_others_may_enter_is_refused(temporary):
    """They could put files there that the stand-in would take for its own."""
    temporary.mkdir()
    temporary.chmod(0o755)
    with pytest.raises(StartRefused) as refused:
        beside(URL, "metrics")
    expected = "it belongs to somebody else, expected a folder of this user alone."
    assert str(refused.value) == f"{temporary}: {expected}"


def test_a_machine_without_a_place_for_temporary_files(tmp_path, monkeypatch):
    """The sentence says what would name one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(
        StartRefused, match=r"^no temporary folder can be used \(.*\), expected one that TMPDIR names\.$"
    ):
        beside(URL, "metrics")

"""Files and folders for their owner alone."""

import os
import stat

import pytest

from app.private_files import make_private, make_private_folder


@pytest.fixture(autouse=True)
def open_handed():
    """Let the process make files for everybody, as some machines do."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    """Return who may do what."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file(tmp_path):
    """It is empty and its owner's."""
    make_private(tmp_path / "file")
    assert (mode(tmp_path / "file"), (tmp_path / "file").read_bytes()) == (0o600, b"")


def test_a_file_that_is_there(tmp_path):
    """Its content and its mode stay: somebody may share it on purpose."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").chmod(0o640)
    make_private(tmp_path / "file")
    assert (mode(tmp_path / "file"), (tmp_path / "file").read_text()) == (0o640, "x")


def test_where_none_can_be_made(tmp_path):
    """Nothing is raised: whoever opens the file has the better words."""
    make_private(tmp_path / "absent" / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_followed(tmp_path):
    """A link that leads nowhere yet makes no file of its maker's choice."""
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    make_private(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder(tmp_path):
    """A new one is the owner's; one that is there keeps its mode."""
    make_private_folder(tmp_path / "new")
    (tmp_path / "old").mkdir(0o755)
    make_private_folder(tmp_path / "old")
    assert (mode(tmp_path / "new"), mode(tmp_path / "old")) == (0o700, 0o755)

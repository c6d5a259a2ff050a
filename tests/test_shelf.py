"""Tests of app/shelf.py: the folder, as tests/postgres/test_shelf.py does for the table."""

from datetime import UTC, datetime

import pytest

from app.schema import HEAD, Preparation
from app.seed import plant
from app.shelf import FolderShelf
from app.sqlite.image import SeedImage, save
from tests.servers import ADMIN_SECRET

MOMENT = datetime(2026, 11, 23, 18, tzinfo=UTC)
SEED = Preparation(lambda begun: plant(begun, "empty", ADMIN_SECRET, MOMENT, False), lambda _begun: None, True)


def image(shelf):
    """Make a snapshot's file on a shelf's bench."""
    file, made = shelf.new_file(), SeedImage(SEED.plant)
    save(made._connection, file, MOMENT)
    made.close()
    return file


@pytest.mark.parametrize("beside", [True, False])
async def test_kept_listed_lent_and_forgotten(tmp_path, beside):
    """The file itself gets the name; in a temporary folder it is gone with the shelf."""
    shelf = FolderShelf(tmp_path / "snapshots" if beside else None)
    file = image(shelf)
    size = file.stat().st_size
    assert await shelf.keep("a", file) == ("a", size, HEAD, MOMENT)
    assert (await shelf.list(), file.exists()) == ([("a", size, HEAD, MOMENT)], False)
    async with shelf.at_hand("a") as path:
        assert path == shelf.folder / "a.sqlite"
    await shelf.keep("b", image(shelf))
    await shelf.delete("a")
    folder = shelf.folder
    with pytest.raises(KeyError):
        await shelf.delete("a")
    with pytest.raises(KeyError):
        async with shelf.at_hand("a"):
            pass
    await shelf.close()
    assert (folder / "b.sqlite").exists() == beside


def test_what_a_killed_process_leaves(tmp_path):
    """Uploads and halves of snapshots are known as such, finished ones are not."""
    shelf = FolderShelf(tmp_path)
    left = [shelf.new_file(), tmp_path / "..uploadabc.4711", tmp_path / ".a.sqlite.4711"]
    for path in [*left, tmp_path / "a.sqlite"]:
        path.touch()
    assert sorted(shelf.unfinished) == sorted(left)
    assert FolderShelf(None).unfinished == []

"""Tests of app/postgres/shelf.py: two hosts that share one database and no folder."""

import asyncio
import os
from contextlib import asynccontextmanager

import pytest

from app.errors import StartRefused
from app.postgres.preparation import prepare
from app.postgres.shelf import TableShelf
from app.schema import HEAD
from app.sqlite.image import SeedImage, save
from tests.postgres.conftest import MOMENT, planting

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")


@asynccontextmanager
async def shelf(url, folder):
    """Open the shelf as a host would."""
    opened = TableShelf(url, folder)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def two(url, tmp_path):
    """Return the shelves of two hosts."""
    await prepare(url, planting())
    async with shelf(url, tmp_path / "one") as one, shelf(url, tmp_path / "other") as other:
        yield one, other


def image(shelf, seed="standard"):
    """Make a snapshot's file on a shelf's bench."""
    file, made = shelf.new_file(), SeedImage(planting(seed).plant)
    save(made._connection, file, MOMENT)
    made.close()
    return file


async def content(shelf, name):
    """Return what is kept."""
    async with shelf.at_hand(name) as path:
        return path.read_bytes(), path.stat().st_mtime


async def test_what_one_host_keeps_the_other_finds(two):
    """It is listed with size, revision and moment, comes back byte for byte with its date, and is forgotten by all."""
    one, other = two
    file = image(one)
    kept = await one.keep("a", file)
    assert kept == ("a", file.stat().st_size, HEAD, MOMENT)
    assert await other.list() == [kept]
    assert await content(other, "a") == (file.read_bytes(), MOMENT.timestamp())
    await other.delete("a")
    assert await one.list() == []
    for refused in (one.delete("a"), content(one, "a")):
        with pytest.raises(KeyError):
            await refused


async def test_names_are_sorted_by_their_bytes_and_replaced(two):
    """The later file of a name counts, and of several that come at once one is there, whole."""
    one, other = two
    for name in ("b", "B", "a"):
        await one.keep(name, image(one))
    assert [kept.name for kept in await other.list()] == ["B", "a", "b"]
    files = [image(shelf, seed) for shelf, seed in ((one, "empty"), (other, "standard"))]
    await asyncio.gather(one.keep("a", files[0]), other.keep("a", files[1]))
    assert len(await one.list()) == 3
    assert (await content(one, "a"))[0] in [file.read_bytes() for file in files]


async def test_a_file_of_many_pieces(two):
    """It may be larger than what is sent at a time, and than a number of pieces."""
    one, other = two
    file = image(one)
    with file.open("ab") as longer:
        longer.write(os.urandom(2_500_000))
    await one.keep("long", file)
    assert (await content(other, "long"))[0] == file.read_bytes()


async def test_no_copy_is_left(two):
    """A copy is there while it is used, whatever happens to its user."""
    one, _ = two
    file = image(one)
    await one.keep("a", file)
    file.unlink()
    with pytest.raises(ZeroDivisionError):
        async with one.at_hand("a") as path:
            assert (path.exists(), one.unfinished) == (True, [path])
            raise ZeroDivisionError
    assert list(one.folder.iterdir()) == []


async def test_a_file_that_is_none(two):
    """It is refused before anything of it is kept."""
    one, _ = two
    file = one.new_file()
    file.write_bytes(b"buy milk")
    with pytest.raises(StartRefused, match="no snapshot of a stand-in"):
        await one.keep("a", file)
    assert await one.list() == []
